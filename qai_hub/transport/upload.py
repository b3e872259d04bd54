"""Files to where a server says, in constant memory."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from qai_hub.errors import InternalError, UserError
from qai_hub.transport.bars import transfer_bar
from qai_hub.transport.failures import error_from_fault, error_from_file_server
from qai_hub.transport.session import Session
from qai_hub.transport.signed import send_signed

__all__ = ["send_file_request", "upload_form", "upload_parts"]

_BLOCK = 1024 * 1024
_PARALLEL = 4


class _StoppedError(Exception):
    """Another part failed: this one need not be sent."""


@dataclass
class _Slice:
    """A part of a file, read from its beginning each time that it is iterated over."""

    path: Path
    start: int
    size: int
    moved: Callable[[int], object]
    stop: threading.Event = field(default_factory=threading.Event)
    sent: int = 0

    def __iter__(self) -> Iterator[bytes]:
        self.moved(-self.sent)
        self.sent = 0
        with self.path.open("rb") as file:
            file.seek(self.start)
            while self.sent < self.size:
                if self.stop.is_set():
                    raise _StoppedError
                block = file.read(min(_BLOCK, self.size - self.sent))
                if not block:
                    raise UserError(f"{self.path} became shorter while it was uploaded.")
                yield block
                self.sent += len(block)
                self.moved(len(block))


class _FormFile:
    """A slice as httpx reads a file of a form."""

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
    """Uploads a file in parts, some at a time, each of which is sent again alone if it fails.

    Args:
        session: A session that adds no token.
        path: The file.
        urls: Where each part goes.
        max_part_size: Bytes of each part but the last one.
        show: Whether to show a bar.

    Returns:
        The entity tag of each part, in order.

    Raises:
        UserError: If the server refuses a part, or the file became shorter.
        InternalError: If the network or the server fails, or the parts do not fit the file.
        OSError: If the file cannot be read.
    """
    size = path.stat().st_size
    if max_part_size < 1 or len(urls) != max(1, -(-size // max_part_size)):
        raise InternalError(
            f"The server asks for {len(urls)} parts of {max_part_size} bytes each for a file of "
            f"{size} bytes."
        )
    stop = threading.Event()
    with transfer_bar(path.name, size, show=show) as moved:
        parts = [
            _Slice(path, start, min(max_part_size, size - start), moved, stop)
            for start in range(0, max(size, 1), max_part_size)
        ]
        if len(parts) == 1:
            return [_upload_part(session, urls[0], parts[0])]
        with ThreadPoolExecutor(min(_PARALLEL, len(parts)), "qai_hub_upload") as pool:
            futures = [
                pool.submit(_upload_part, session, url, part)
                for url, part in zip(urls, parts, strict=True)
            ]
            try:
                for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                    future.result()
            except BaseException:
                stop.set()
                for future in futures:
                    future.cancel()
                raise
            return [future.result() for future in futures]


def upload_form(
    session: Session,
    path: Path,
    url: str,
    file_field: str,
    fields: Mapping[str, str],
    *,
    show: bool = False,
) -> None:
    """Uploads a file as a field of a form.

    Args:
        session: A session that adds no token.
        path: The file.
        url: Where the form goes.
        file_field: Name of the file's field, which comes last.
        fields: The other fields.
        show: Whether to show a bar.

    Raises:
        UserError: If the server refuses the file, or the file became shorter.
        InternalError: If the network or the server fails.
        OSError: If the file cannot be read.
    """
    size = path.stat().st_size
    with transfer_bar(path.name, size, show=show) as moved:
        file = _FormFile(_Slice(path, 0, size, moved))
        files = {file_field: ("model", file, "application/octet-stream")}
        send_file_request(
            session, "POST", url, f"upload of {path.name}", data=dict(fields), files=files
        )


def _upload_part(session: Session, url: str, part: _Slice) -> str:
    response = send_file_request(
        session,
        "PUT",
        url,
        f"upload of {part.path.name}",
        content=part,
        headers={"Content-Length": str(part.size)},
    )
    etag: str | None = response.headers.get("ETag")
    if not etag:
        raise InternalError(
            f"{response.request.url.host} took a part of {part.path.name} without an ETag.",
            url=str(response.request.url),
        )
    return etag


def send_file_request(
    session: Session, method: str, url: str, doing: str, **body: object
) -> httpx.Response:
    """Sends a request to a signed address of a file server.

    Args:
        session: A session that adds no token.
        method: HTTP method.
        url: Where to.
        doing: What is tried, such as `"upload of model.onnx"`.
        body: What `send_signed` takes.

    Returns:
        The answer, which is a success.

    Raises:
        UserError: If the server refuses.
        InternalError: If the network or the server fails.
    """
    try:
        response = send_signed(session, method, url, **body)  # type: ignore[arg-type]
    except httpx.RequestError as error:
        raise error_from_fault(error) from error
    if not response.is_success:
        raise error_from_file_server(response, doing)
    return response
