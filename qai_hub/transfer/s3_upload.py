"""Uploads with temporary S3 credentials, in parts if the file is large."""

import contextlib
import html
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from qai_hub.errors import Error, InternalError
from qai_hub.http_library import httpx
from qai_hub.transfer.content import Content, open_content
from qai_hub.transfer.s3 import StoredObject
from qai_hub.transfer.signed_url import send_signed
from qai_hub.transfer.upload import send_file_request, upload_parts
from qai_hub.transport.errors import error_from_file_server, error_from_request_error
from qai_hub.transport.session import Session, request_limits
from qai_hub.transport.threads import run_detached, run_in_threads

__all__ = ["part_size", "upload_object"]

_MIB = 1024 * 1024
_DEFAULT_PART_SIZE = 16 * _MIB
_MAX_PARTS = 10_000
# Seconds to wait for the cleanup of a failed upload: few, and fewer still after Ctrl+C.
_ABORT_TIMEOUT = 5.0
_INTERRUPTED_ABORT_TIMEOUT = 1.0


def part_size(size: int) -> int:
    """Chooses the part size for a file, of which S3 accepts at most 10,000 parts.

    Args:
        size: Size of the file in bytes.

    Returns:
        Size of each part but the last one, in bytes: 16 MiB, or as many MiB as the file needs.
    """
    needed = -(-size // _MAX_PARTS)
    return max(_DEFAULT_PART_SIZE, -(-needed // _MIB) * _MIB)


def upload_object(
    session: Session, source: Path | Content, stored: StoredObject, *, show: bool = False
) -> None:
    """Uploads a file, in parts if it is large.

    A multipart upload that fails or is interrupted is aborted, so that the store keeps no parts.

    Args:
        session: A session that adds no token.
        source: The file, or its content.
        stored: The object to create.
        show: Whether to show the progress.

    Raises:
        UserError: If the store refuses, or the file has changed meanwhile.
        InternalError: If the network or the store fails.
        OSError: If the file cannot be read.
    """
    content = open_content(source)
    size = content.size
    bytes_per_part = part_size(size)
    if size <= bytes_per_part:
        upload_parts(session, content, [stored.sign("PUT")], bytes_per_part, show=show)
        return
    operation = f"upload of {content.name}"
    stop = threading.Event()
    (upload_id,) = run_in_threads([lambda: _start(session, stored, operation, stop)], stop)
    try:
        urls = [
            stored.sign("PUT", partNumber=str(number + 1), uploadId=upload_id)
            for number in range(-(-size // bytes_per_part))
        ]
        etags = upload_parts(session, content, urls, bytes_per_part, show=show)
        url = stored.sign("POST", uploadId=upload_id)
        run_in_threads([lambda: _finish(session, url, etags, operation, stop)], stop)
    except BaseException as error:
        timeout = _ABORT_TIMEOUT if isinstance(error, Exception) else _INTERRUPTED_ABORT_TIMEOUT
        _abort(session, stored.sign("DELETE", uploadId=upload_id), operation, timeout)
        raise


def _start(session: Session, stored: StoredObject, operation: str, stop: threading.Event) -> str:
    url = stored.sign("POST", uploads="")
    response = send_file_request(session, "POST", url, operation, stop=stop)
    found = re.search(r"<UploadId>([^<]{1,2000})</UploadId>", response.text)
    if found is None:
        raise InternalError(
            f"The {operation} failed: {response.request.url.host} sent no UploadId.",
            url=str(response.request.url),
        )
    return html.unescape(found[1])


def _finish(
    session: Session, url: str, etags: Sequence[str], operation: str, stop: threading.Event
) -> None:
    """Assembles the parts to one object.

    S3 starts its response before it has assembled the parts, so a response with status 200 may
    contain an error. The request is then sent again, as after status 500.
    """
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
        for number, etag in enumerate(etags, 1)
    )
    content = (
        '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{parts}</CompleteMultipartUpload>"
    ).encode()
    retries = session.retry_budget(stop)
    while True:
        try:
            response = send_signed(
                session, "POST", url, content=content, retries=session.retry_budget(stop)
            )
        except httpx.RequestError as error:
            raise error_from_request_error(error) from None
        if b"<CompleteMultipartUploadResult" in response.content or _is_done(response):
            return
        pause = session.next_pause(retries) if response.is_success else None
        if pause is None:
            raise error_from_file_server(response, operation)
        session.sleep(pause)


def _is_done(response: httpx.Response) -> bool:
    """Returns whether an earlier attempt had succeeded although its response was lost."""
    return response.status_code == 404 and bool(response.request.extensions.get("maybe_processed"))


def _abort(session: Session, url: str, operation: str, timeout: float) -> None:
    def send() -> None:
        # The caller reports the original error, and the store expires abandoned parts itself.
        with contextlib.suppress(Error), request_limits(time_limit=timeout):
            send_file_request(session, "DELETE", url, operation)

    run_detached(send, timeout)
