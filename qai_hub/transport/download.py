"""Files from where a server says, in constant memory, resumed where a connection broke."""

import contextlib
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import httpx

from qai_hub.errors import InternalError
from qai_hub.transport.bars import transfer_bar
from qai_hub.transport.checksums import expected_sum
from qai_hub.transport.failures import error_from_fault, error_from_file_server
from qai_hub.transport.session import Session
from qai_hub.transport.signed import send_signed

__all__ = ["download"]

_BLOCK = 1024 * 1024
_PROGRESS = 64 * 1024


def download(
    session: Session,
    url: str,
    path: Path,
    *,
    headers: Mapping[str, str] | None = None,
    show: bool = False,
) -> None:
    """Downloads a file.

    The file appears under its name only when it is whole: its length is checked and, where the
    server tells one, its checksum. Until then it is `NAME.*.part` in the same folder, which is
    removed if the download fails. A broken connection is resumed where it broke if the file has a
    strong entity tag, and starts again otherwise.

    Args:
        session: A session that adds no token.
        url: Where from.
        path: The file, replaced if it is there; its folder is made.
        headers: What has to be sent with the address.
        show: Whether to show a bar.

    Raises:
        UserError: If the server refuses.
        InternalError: If the network or the server fails, or the file arrived damaged.
        OSError: If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stem = path.name.encode()[:200].decode(errors="ignore")
    part = path.with_name(f"{stem}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb", buffering=_BLOCK) as file:
            _Download(session, url, headers or {}, file, path.name, show=show).run()
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class _Download:
    """One file on its way."""

    def __init__(
        self,
        session: Session,
        url: str,
        headers: Mapping[str, str],
        file: BinaryIO,
        name: str,
        *,
        show: bool,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {"Accept-Encoding": "identity", **headers}
        self._file = file
        self._name = name
        self._show = show
        self._moved: Callable[[int], object] = lambda count: None
        self._start_anew(httpx.Headers())

    def run(self) -> None:
        response = self._open()
        with transfer_bar(self._name, self._total, show=self._show) as self._moved:
            retries = self._session.retries()
            while True:
                before = self._offset
                try:
                    self._read(response)
                except httpx.RequestError as error:
                    if self._offset - before >= _PROGRESS:
                        retries = self._session.retries()
                    pause = self._session.pause(retries)
                    if pause is None:
                        raise error_from_fault(error) from error
                    self._session.sleep(pause)
                    response = self._open()
                else:
                    break
        self._check()

    def _open(self) -> httpx.Response:
        """Asks for what is missing, and gets ready for what comes."""
        headers = dict(self._headers)
        if self._offset and self._tag:
            headers |= {"Range": f"bytes={self._offset}-", "If-Range": self._tag}
        try:
            response = send_signed(
                self._session,
                "GET",
                self._url,
                headers=headers,
                stream=True,
            )
            if response.status_code == 206 and "Range" in headers and self._is_same(response):
                self._check_range(response)
                return response
            if response.status_code in {206, 416} and "Range" in headers:
                response.close()
                self._start_anew(httpx.Headers())
                return self._open()
            if response.status_code != 200:
                response.read()
                raise error_from_file_server(response, f"download of {self._name}")
        except httpx.RequestError as error:
            raise error_from_fault(error) from error
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise self._failure(response, "it is encoded, which was not asked for")
        self._start_anew(response.headers)
        return response

    def _start_anew(self, headers: httpx.Headers) -> None:
        tag = headers.get("ETag", "")
        length = headers.get("Content-Length", "")
        self._moved(-self._file.tell())
        self._file.seek(0)
        self._file.truncate()
        self._offset = 0
        self._tag = tag if tag.startswith('"') else ""
        self._total = int(length) if re.fullmatch(r"\d{1,18}", length, re.ASCII) else None
        self._sum = expected_sum(headers)

    def _is_same(self, response: httpx.Response) -> bool:
        """Whether the file is still the one that was begun; not every store heeds If-Range."""
        return bool(response.headers.get("ETag", self._tag) == self._tag)

    def _check_range(self, response: httpx.Response) -> None:
        given = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", given, re.ASCII)
        if (
            match is None
            or int(match[1]) != self._offset
            or (match[2] != "*" and self._total is not None and int(match[2]) != self._total)
        ):
            response.close()
            raise self._failure(response, "another range came than was asked for")

    def _read(self, response: httpx.Response) -> None:
        with contextlib.closing(response):
            for block in response.iter_raw():
                self._file.write(block)
                if self._sum is not None:
                    self._sum.update(block)
                self._offset += len(block)
                self._moved(len(block))
        if self._total is not None and self._offset < self._total:
            raise httpx.RemoteProtocolError("too few bytes", request=response.request)

    def _check(self) -> None:
        if self._total is not None and self._offset != self._total:
            raise InternalError(
                f"The download of {self._name} failed: {self._offset} bytes came instead of "
                f"{self._total}."
            )
        if self._sum is not None and not self._sum.matches():
            raise InternalError(
                f"The download of {self._name} failed: it arrived damaged, its {self._sum.kind} is "
                "not the one that the server announced. Try again."
            )

    def _failure(self, response: httpx.Response, reason: str) -> InternalError:
        return InternalError(
            f"The download of {self._name} failed: {reason}.",
            status_code=response.status_code,
            url=str(response.request.url),
        )
