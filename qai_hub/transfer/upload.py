"""Uploads of files in constant memory."""

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from qai_hub.errors import InternalError, UserError
from qai_hub.progress.transfers import show_transfer
from qai_hub.transfer.signed_url import send_signed
from qai_hub.transport.errors import error_from_file_server, error_from_request_error
from qai_hub.transport.retry import UNUSABLE_RESPONSE_ATTEMPTS, RateMonitor, StoppedError
from qai_hub.transport.session import Session
from qai_hub.transport.threads import run_in_threads
from qai_hub.transport.unexpected_content import PORTAL_HINT, is_page

__all__ = ["send_file_request", "upload_form", "upload_parts"]

_BLOCK = 1024 * 1024
_CHUNK = 64 * 1024
_MAX_WORKERS = 4


@dataclass
class _Slice:
    """A part of a file, which each new iteration reads from its start."""

    path: Path
    start: int
    size: int
    on_progress: Callable[[int], object]
    stop: threading.Event
    rate_monitor: Callable[[], RateMonitor]
    sent: int = 0

    def __iter__(self) -> Iterator[bytes]:
        self.on_progress(-self.sent)
        self.sent = 0
        rate_monitor = self.rate_monitor()
        while self.sent < self.size:
            block = self._read()
            for begin in range(0, len(block), _CHUNK):
                if self.stop.is_set():
                    raise StoppedError
                chunk = block[begin : begin + _CHUNK]
                yield chunk
                self.sent += len(chunk)
                self.on_progress(len(chunk))
                if not rate_monitor.is_fast_enough(len(chunk)):
                    raise InternalError(
                        f"The upload of {self.path.name} was aborted: the server almost stopped "
                        f"receiving after {self.start + self.sent} bytes. Try again later."
                    )

    def _read(self) -> bytes:
        # The file is not kept open while waiting for the network, so that a program that is
        # interrupted meanwhile can delete it, on Windows too.
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start + self.sent)
            block = file.read(min(_BLOCK, self.size - self.sent))
        if not block:
            raise UserError(f"{self.path} became shorter during the upload.")
        return block


class _FormFile:
    """Presents a slice as a file object, which httpx needs for a form."""

    def __init__(self, content: _Slice) -> None:
        self._content = content
        self._blocks = iter(content)

    def read(self, size: int = -1) -> bytes:
        return next(self._blocks, b"")

    def seek(self, offset: int, whence: int = 0) -> int:
        self._blocks = iter(self._content)
        return self._content.size if whence == 2 else 0

    def tell(self) -> int:
        return 0


