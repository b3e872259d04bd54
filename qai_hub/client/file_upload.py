"""Files to the hub."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qai_hub.config.checks import Secret
from qai_hub.errors import InternalError, UserError
from qai_hub.transfer.completion import complete
from qai_hub.transfer.s3 import StoredObject, s3_announced
from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api.types import Unset

    from qai_hub.connection import Connection

T = TypeVar("T")

# Times that a form is sent of which the service says that it has not come.
_ROUNDS = 3


def upload_model_file(connection: Connection, model_id: str, path: Path) -> None:
    """Uploads the file of a model: in parts, or as the storage credentials allow.

    Args:
        connection: What sends the requests.
        model_id: A model without a file.
        path: The file.
    """
    from qai_hub_api.api.models import (
        complete_model_upload,
        finish_model_upload,
        get_model,
        start_model_upload,
    )
    from qai_hub_api.models import MultipartUploadFinish

    def is_complete() -> bool:
        return bool(known(connection.call(get_model.sync, model_id).file_upload_complete))

    what = f"Model {model_id}"

    size = path.stat().st_size
    answer = connection.call(
        start_model_upload.sync,
        model_id,
        file_size=size,
        use_acceleration=True,
        supports_s3_credentials=s3_announced(),
    )
    credentials = known(answer.credentials)
    if credentials is not None:
        connection.files.upload_object(path, StoredObject(credentials))
        complete(partial(connection.call, complete_model_upload.sync, model_id), is_complete, what)
        return
    parts = _method(answer.multipart_url, "in parts")
    parts.urls = [Secret(url) for url in parts.urls]
    etags = connection.files.upload_parts(path, parts.urls, parts.max_part_size)
    body = MultipartUploadFinish(upload_id=parts.upload_id, etags=etags)
    finish = partial(connection.call, finish_model_upload.sync, model_id, body=body)
    complete(finish, is_complete, what)


def upload_dataset_file(connection: Connection, dataset_id: str, path: Path) -> None:
    """Uploads the file of a dataset: by one form post, or as the storage credentials allow.

    Args:
        connection: What sends the requests.
        dataset_id: A dataset without a file.
        path: The file.
    """
    from qai_hub_api.api.datasets import (
        complete_dataset_upload,
        get_dataset,
        start_dataset_upload,
        update_dataset,
    )
    from qai_hub_api.models import DatasetUpdate

    def is_complete() -> bool:
        return bool(known(connection.call(get_dataset.sync, dataset_id).file_upload_complete))

    what = f"Dataset {dataset_id}"

    size = path.stat().st_size
    answer = connection.call(
        start_dataset_upload.sync,
        dataset_id,
        file_size=size,
        use_acceleration=True,
        supports_s3_credentials=s3_announced(),
    )
    credentials = known(answer.credentials)
    if credentials is not None:
        connection.files.upload_object(path, StoredObject(credentials))
        complete(
            partial(connection.call, complete_dataset_upload.sync, dataset_id), is_complete, what
        )
        return
    form = _method(answer.url, "by a form post")
    form.url, fields = Secret(form.url), form.fields.additional_properties
    fields.update({name: Secret(value) for name, value in fields.items()})
    body = DatasetUpdate(file_upload_complete=True)
    finish = partial(connection.call, update_dataset.sync, dataset_id, body=body)
    for round_ in range(1, _ROUNDS + 1):
        connection.files.upload_form(path, form.url, form.file_field_name, fields)
        try:
            complete(finish, is_complete, what)
        except UserError as error:
            # Something on the way may have taken the form, and answered as a store does.
            if error.status_code != 409 or round_ == _ROUNDS:
                raise
        else:
            return


def _method(method: T | Unset, how: str) -> T:
    given = known(method)
    if given is None:
        raise InternalError(f"The service does not offer to take this file {how}.")
    return given
