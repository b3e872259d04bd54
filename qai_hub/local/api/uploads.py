"""Uploads and downloads, as models, datasets and artifacts share them."""

import re
from functools import partial
from pathlib import PurePosixPath

from qai_hub.local.api.context import RequestContext, request_origin
from qai_hub.local.api.quotas import check_arrived, check_upload
from qai_hub.local.api.serialize import Json
from qai_hub.local.clock import rfc3339
from qai_hub.local.enums import ModelType
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.store import DirectUploads, Received, StoredPart
from qai_hub.local.store.files import (
    Part,
    add_file,
    add_upload,
    delete_uploads,
    get_file,
    get_parts,
    get_upload,
    get_uploads,
)
from qai_hub.local.store.records import LONG_ID, File, Upload, new_id

MAX_SIZE = 1 << 40
_MAX_PARTS = 10_000
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")

EXTENSIONS: dict[str, str] = {
    ModelType.TORCHSCRIPT: ".pt",
    ModelType.TORCH_EXPORTED_PROGRAM: ".pt2",
    ModelType.TFLITE: ".tflite",
    ModelType.ONNX: ".onnx",
    ModelType.AIMET_ONNX: ".aimet",
    ModelType.MLMODEL: ".mlmodel",
    ModelType.MLMODELC: ".mlmodelc",
    ModelType.MLPACKAGE: ".mlpackage",
    ModelType.QNN_CONTEXT_BINARY: ".bin",
    ModelType.QNN_DLC: ".dlc",
    ModelType.QNN_LIB_AARCH64_ANDROID: ".so",
    ModelType.QNN_LIB_X86_64_LINUX: ".so",
}


