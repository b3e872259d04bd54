"""Uploads of files in constant memory."""

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qai_hub.errors import InternalError, UserError
from qai_hub.http_library import httpx
from qai_hub.progress.transfers import show_transfer
from qai_hub.transfer.content import BLOCK_SIZE, Content, open_content
from qai_hub.transfer.signed_url import send_signed
from qai_hub.transport.errors import error_from_file_server, error_from_request_error
from qai_hub.transport.retry import UNUSABLE_RESPONSE_ATTEMPTS, RateMonitor, StoppedError
from qai_hub.transport.session import Session
from qai_hub.transport.threads import run_in_threads
from qai_hub.transport.unexpected_content import PORTAL_HINT, is_page

__all__ = ["send_file_request", "upload_form", "upload_parts"]

_CHUNK = 64 * 1024
_MAX_WORKERS = 4


@dataclass
class _Slice:
    """A part of a file, which each new iteration reads from its start."""

    content: Content
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
            block = self.content.read(
                self.start + self.sent, min(BLOCK_SIZE, self.size - self.sent)
            )
            for begin in range(0, len(block), _CHUNK):
                if self.stop.is_set():
                    raise StoppedError
                chunk = block[begin : begin + _CHUNK]
                yield chunk
                self.sent += len(chunk)
                self.on_progress(len(chunk))
                if not rate_monitor.is_fast_enough(len(chunk)):
                    raise InternalError(
                        f"The upload of {self.content.name} was aborted: the server almost "
                        f"stopped receiving after {self.start + self.sent} bytes. Try again later."
                    )


class _PartURLs:
    """The signed URLs of the parts, renewed when one has expired.

    Args:
        urls: The URLs.
        renew: Fetches fresh URLs; None if there are none to be had.
    """

    def __init__(self, urls: Sequence[str], renew: Callable[[], Sequence[str]] | None) -> None:
        self._urls = urls
        self._renew = renew
        self._lock = threading.Lock()

    def __getitem__(self, index: int) -> str:
        return self._urls[index]

    def replace(self, index: int, refused: str) -> str | None:
        """Returns another URL of a part than the one that was refused; None if there is none."""
        with self._lock:
            if self._urls[index] == refused and self._renew is not None:
                renewed = self._renew()
                if len(renewed) == len(self._urls):
                    self._urls = renewed
            url = self._urls[index]
        return None if url == refused else url


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
    session: Session,
    source: Path | Content,
    urls: Sequence[str],
    max_part_size: int,
    *,
    received: Mapping[int, str] | None = None,
    renew: Callable[[], Sequence[str]] | None = None,
    show: bool = False,
) -> list[str]:
    """Uploads a file in parts, several at a time; a part that fails is retried alone.

    Args:
        session: A session that adds no token.
        source: The file, or its content.
        urls: Signed URL of each part.
        max_part_size: Size of each part but the last one, in bytes.
        received: The entity tags of parts that the server has already, by index.
        renew: Fetches fresh URLs of all parts, called from any thread when one is refused with
            status 403, as after it has expired; None if there are none to be had.
        show: Whether to show the progress.

    Returns:
        The entity tag of each part, in order.

    Raises:
        UserError: If the server refuses a part, or the file has changed meanwhile.
        InternalError: If the network or the server fails, or the parts do not fit the file.
        OSError: If the file cannot be read.
    """
    content = open_content(source)
    size = content.size
    if max_part_size < 1 or len(urls) != max(1, -(-size // max_part_size)):
        raise InternalError(
            f"The server requested {len(urls)} parts of {max_part_size} bytes each for a file of "
            f"{size} bytes."
        )
    stop = threading.Event()
    etags = dict(received or {})
    sizes = [min(max_part_size, size - start) for start in range(0, max(size, 1), max_part_size)]
    uploaded = [sizes[index] for index in etags]
    already = sum(uploaded)
    with show_transfer("upload", content.name, size, show=show, already=already) as on_progress:
        parts = [
            _Slice(
                content, index * max_part_size, part_size, on_progress, stop, session.rate_monitor
            )
            for index, part_size in enumerate(sizes)
        ]
        missing = [index for index in range(len(parts)) if index not in etags]
        current = _PartURLs(urls, renew)
        tasks = [
            functools.partial(_upload_part, session, current, index, parts[index], uploaded)
            for index in missing
        ]
        sent = run_in_threads(tasks, stop, _MAX_WORKERS)
        etags.update(zip(missing, sent, strict=True))
        content.check_unchanged()
        return [etags[index] for index in range(len(parts))]


def upload_form(
    session: Session,
    source: Path | Content,
    url: str,
    file_field: str,
    fields: Mapping[str, str],
    *,
    show: bool = False,
) -> None:
    """Uploads a file as a field of a multipart form.

    Args:
        session: A session that adds no token.
        source: The file, or its content.
        url: Signed URL to post the form to.
        file_field: Name of the file's field, which comes last.
        fields: The other fields.
        show: Whether to show the progress.

    Raises:
        UserError: If the server refuses the file, or the file has changed meanwhile.
        InternalError: If the network or the server fails.
        OSError: If the file cannot be read.
    """
    content = open_content(source)
    size = content.size
    with show_transfer("upload", content.name, size, show=show) as on_progress:
        stop = threading.Event()
        file = _FormFile(_Slice(content, 0, size, on_progress, stop, session.rate_monitor))
        files = {file_field: ("model", file, "application/octet-stream")}
        operation = f"upload of {content.name}"

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
        content.check_unchanged()


def _upload_part(
    session: Session, urls: _PartURLs, index: int, part: _Slice, uploaded: list[int]
) -> str:
    """Uploads a part, with a fresh URL if the first one is refused; returns its entity tag."""
    name = part.content.name
    url = urls[index]
    try:
        try:
            response = _send_part(session, url, part)
        except UserError as error:
            fresh = urls.replace(index, url) if error.status_code == 403 else None
            if fresh is None:
                raise
            response = _send_part(session, fresh, part)
    except InternalError as error:
        if error.status_code is None:
            progress = f"{sum(uploaded)} of {part.content.size} bytes"
            error.args = (f"{error} The upload of {name} stopped after {progress}.",)
        raise
    uploaded.append(part.size)
    return str(response.headers["ETag"])


def _send_part(session: Session, url: str, part: _Slice) -> httpx.Response:
    return send_file_request(
        session,
        "PUT",
        url,
        f"upload of {part.content.name}",
        requires_etag=True,
        stop=part.stop,
        content=part,
        headers={"Content-Length": str(part.size)},
    )


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
