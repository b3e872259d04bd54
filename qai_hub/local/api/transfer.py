"""Handlers of signed URLs: streaming uploads, in parts or as a form, and downloads."""

import base64
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import chain

from multipart import MultipartError, ParserLimitReached, PushMultipartParser, parse_options_header
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from qai_hub.local.api.context import Services
from qai_hub.local.api.uploads import part_etag
from qai_hub.local.contract import Call, Reply
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.store import Received, UploadReceiver
from qai_hub.local.store.files import Part, delete_part, get_file, get_upload, save_part

_ENDED = "This upload is finished, or was abandoned."
_FORM_OVERHEAD = 1 << 16
_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


async def upload_part(services: Services, call: Call) -> Reply:
    """Receive one part of an upload and write it to its place in the file."""
    upload_id, number = call.params["upload_id"], call.params["part_number"]
    signed = services.signer.check(
        "uploadPart", call.params["signature"], upload_id=upload_id, part_number=number
    )
    _check_length(call.request, signed["size"])
    async with services.writers.writing(upload_id, number):
        # An earlier part with this number is overwritten in place, so it must no longer count.
        await _update_upload(services, upload_id, lambda db: delete_part(db, upload_id, number))
        received = await _receiver(services).write_part(
            upload_id, call.request.stream(), offset=signed["offset"], limit=signed["size"]
        )
        _check_size(received, signed["size"])
        part = Part(upload_id, number, received.size, received.sha256)
        return await _store_part(services, part)


async def upload_form(services: Services, call: Call) -> Reply:
    """Receive a whole upload as a form with one file."""
    upload_id = call.params["upload_id"]
    signed = services.signer.check("uploadForm", call.params["signature"], upload_id=upload_id)
    length = call.request.headers.get("content-length", "0")
    if int(length) > signed["limit"] + _FORM_OVERHEAD:
        raise ProblemError(413, f"The form has more than the {signed['limit']} bytes expected.")
    async with services.writers.writing(upload_id, 1):
        await _update_upload(services, upload_id, lambda _: None)
        received = await _receive_form(
            services, call.request, upload_id, size=signed["size"], limit=signed["limit"]
        )
        return await _store_part(services, Part(upload_id, 1, received.size, received.sha256))


async def download_file(services: Services, call: Call) -> Response:
    """Send a file, or the requested range of it."""
    file_id = call.params["file_id"]
    signed = services.signer.check("downloadFile", call.params["signature"], file_id=file_id)

    def find() -> tuple[int, str] | None:
        with services.store.read() as db:
            file = get_file(db, file_id)
        return None if file is None else (file.size, file.sha256 or "")

    found = await run_in_threadpool(find)
    if found is None:
        raise ProblemError(404, "The file no longer exists.")
    size, sha256 = found
    tag = f'"{sha256}"'
    first, last = 0, size - 1
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Disposition": f'attachment; filename="{signed["filename"]}"',
        "Cache-Control": "private, no-transform",
    }
    wanted = _parse_range(call, size, tag)
    if wanted is not None:
        first, last = wanted
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    digest = base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
    headers |= {"Repr-Digest": f"sha-256=:{digest}:", "Content-Length": str(last - first + 1)}
    blocks = services.storage.open_range(file_id, first, last + 1)
    try:
        # Before the headers are sent: until the file is open, it may be deleted at any time.
        begin = await run_in_threadpool(next, blocks, b"")
    except FileNotFoundError:
        raise ProblemError(404, "The file no longer exists.") from None
    return StreamingResponse(
        chain((begin,), blocks),
        status_code=200 if wanted is None else 206,
        headers=headers,
        media_type="application/octet-stream",
    )


async def _update_upload(
    services: Services, upload_id: str, change: Callable[[Connection], None]
) -> None:
    """Run a step in the database if the upload has not ended."""

    def run() -> None:
        with services.store.write() as db:
            there = _receiver(services).has_upload(upload_id)
            if get_upload(db, upload_id) is None or not there:
                raise ProblemError(409, _ENDED)
            change(db)

    await run_in_threadpool(run)


def _receiver(services: Services) -> UploadReceiver:
    if services.receiver is None:
        raise ProblemError(409, _ENDED)
    return services.receiver


def _check_length(request: Request, size: int) -> None:
    """Refuse a wrong size before the bytes arrive, if it is announced."""
    length = request.headers.get("content-length")
    if length is not None and int(length) != size:
        status = 413 if int(length) > size else 400
        raise ProblemError(status, f"This part has {size} bytes, not {length}.")


def _check_size(received: Received, size: int | None) -> None:
    if size is not None and received.size != size:
        raise ProblemError(400, f"{size} bytes were announced, but {received.size} arrived.")


async def _store_part(services: Services, part: Part) -> Reply:
    await _update_upload(services, part.upload_id, lambda db: save_part(db, part))
    return Reply(headers={"ETag": part_etag(part)})


async def _receive_form(
    services: Services, request: Request, upload_id: str, *, size: int | None, limit: int
) -> Received:
    _, options = parse_options_header(request.headers["content-type"])
    try:
        parser = PushMultipartParser(
            options.get("boundary", ""), max_header_size=8192, max_segment_count=64
        )
        async with aclosing(_iter_file_field(request, parser)) as chunks:
            received = await _receiver(services).write_whole(
                upload_id, chunks, limit=limit, check=lambda found: _check_size(found, size)
            )
    except ParserLimitReached as error:
        raise ProblemError(413, f"The form is too large: {error}.") from None
    except MultipartError as error:
        raise ProblemError(400, f"The form cannot be read: {error}.") from None
    return received


async def _iter_file_field(
    request: Request, parser: PushMultipartParser
) -> AsyncGenerator[bytes, None]:
    """Yield the content of the field `file`, and skip other, small fields."""
    within_file, files, other = False, 0, 0
    with parser:
        async for chunk in request.stream():
            if not chunk or parser.closed:
                continue
            for event in parser.parse(chunk):
                if isinstance(event, (bytes, bytearray)):
                    if within_file:
                        yield bytes(event)
                        continue
                    other += len(event)
                    if other > _FORM_OVERHEAD:
                        raise ProblemError(413, "The fields beside the file are too large.")
                elif event is not None:
                    within_file = event.name == "file"
                    files += within_file
    if files != 1:
        raise ProblemError(400, f"The form must have one field 'file', not {files}.")


def _parse_range(call: Call, size: int, tag: str) -> tuple[int, int] | None:
    """Return the first and last byte requested; None for the whole file."""
    match = _RANGE.fullmatch(call.params.get("Range", "").replace(" ", ""))
    if match is None or call.params.get("If-Range", tag) != tag:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size - 1
    else:
        start, end = int(first), min(size - 1, int(last) if last else size - 1)
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise ProblemError(
            416, f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"}
        )
    return start, end
