"""Uploads and downloads, as models, datasets and artifacts share them."""

import re
from functools import partial
from pathlib import PurePosixPath

from qai_hub.local.api.context import RETRY_AFTER, RequestContext, request_origin
from qai_hub.local.api.serialize import Json
from qai_hub.local.clock import rfc3339
from qai_hub.local.enums import ModelType
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.files import (
    Part,
    add_file,
    add_upload,
    count_uploads,
    delete_uploads,
    get_file,
    get_parts,
    get_upload,
    get_uploads,
)
from qai_hub.local.store.records import File, Upload, new_id

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


def create_upload(context: RequestContext, object_id: str, size: int | None) -> Upload:
    """Begin an upload.

    Args:
        context: The request.
        object_id: The model or dataset that it is for.
        size: Its size in bytes; None if unknown.

    Returns:
        The upload, with the size of its parts if its size is known.

    Raises:
        ProblemError: 429 if the user has too many unfinished uploads.
    """
    config = context.services.config
    most, since = config.max_unfinished_uploads, context.services.clock() - config.retention.uploads
    if count_uploads(context.db, context.viewer.id, rfc3339(since)) >= most:
        raise ProblemError(
            429,
            f"You have {most} unfinished uploads, the maximum for one user: "
            "finish some, or delete their models and datasets.",
            headers={"Retry-After": RETRY_AFTER},
        )
    part_size = None if size is None else max(config.part_size, -(-size // _MAX_PARTS))
    upload = Upload(new_id("u"), object_id, context.now, size, part_size, context.viewer.id)
    add_upload(context.db, upload)
    context.services.storage.begin_upload(upload.id)
    return upload


def get_unfinished_upload(context: RequestContext, object_id: str, upload_id: str) -> Upload:
    """Return an upload that can be continued.

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
        or not context.services.storage.has_upload(upload_id)
    ):
        raise ProblemError(
            404, f"There is no such unfinished upload of {object_id}: start another."
        )
    return upload


def received_parts_json(context: RequestContext, upload: Upload) -> list[Json]:
    """Return the parts of an upload that have arrived, as JSON."""
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


def check_parts(context: RequestContext, upload: Upload, etags: list[str]) -> None:
    """Check that all parts have arrived as the caller sent them.

    Raises:
        ProblemError: 409 if not.
    """
    parts, sizes = get_parts(context.db, upload.id), part_sizes(upload)
    received = {part.number: part for part in parts}
    for number, size in enumerate(sizes, 1):
        part = received.get(number)
        if part is None or part.size != size:
            raise ProblemError(409, f"Part {number} of {len(sizes)} has not been uploaded.")
    if [tag.strip().strip('"') for tag in etags] != [part.sha256 for part in parts]:
        raise ProblemError(409, "The etags are not those of the responses to the parts, in order.")


def publish_upload(context: RequestContext, upload: Upload) -> str:
    """Publish the uploaded file.

    Args:
        context: The request.
        upload: An upload all of whose parts have arrived.

    Returns:
        The id of the file.

    Raises:
        ProblemError: 409 if the upload was abandoned.
    """
    storage = context.services.storage
    if not storage.has_upload(upload.id):
        raise ProblemError(409, "This upload was abandoned: start another.")
    context.exit_stack.enter_context(context.services.writers.finishing(upload.id))
    parts = get_parts(context.db, upload.id)
    # That of several parts requires reading the file again, which takes too long here.
    digest = parts[0].sha256 if len(parts) == 1 else None
    file = File(new_id("f"), sum(part.size for part in parts), digest)
    add_file(context.db, file)
    storage.publish_upload(upload.id, file.id)
    if digest is None:
        context.after_commit.append(partial(context.services.digests.request, file.id))
    ended = [each.id for each in get_uploads(context.db, upload.object_id)]
    delete_uploads(context.db, ended)
    context.after_commit.append(lambda: storage.remove_uploads(ended))
    return file.id


def latest_complete_upload(context: RequestContext, object_id: str) -> Upload | None:
    """Return the latest form upload for a dataset that has arrived, or None."""
    for upload in get_uploads(context.db, object_id):
        if get_parts(context.db, upload.id):
            return upload
    return None


def download_json(context: RequestContext, file_id: str, filename: str) -> Json:
    """Return where a file can be downloaded.

    Args:
        context: The request.
        file_id: The file.
        filename: Its name for the user.

    Returns:
        A signed URL, the name, and the SHA-256.
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
    return {"url": url, "filename": filename, "sha256": digest}


def known_digest(context: RequestContext, file: File) -> str | None:
    """Return the SHA-256 of a file, once it has been computed.

    Returns:
        The digest in hex; None if the file is gone.
    """
    return file.sha256 or context.services.digests.get(file.id)


def model_filename(name: str, model_type: str | None, *, is_directory: bool) -> str:
    """Return the name of a model's file, with no dots but those of its extension."""
    suffix = EXTENSIONS.get(model_type or "", "")
    return safe_stem(name, suffix) + suffix + (".zip" if is_directory else "")


def safe_stem(name: str, suffix: str) -> str:
    """Return a name as a file name without dots, blanks or characters that file systems refuse."""
    stem = name[: -len(suffix)] if suffix and name.endswith(suffix) else name
    return _UNSAFE.sub("_", PurePosixPath(stem).name).strip("_")[:100] or "file"