def upload_parts(
    session: Session, path: Path, urls: Sequence[str], max_part_size: int, *, show: bool = False
) -> list[str]:
    """Uploads a file in parts, several at a time; a part that fails is retried alone.

    Args:
        session: A session that adds no token.
        path: The file.
        urls: Signed URL of each part.
        max_part_size: Size of each part but the last one, in bytes.
        show: Whether to show the progress.

    Returns:
        The entity tag of each part, in order.

    Raises:
        UserError: If the server refuses a part, or the file has become shorter.
        InternalError: If the network or the server fails, or the parts do not fit the file.
        OSError: If the file cannot be read.
    """
    size = path.stat().st_size
    if max_part_size < 1 or len(urls) != max(1, -(-size // max_part_size)):
        raise InternalError(
            f"The server requested {len(urls)} parts of {max_part_size} bytes each for a file of "
            f"{size} bytes."
        )
    stop = threading.Event()
    with show_transfer("upload", path.name, size, show=show) as on_progress:
        parts = [
            _Slice(
                path,
                start,
                min(max_part_size, size - start),
                on_progress,
                stop,
                session.rate_monitor,
            )
            for start in range(0, max(size, 1), max_part_size)
        ]
        uploaded: list[int] = []
        tasks = [
            functools.partial(_upload_part, session, url, part, uploaded, size)
            for url, part in zip(urls, parts, strict=True)
        ]
        return run_in_threads(tasks, stop, _MAX_WORKERS)


def upload_form(
    session: Session,
    path: Path,
    url: str,
    file_field: str,
    fields: Mapping[str, str],
    *,
    show: bool = False,
) -> None:
    """Uploads a file as a field of a multipart form.

    Args:
        session: A session that adds no token.
        path: The file.
        url: Signed URL to post the form to.
        file_field: Name of the file's field, which comes last.
        fields: The other fields.
        show: Whether to show the progress.

    Raises:
        UserError: If the server refuses the file, or the file has become shorter.
        InternalError: If the network or the server fails.
        OSError: If the file cannot be read.
    """
    size = path.stat().st_size
    with show_transfer("upload", path.name, size, show=show) as on_progress:
        stop = threading.Event()
        file = _FormFile(_Slice(path, 0, size, on_progress, stop, session.rate_monitor))
        files = {file_field: ("model", file, "application/octet-stream")}
        operation = f"upload of {path.name}"

        def send() -> None:
            send_file_request(
                session,
                "POST",
                url,
                operation,
                stop=stop,
                data=dict(fields),
                files=files,
            )

        run_in_threads([send], stop)


def _upload_part(session: Session, url: str, part: _Slice, uploaded: list[int], size: int) -> str:
    name = part.path.name
    try:
        response = send_file_request(
            session,
            "PUT",
            url,
            f"upload of {name}",
            requires_etag=True,
            stop=part.stop,
            content=part,
            headers={"Content-Length": str(part.size)},
        )
    except InternalError as error:
        if error.status_code is None:
            error.args = (
                f"{error} The upload of {name} stopped after {sum(uploaded)} of {size} bytes.",
            )
        raise
    uploaded.append(part.size)
    return str(response.headers["ETag"])


def send_file_request(
    session: Session,
    method: str,
    url: str,
    operation: str,
    *,
    requires_etag: bool = False,
    stop: threading.Event | None = None,
    **body: object,
) -> httpx.Response:
    """Sends a request to a signed URL of a file server.

    A successful response that does not come from the file server but from something on the way is
    discarded, and the request is sent again up to twice.

    Args:
        session: A session that adds no token.
        method: HTTP method.
        url: The signed URL.
        operation: The operation, for messages, such as `"upload of model.onnx"`.
        requires_etag: Whether the response must have an entity tag.
        stop: Set when nobody waits for the result any more.
        body: Further arguments of `send_signed`.

    Returns:
        The response, which is a success.

    Raises:
        UserError: If the server refuses.
        InternalError: If the network or the server fails.
    """
    tries = session.retry_budget(stop, max_attempts=UNUSABLE_RESPONSE_ATTEMPTS)
    while True:
        try:
            retries = session.retry_budget(stop)
            response = send_signed(session, method, url, retries=retries, **body)  # type: ignore[arg-type]
        except httpx.RequestError as error:
            raise error_from_request_error(error) from None
        if not response.is_success:
            raise error_from_file_server(response, operation)
        reason = _describe_unexpected(response, requires_etag=requires_etag)
        if reason is None:
            return response
        pause = session.next_pause(tries)
        if pause is None:
            raise InternalError(
                f"The {operation} failed: {response.request.url.host} {reason}.",
                status_code=response.status_code,
                url=str(response.request.url),
            )
        session.sleep(pause)


def _describe_unexpected(response: httpx.Response, *, requires_etag: bool) -> str | None:
    """Returns why a successful response cannot come from a file server; None if it may.

    File servers send an entity tag, and a body that is empty or XML.
    """
    if is_page(response.content):
        return f"answered with a web page. {PORTAL_HINT}"
    if response.headers.get("ETag"):
        return None
    if requires_etag:
        return "accepted a part without an ETag"
    if response.content and not response.content.lstrip().startswith(b"<"):
        return "sent an answer that is not one of a file server"
    return None
