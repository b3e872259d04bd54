"""Uploads of dataset files to the hub, and what those of models share with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qai_hub.config.files import Secret
from qai_hub.errors import Error, InternalError, UserError
from qai_hub.transfer.completion import complete_upload
from qai_hub.transfer.s3 import StoredObject, s3_support_parameter
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

    from qai_hub.driver import Driver
    from qai_hub.transfer.content import Content

T = TypeVar("T")

# How often a form is sent when the service reports that it has not arrived.
_MAX_TRIES = 3


async def upload_dataset_file(driver: Driver, dataset_id: str, path: Path) -> None:
    """Uploads a dataset's file, by a form post or with storage credentials, as the service offers.

    Args:
        driver: Runs the requests and transfers.
        dataset_id: Identifier of a dataset that has no file yet.
        path: The file.
    """
    from qai_hub_api.api.datasets import (
        complete_dataset_upload,
        get_dataset,
        start_dataset_upload,
        update_dataset,
    )
    from qai_hub_api.models import DatasetUpdate

    async def is_complete() -> bool:
        dataset = await driver.call(get_dataset.sync, dataset_id)
        return bool(value_or_none(dataset.file_upload_complete))

    async def complete_object() -> object:
        return await driver.call(complete_dataset_upload.sync, dataset_id)

    resource = f"Dataset {dataset_id}"
    size = path.stat().st_size  # noqa: ASYNC240 - the call is short
    answer = await driver.call(
        start_dataset_upload.sync,
        dataset_id,
        file_size=size,
        use_acceleration=True,
        supports_s3_credentials=s3_support_parameter(),
    )
    if await upload_object(driver, path, answer):
        await complete_upload(complete_object, is_complete, resource, sleep=driver.sleep)
        return
    form = offered_method(answer.url, "by a form post")
    form.url, fields = Secret(form.url), form.fields.additional_properties
    fields.update({name: Secret(value) for name, value in fields.items()})
    body = DatasetUpdate(file_upload_complete=True)

    async def finish() -> object:
        return await driver.call(update_dataset.sync, dataset_id, body=body)

    for try_number in range(1, _MAX_TRIES + 1):
        await driver.run(
            lambda: driver.files.upload_form(path, form.url, form.file_field_name, fields)
        )
        try:
            await complete_upload(finish, is_complete, resource, sleep=driver.sleep)
        except UserError as error:
            # A proxy on the way may have swallowed the form and answered as the store would.
            if error.status_code != 409 or try_number == _MAX_TRIES:
                raise
        else:
            return


async def upload_object(
    driver: Driver, source: Path | Content, answer: api.FileUploadResponse
) -> bool:
    """Uploads a file with storage credentials, if the service sent some.

    Args:
        driver: Runs the transfer.
        source: The file, or its content.
        answer: How the service takes the file.

    Returns:
        Whether it sent some.
    """
    credentials = value_or_none(answer.credentials)
    if credentials is None:
        return False
    stored = StoredObject(credentials)
    await driver.run(lambda: driver.files.upload_object(source, stored))
    return True


def offered_method(method: T | Unset, name: str) -> T:
    """Returns how the service takes a file.

    Args:
        method: The method, if the service offers it.
        name: The method, for messages.

    Returns:
        The method.

    Raises:
        InternalError: If it does not offer that method.
    """
    offered = value_or_none(method)
    if offered is None:
        raise InternalError(f"The service does not accept this file {name}.")
    return offered


@contextmanager
def note_created_resource(resource: str) -> Iterator[None]:
    """Adds a note to errors that names what was created before.

    Args:
        resource: What was created, such as `"Model mabc"`.
    """
    try:
        yield
    except Error as error:
        error.add_note(f"{resource} has already been created.")
        raise
