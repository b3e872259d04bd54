"""Downloads of files in constant memory, resumed where a connection broke."""

import contextlib
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import httpx

from qai_hub.errors import Error, InternalError, UserError
from qai_hub.progress.transfers import show_transfer
from qai_hub.transfer.checksums import checksum_from_headers, checksum_from_hex
from qai_hub.transfer.formats import unexpected_format
from qai_hub.transfer.signed_url import send_signed
from qai_hub.transport.errors import error_from_file_server, error_from_request_error
from qai_hub.transport.retry import UNUSABLE_RESPONSE_ATTEMPTS
from qai_hub.transport.session import Session
from qai_hub.transport.threads import run_in_threads
from qai_hub.transport.unexpected_content import (
    PORTAL_HINT,
    media_type,
    unexpected_content,
    unexpected_media_type,
)

__all__ = ["download", "make_folder"]

_BLOCK = 1024 * 1024
_MIN_PROGRESS = 64 * 1024
_SNIFF_SIZE = 1024


def download(
    session: Session,
    url: str,
    path: Path,
    *,
    headers: Mapping[str, str] | None = None,
    sha256: str | None = None,
    show: bool = False,
) -> None:
    """Downloads a file.

    The file appears under its name only when it is complete: its length is checked and its checksum
    or, if none is known, its format. Until then it is `NAME.*.part` in the same folder, which is
    removed if the download fails. After a broken connection, the download resumes where it stopped
    if the file has a strong entity tag, and starts again otherwise. A file that arrives damaged, or
    is replaced by something else on the way, is requested again up to twice.

    Args:
        session: A session that adds no token.
        url: URL of the file.
        path: Path to write to. An existing file is replaced, and a missing folder is created.
        headers: Headers that must be sent with the URL.
        sha256: SHA-256 that the file must have, in hex; None to use what the file server reports.
        show: Whether to show the progress.

    Raises:
        UserError: If the server refuses.
        InternalError: If the network or the server fails, or the file arrived damaged.
        OSError: If the file cannot be written.
    """
    make_folder(path.parent)
    stem = path.name.encode()[:200].decode(errors="ignore")
    part = path.with_name(f"{stem}.{secrets.token_hex(4)}.part")
    try:
        # After Ctrl+C, this closes the file while the writing thread may wait for the network.
        with part.open("x+b", buffering=_BLOCK) as file:
            task = _Download(session, url, headers or {}, file, path.name, sha256, show=show)
            run_in_threads([task.run], task.stop)
        part.replace(path)
    except OSError as error:
        # An error of a write, such as that of a full disk, does not say where.
        error.filename = error.filename or str(path)
        part.unlink(missing_ok=True)
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def make_folder(path: Path) -> None:
    """Creates a folder, unless it exists.

    Args:
        path: The folder.

    Raises:
        UserError: If something else is there.
        OSError: If it cannot be created.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is not a folder: give the path of a folder.")
    path.mkdir(parents=True, exist_ok=True)


class _UnusableResponseError(Exception):
    """The response is not the requested file; another attempt may succeed.

    Args:
        error: The error to raise when there are no attempts left.
    """

    def __init__(self, error: InternalError) -> None:
        super().__init__(str(error))
        self.error = error


class _Download:
    """The download of one file."""

    def __init__(
        self,
        session: Session,
        url: str,
        headers: Mapping[str, str],
        file: BinaryIO,
        name: str,
        sha256: str | None,
        *,
        show: bool,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {"Accept-Encoding": "identity", **headers}
        self._file = file
        self._name = name
        self._sha256 = sha256
        self._show = show
        self._on_progress: Callable[[int], object] = lambda count: None
        self._furthest = 0
        self._budget_reset_at = 0
        self.stop = threading.Event()
        self._retries = session.retry_budget(self.stop)
        self._restart(httpx.Headers())

    def run(self) -> None:
        retries = self._session.retry_budget(self.stop, max_attempts=UNUSABLE_RESPONSE_ATTEMPTS)
        while True:
            try:
                self._fetch()
            except _UnusableResponseError as unusable:
                pause = self._session.next_pause(retries)
                if pause is None:
                    raise unusable.error from unusable.error.__cause__
                self._session.sleep(pause)
                self._restart(httpx.Headers())
            else:
                return

    def _fetch(self) -> None:
        response = self._open()
        shown = show_transfer("download", self._name, self._total, show=self._show)
        with shown as self._on_progress:
            while True:
                try:
                    self._read(response)
                except httpx.RequestError as error:
                    self._reset_budget_on_progress()
                    pause = self._session.next_pause(self._retries)
                    if pause is None:
                        raise self._interrupted_error(error) from None
                    self._session.sleep(pause)
                    response = self._open()
                else:
                    break
            self._check()

    def _reset_budget_on_progress(self) -> None:
        """Resets the retry budget if the download has got further than before."""
        if self._furthest - self._budget_reset_at >= _MIN_PROGRESS:
            self._budget_reset_at = self._furthest
            self._retries = self._session.retry_budget(self.stop)

    def _open(self) -> httpx.Response:
        """Requests the missing bytes, and checks the headers of the response."""
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
                retries=self._retries,
            )
            if response.status_code == 206 and "Range" in headers and self._is_same(response):
                self._check_range(response)
                return response
            if response.status_code in {206, 416} and "Range" in headers:
                response.close()
                self._restart(httpx.Headers())
                return self._open()
            if response.status_code in {204, 205, 206}:
                response.close()
                raise self._unusable(
                    response, f"status {response.status_code} is not a complete file"
                )
            if not response.is_success:
                response.read()
                raise error_from_file_server(response, f"download of {self._name}")
        except httpx.RequestError as error:
            raise self._interrupted_error(error) from None
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise self._unusable(response, "it is encoded, which was not requested")
        unexpected = unexpected_media_type(response.headers)
        if unexpected is not None:
            response.close()
            raise self._unusable(response, f"received {unexpected} instead. {PORTAL_HINT}")
        self._restart(response.headers)
        return response

    def _restart(self, headers: httpx.Headers) -> None:
        tag = headers.get("ETag", "")
        length = headers.get("Content-Length", "")
        self._on_progress(-self._file.tell())
        self._file.seek(0)
        self._file.truncate()
        self._offset = 0
        self._tag = tag if tag.startswith('"') else ""
        self._total = int(length) if re.fullmatch(r"\d{1,18}", length, re.ASCII) else None
        self._checksum = checksum_from_hex(self._sha256) or checksum_from_headers(headers)
        self._media = media_type(headers)

    def _is_same(self, response: httpx.Response) -> bool:
        """Returns whether the file is still the same: not every store honours If-Range."""
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
            raise self._unusable(response, "received another range than requested")

    def _read(self, response: httpx.Response) -> None:
        rate_monitor = self._session.rate_monitor()
        with contextlib.closing(response):
            for block in response.iter_raw():
                self._retries.check()
                if not rate_monitor.is_fast_enough(len(block)):
                    raise self._error(
                        response,
                        f"the server almost stopped sending, {self._progress_text()}",
                    )
                self._file.write(block)
                if self._checksum is not None:
                    self._checksum.update(block)
                self._offset += len(block)
                self._furthest = max(self._furthest, self._offset)
                self._on_progress(len(block))
        if self._total is not None and self._offset < self._total:
            raise httpx.RemoteProtocolError("too few bytes", request=response.request)

    def _check(self) -> None:
        if self._total is not None and self._offset != self._total:
            raise self._unusable(None, f"received {self._offset} bytes instead of {self._total}")
        if self._checksum is not None and not self._checksum.matches():
            raise self._unusable(
                None,
                f"it arrived damaged ({self._checksum.kind} does not match). Try again",
            )
        self._file.seek(0)
        unexpected = unexpected_content(self._name, self._media, self._file.read(_SNIFF_SIZE))
        if not self._offset and self._furthest:
            unexpected = "an empty file"
        if unexpected is None and self._checksum is None:
            unexpected = unexpected_format(self._name, self._file)
        if unexpected is not None:
            raise self._unusable(None, f"received {unexpected} instead. {PORTAL_HINT}")

    def _progress_text(self) -> str:
        total = "" if self._total is None else f" of {self._total}"
        return f"after {self._furthest}{total} bytes"

    def _interrupted_error(self, error: httpx.RequestError) -> Error:
        fault = error_from_request_error(error)
        if self._furthest:
            fault.args = (f"{fault} The download of {self._name} stopped {self._progress_text()}.",)
        return fault

    def _error(self, response: httpx.Response | None, reason: str) -> InternalError:
        return InternalError(
            f"The download of {self._name} failed: {reason}.",
            status_code=None if response is None else response.status_code,
            url=None if response is None else str(response.request.url),
        )

    def _unusable(self, response: httpx.Response | None, reason: str) -> _UnusableResponseError:
        return _UnusableResponseError(self._error(response, reason))
