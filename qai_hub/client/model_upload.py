"""Uploads of model files, which continue where an earlier process has stopped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from qai_hub.client.file_upload import note_created_resource, offered_method, upload_object
from qai_hub.config.files import Secret
from qai_hub.connection import resolve_wire
from qai_hub.driver import enter_blocking_context
from qai_hub.errors import Error, UserError
from qai_hub.transfer.completion import complete_upload
from qai_hub.transfer.content import PartDigest, content_sha256, find_intact_parts
from qai_hub.transfer.s3 import s3_support_parameter
from qai_hub.transfer.unfinished import UnfinishedUpload, UploadNote, note_key
from qai_hub.transport.values import require_id, value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.transfer.content import Content

_logger = logging.getLogger("qai_hub")

# With these statuses a service refuses to continue an upload that it does not have any more.
_UNKNOWN_UPLOAD = frozenset({400, 403, 404, 409})


class UploadedModel(NamedTuple):
    """A model whose file has arrived.

    Attributes:
        model_id: Its identifier.
        created: The response to its creation; None if an earlier process has created it.
    """

    model_id: str
    created: api.CreateUpdateResponse | None


async def upload_new_model(
    driver: Driver, content: Content, body: api.ModelCreate, project_id: str | None
) -> UploadedModel:
    """Creates a model and uploads its file, in parts or with storage credentials.

    An upload of the same file as the same model that an earlier process has left is continued, if
    the service can do that.

    Args:
        driver: Runs the requests and transfers.
        content: The content of its file.
        body: The model to create.
        project_id: Project of the model; None for the user's own.

    Returns:
        The model.
    """
    from qai_hub_api.api.models import create_model
    from qai_hub_api.api.projects import create_project_model

    def open_note() -> UploadNote:
        config, model = driver.connection.config, sorted(body.to_dict().items())
        return UploadNote(note_key(content, config.api_url, config.api_token, project_id, model))

    async with enter_blocking_context(driver, open_note) as note:
        left = note.unfinished
        if left is not None and await _continue(driver, content, left, note):
            return UploadedModel(left.model_id, None)
        if project_id is None:
            created = await driver.call(create_model.sync, body=body)
        else:
            created = await driver.call(create_project_model.sync, project_id, body=body)
        model_id = require_id(created.id)
        with note_created_resource(f"Model {model_id}"):
            answer = await _start(driver, model_id, content)
            await _transfer(driver, content, model_id, answer, note)
        return UploadedModel(model_id, created)


async def find_uploaded_model(
    driver: Driver, content: Content, body: api.ModelCreate, name: str, project_id: str | None
) -> api.Model | None:
    """Finds a model that the user has uploaded before, by the digest of its file.

    Args:
        driver: Runs the requests.
        content: The content of its file.
        body: The model, which must have the same format.
        name: The name that it must have; empty for any.
        project_id: The project that it must be in; None for any.

    Returns:
        The newest such model; None if there is none, or the service cannot tell.
    """
    if resolve_wire(driver.connection.config) == "protobuf":
        # Digests are not on that wire.
        return None
    for model in await _find_by_content(driver, content):
        if (
            value_or_none(model.model_type) == body.model_type
            and bool(value_or_none(model.is_directory)) == body.is_directory
            and (not name or value_or_none(model.name) == name)
            and (project_id is None or value_or_none(model.project_id) == project_id)
        ):
            return model
    return None


async def _find_by_content(driver: Driver, content: Content) -> list[api.Model]:
    sha256 = await driver.run(lambda: content_sha256(content))
    return await find_uploaded_models(driver, sha256, content.size)


async def find_uploaded_models(driver: Driver, sha256: str, size: int | None) -> list[api.Model]:
    """Finds the models that the user has uploaded with the same content, the newest first.

    Args:
        driver: Runs the requests.
        sha256: SHA-256 of their file, in hex.
        size: Its size in bytes; None if it is not known.

    Returns:
        The models; none if the service cannot tell.
    """
    from qai_hub_api.api.models import list_models
    from qai_hub_api.types import UNSET

    file_size = UNSET if size is None else size
    page = await driver.call(list_models.sync, sha256=sha256, file_size=file_size)
    # A service that does not know the parameter returns other models as well.
    models = value_or_none(page.models) or []
    return [model for model in models if value_or_none(model.sha256) == sha256]


async def _continue(
    driver: Driver, content: Content, left: UnfinishedUpload, note: UploadNote
) -> bool:
    """Finishes an upload that an earlier process has left; returns whether it could."""
    try:
        answer = await _start(driver, left.model_id, content, left.upload_id)
    except UserError as error:
        if error.status_code not in _UNKNOWN_UPLOAD:
            raise
        # The earlier process may have stopped just after the end of the upload.
        found = await _find_by_content(driver, content) if error.status_code == 409 else []
        is_uploaded = any(value_or_none(model.model_id) == left.model_id for model in found)
        if is_uploaded:
            note.remove()
        else:
            _logger.info(
                "The unfinished upload of %s no longer exists: starting anew.", content.name
            )
        return is_uploaded
    with note_created_resource(f"Model {left.model_id}"):
        await _transfer(driver, content, left.model_id, answer, note)
    return True


async def _start(
    driver: Driver, model_id: str, content: Content, upload_id: str | None = None
) -> api.FileUploadResponse:
    """Starts the upload of a model's file, or continues one."""
    from qai_hub_api.api.models import start_model_upload

    return await driver.call(
        start_model_upload.sync, model_id, **_start_parameters(content, upload_id)
    )