def create_upload(
    context: RequestContext, object_id: str, size: int | None, *, in_parts: bool
) -> Upload:
    """Begin an upload.

    Args:
        context: The request.
        object_id: The model or dataset that it is for.
        size: Its size in bytes; None if unknown.
        in_parts: Whether it arrives in parts, not as a form.

    Returns:
        The upload, with the size of its parts if its size is known.

    Raises:
        ProblemError: 429 or 409 if the user may not.
    """
    services = context.services
    config, direct = services.config, services.direct
    check_upload(context, object_id, size)
    part_size = None if size is None else max(config.part_size, -(-size // _MAX_PARTS))

    def begin() -> str:
        upload_id = new_id("u", LONG_ID)
        if services.receiver is not None:
            services.receiver.begin_upload(upload_id)
        elif direct is not None and in_parts:
            direct.begin_parts(upload_id)
        return upload_id

    upload_id = context.ask_storage("begin", begin)
    upload = Upload(upload_id, object_id, context.now, size, part_size, context.viewer.id)
    add_upload(context.db, upload)
    return upload


def get_unfinished_upload(context: RequestContext, object_id: str, upload_id: str) -> Upload:
    """Return an upload in parts that can be continued.

    Args:
        context: The request.
        object_id: The model that it is for.
        upload_id: The upload.

    Raises:
        ProblemError: 404 if it has ended or expired, or is for something else.
    """
    upload = get_upload(context.db, upload_id)
    oldest = context.services.clock() - context.services.config.retention.uploads
    if (
        upload is None
        or upload.object_id != object_id
        or upload.created <= rfc3339(oldest)
        or not _is_there(context, upload_id)
    ):
        raise ProblemError(
            404, f"There is no such unfinished upload of {object_id}: start another."
        )
    return upload


def _is_there(context: RequestContext, upload_id: str) -> bool:
    receiver, direct = context.services.receiver, context.services.direct
    if direct is not None:
        return _ask_for_parts(context, direct, upload_id) is not None
    return receiver is not None and receiver.has_upload(upload_id)


def _ask_for_parts(
    context: RequestContext, direct: DirectUploads, upload_id: str
) -> list[StoredPart] | None:
    return context.ask_storage("parts", lambda: direct.get_parts(upload_id))


def part_urls(context: RequestContext, upload: Upload) -> list[str]:
    """Return a signed URL for each part of an upload of known size."""
    links, origin = context.services.links, request_origin(context.call.request)

    def sign() -> list[str]:
        return [
            links.part(
                origin, upload.id, number, size=size, offset=(number - 1) * (upload.part_size or 0)
            )
            for number, size in enumerate(part_sizes(upload), 1)
        ]

    return context.ask_storage("sign", sign)


def received_parts_json(context: RequestContext, upload: Upload) -> list[Json]:
    """Return the parts of an upload that have arrived, as JSON.

    They have digests, by which clients find out whether they are those of their file.
    """
    direct = context.services.direct
    if direct is not None:
        stored = _ask_for_parts(context, direct, upload.id) or []
        return [
            {"number": part.number, "size": part.size, "etag": part.etag}
            | ({} if part.md5 is None else {"md5": part.md5})
            for part in stored
        ]
    return [
        {
            "number": part.number,
            "size": part.size,
            "etag": part_etag(part),
            "sha256": part.sha256,
        }
        for part in get_parts(context.db, upload.id)
    ]


def part_etag(part: Part) -> str:
    """Return the entity tag of a part that has arrived."""
    return f'"{part.sha256}"'


def part_sizes(upload: Upload) -> list[int]:
    """Return the size of each part of an upload of known size, in bytes."""
    size, step = upload.size or 0, upload.part_size or 1
    return [min(step, size - start) for start in range(0, size, step)]


def publish_parts(context: RequestContext, upload: Upload, etags: list[str]) -> str:
    """Publish an upload all of whose parts have arrived.

    Args:
        context: The request.
        upload: The upload.
        etags: The entity tags of its parts, as the caller has received them.

    Returns:
        The id of the file.

    Raises:
        ProblemError: 409 if they have not arrived as the caller sent them, or the upload was
            abandoned.
    """
    direct, sizes = context.services.direct, part_sizes(upload)
    if direct is None:
        _check_parts(context, upload, etags)
        return _publish_received(context, upload)
    file_id = context.ask_storage("finish", lambda: direct.finish_parts(upload.id, sizes, etags))
    return _add_file(context, upload.object_id, File(file_id, sum(sizes), None))


def publish_form(context: RequestContext, object_id: str) -> str | None:
    """Publish the latest upload that has arrived as a form.

    Args:
        context: The request.
        object_id: The dataset that it is for.

    Returns:
        The id of the file; None if none has arrived.

    Raises:
        ProblemError: 409 if the upload was abandoned, or its user has no space for it.
    """
    direct, uploads = context.services.direct, get_uploads(context.db, object_id)
    if direct is None:
        arrived = next((each for each in uploads if get_parts(context.db, each.id)), None)
        if arrived is None:
            return None
        size = sum(part.size for part in get_parts(context.db, arrived.id))
        check_arrived(context, arrived, size)
        return _publish_received(context, arrived)

    def finish() -> File | None:
        file_id = new_id("f", LONG_ID)
        size = direct.finish_form([upload.id for upload in uploads], file_id)
        return None if size is None else File(file_id, size, None)

    file = context.ask_storage("finish", finish)
    return None if file is None else _add_file(context, object_id, file)


def _check_parts(context: RequestContext, upload: Upload, etags: list[str]) -> None:
    parts, sizes = get_parts(context.db, upload.id), part_sizes(upload)
    received = {part.number: part for part in parts}
    for number, size in enumerate(sizes, 1):
        part = received.get(number)
        if part is None or part.size != size:
            raise ProblemError(409, f"Part {number} of {len(sizes)} has not been uploaded.")
    if [tag.strip().strip('"') for tag in etags] != [part.sha256 for part in parts]:
        raise ProblemError(409, "The etags are not those of the responses to the parts, in order.")


def _publish_received(context: RequestContext, upload: Upload) -> str:
    """Publish an upload that this hub has received."""
    receiver = context.services.receiver
    if receiver is None or not receiver.has_upload(upload.id):
        raise ProblemError(409, "This upload was abandoned: start another.")
    context.exit_stack.enter_context(context.services.writers.finishing(upload.id))
    parts = [Received(part.size, part.sha256) for part in get_parts(context.db, upload.id)]
    # Should others have arrived meanwhile, those are put together as well.
    name = f"assemble {[part.sha256 for part in parts]}"
    digest = context.ask_storage(name, lambda: receiver.assemble(upload.id, parts))
    file = File(new_id("f", LONG_ID), sum(part.size for part in parts), digest)
    receiver.publish_upload(upload.id, file.id, digest)
    return _add_file(context, upload.object_id, file)


def _add_file(context: RequestContext, object_id: str, file: File) -> str:
    """Store a file that was uploaded, and end the uploads for its model or dataset."""
    storage = context.services.storage
    add_file(context.db, file, context.viewer.id)
    if file.sha256 is None:
        context.after_commit.append(partial(context.services.digests.request, file.id))
    ended = [each.id for each in get_uploads(context.db, object_id)]
    delete_uploads(context.db, ended)
    context.after_commit.append(lambda: storage.remove_uploads(ended))
    return file.id


def download_json(context: RequestContext, file_id: str, filename: str) -> Json:
    """Return where a file can be downloaded.

    Args:
        context: The request.
        file_id: The file.
        filename: Its name for the user.

    Returns:
        A signed URL, the name, the SHA-256, and the size.
    """
    file = get_file(context.db, file_id)
    if file is None:
        raise ProblemError(404, "The file no longer exists.")
    # Waited for here, where callers can wait, and not when the download begins.
    digest = known_digest(context, file)
    if digest is None:
        raise ProblemError(404, "The file no longer exists.")
    services = context.services
    url = services.links.download(request_origin(context.call.request), file_id, filename=filename)
    return {"url": url, "filename": filename, "sha256": digest, "size": file.size}


def known_digest(context: RequestContext, file: File) -> str | None:
    """Return the SHA-256 of a file, once it has been computed.

    Returns:
        The digest in hex; None if the file is gone.
    """
    digests = context.services.digests
    return file.sha256 or context.ask_storage(f"digest {file.id}", lambda: digests.get(file.id))


def model_filename(name: str, model_type: str | None, *, is_directory: bool) -> str:
    """Return the name of a model's file, with no dots but those of its extension."""
    suffix = EXTENSIONS.get(model_type or "", "")
    return safe_stem(name, suffix) + suffix + (".zip" if is_directory else "")


def safe_stem(name: str, suffix: str) -> str:
    """Return a name as a file name without dots, blanks or characters that file systems refuse."""
    stem = name[: -len(suffix)] if suffix and name.endswith(suffix) else name
    return _UNSAFE.sub("_", PurePosixPath(stem).name).strip("_")[:100] or "file"