def _start_parameters(content: Content, upload_id: str | None) -> dict[str, Any]:
    parameters = {
        "file_size": content.size,
        "use_acceleration": True,
        "supports_s3_credentials": s3_support_parameter(),
    }
    return parameters if upload_id is None else {**parameters, "upload_id": upload_id}


async def _transfer(
    driver: Driver,
    content: Content,
    model_id: str,
    answer: api.FileUploadResponse,
    note: UploadNote,
) -> None:
    """Sends what is missing of a model's file, and finishes the upload."""
    from qai_hub_api.api.models import complete_model_upload, finish_model_upload, get_model
    from qai_hub_api.models import MultipartUploadFinish

    async def is_complete() -> bool:
        model = await driver.call(get_model.sync, model_id)
        return bool(value_or_none(model.file_upload_complete))

    async def complete_object() -> object:
        return await driver.call(complete_model_upload.sync, model_id)

    async def finish() -> object:
        return await driver.call(finish_model_upload.sync, model_id, body=body)

    resource = f"Model {model_id}"
    if await upload_object(driver, content, answer):
        await complete_upload(complete_object, is_complete, resource, sleep=driver.sleep)
        return
    parts = offered_method(answer.multipart_url, "in parts")
    try:
        etags = await _send_parts(driver, content, model_id, parts, note)
    except Error as error:
        if note.is_kept:
            error.add_note("Upload the same file again to send only what is missing.")
        raise
    body = MultipartUploadFinish(upload_id=parts.upload_id, etags=etags)
    await complete_upload(finish, is_complete, resource, sleep=driver.sleep)
    note.remove()


async def _send_parts(
    driver: Driver,
    content: Content,
    model_id: str,
    parts: api.FileMultipartUploadURL,
    note: UploadNote,
) -> list[str]:
    """Sends the parts that are missing; returns the entity tags of all."""
    from qai_hub_api.api.models import start_model_upload

    urls = _hide_urls(parts)
    # Where this field is missing, as on the official service, no upload can be continued.
    arrived = value_or_none(parts.parts)
    if arrived is not None and len(urls) > 1:
        note.write(UnfinishedUpload(model_id, parts.upload_id))
    etags: dict[int, str] = {}
    if arrived:
        etags = await _find_intact(driver, content, parts.max_part_size, arrived)
        _logger.info(
            "The upload of %s continues: %d of %d parts have arrived.",
            content.name,
            len(etags),
            len(urls),
        )

    def renew() -> list[str]:
        # In the thread of the part whose URL has expired, while other parts are being sent.
        renewed = driver.connection.call(
            start_model_upload.sync, model_id, **_start_parameters(content, parts.upload_id)
        )
        offered = offered_method(renewed.multipart_url, "in parts")
        # Those of another upload would be no help.
        return _hide_urls(offered) if offered.upload_id == parts.upload_id else []

    return await driver.run(
        lambda: driver.files.upload_parts(
            content,
            urls,
            parts.max_part_size,
            received=etags,
            renew=None if arrived is None else renew,
        )
    )


async def _find_intact(
    driver: Driver, content: Content, part_size: int, arrived: list[api.ReceivedPart]
) -> dict[int, str]:
    """Returns the entity tags of those parts that have arrived as they are in the file."""
    known = {part.number - 1: part for part in arrived}
    digests = {
        index: digest
        for index, part in known.items()
        if part.size == min(part_size, content.size - index * part_size)
        and (digest := _digest(part)) is not None
    }
    intact = await driver.run(lambda: find_intact_parts(content, part_size, digests))
    return {index: known[index].etag for index in intact}


def _digest(part: api.ReceivedPart) -> PartDigest | None:
    """Returns the digest of a part that has arrived; None if the service does not tell it."""
    sha256, md5 = value_or_none(part.sha256), value_or_none(part.md5)
    if sha256 is not None:
        return PartDigest("sha256", sha256)
    return None if md5 is None else PartDigest("md5", md5)


def _hide_urls(parts: api.FileMultipartUploadURL) -> list[str]:
    """Returns the URLs of the parts, which a traceback shows neither here nor in the response."""
    parts.urls = [Secret(url) for url in parts.urls]
    return parts.urls
