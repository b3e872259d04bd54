"""Downloads of files in constant memory, resumed where a connection broke or a process ended."""

import contextlib
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qai_hub.config.files import is_loopback
from qai_hub.errors import Error, InternalError
from qai_hub.http_library import httpx
from qai_hub.progress.transfers import show_transfer
from qai_hub.transfer.assembly import Assembly
from qai_hub.transfer.formats import unexpected_format
from qai_hub.transfer.helper_streams import helper_streams
from qai_hub.transfer.partial_file import Origin, PartialFile, open_partial_file
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
from qai_hub.written_files import make_folder

if TYPE_CHECKING:
    from qai_hub.transfer.byte_ranges import ByteRange

__all__ = ["download"]

_MIN_PROGRESS = 64 * 1024
_SNIFF_SIZE = 1024
_GONE = frozenset({404, 410})
# Seconds without a byte from the other streams after which the first one fetches their pieces.
_PATIENCE = 2.0
_POLL_INTERVAL = 0.1


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
    or, if none is known, its format. Until then it is `NAME.part` in the same folder. If it has a
    strong entity tag, a broken connection is resumed where it stopped, and so is an interrupted,
    failed or killed process by the next download of the same file to the same path; several streams
    fetch a large one. Otherwise it starts again. A file that arrives damaged, or is replaced by
    something else on the way, is requested again up to twice, and then removed.

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
    try:
        # After Ctrl+C, this closes the file while the writing threads may wait for the network.
        with open_partial_file(path) as part:
            task = _Download(session, url, headers or {}, part, path.name, sha256, show=show)
            run_in_threads([task.run], task.stop)
            part.publish(path)
    except OSError as error:
        # An error of a write, such as that of a full disk, does not say where.
        error.filename = error.filename or str(path)
        raise


class _UnusableResponseError(Exception):
    """The response is not the requested file; another attempt may succeed.

    Args:
        error: The error to raise when there are no attempts left.
    """

    def __init__(self, error: InternalError) -> None:
        super().__init__(str(error))
        self.error = error


class _Download:
    """The download of one file: its first stream, which can do without the others."""

    def __init__(
        self,
        session: Session,
        url: str,
        headers: Mapping[str, str],
        part: PartialFile,
        name: str,
        sha256: str | None,
        *,
        show: bool,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {"Accept-Encoding": "identity", **headers}
        self._name = name
        self._show = show
        self._furthest = 0
        self._budget_reset_at = 0
        self.stop = threading.Event()
        self._retries = session.retry_budget(self.stop)
        self._media = ""
        self._offset = 0
        self._piece: ByteRange | None = None
        # Within this machine, four streams take more processor time, and are no faster than one.
        is_near = is_loopback(_host(url))
        self._assembly = Assembly(part, Origin.resource_of(url), sha256, may_split=not is_near)
        self._claim()

    def run(self) -> None:
        retries = self._session.retry_budget(self.stop, max_attempts=UNUSABLE_RESPONSE_ATTEMPTS)
        while True:
            try:
                self._fetch()
            except _UnusableResponseError as unusable:
                # Nothing of it is kept, as nobody knows which bytes are wrong.
                self._restart(httpx.Headers())
                pause = self._session.next_pause(retries)
                if pause is None:
                    raise unusable.error from unusable.error.__cause__
                self._session.sleep(pause)
            else:
                return

    def _fetch(self) -> None:
        response = self._open()
        assembly = self._assembly
        shown = show_transfer(
            "download",
            self._name,
            assembly.total,
            show=self._show,
            already=assembly.there.count,
        )
        with (
            shown as assembly.on_progress,
            helper_streams(self._session, self._url, self._headers, assembly),
        ):
            while True:
                try:
                    self._read(response)
                except httpx.RequestError as error:
                    self._reset_budget_on_progress()
                    pause = self._session.next_pause(self._retries)
                    if pause is None:
                        raise self._interrupted_error(error) from None
                    self._session.sleep(pause)
                else:
                    if not self._claim():
                        break
                response = self._open()
            self._check()

    def _claim(self) -> bool:
        """Decides which bytes come next; False if all have arrived."""
        assembly = self._assembly
        self._release()
        if assembly.claims is None:
            return False
        known, since = assembly.there.count, time.monotonic()
        while not assembly.is_complete:
            self._retries.check()
            is_stuck = time.monotonic() - since >= _PATIENCE
            self._piece = assembly.claims.claim(assembly.there, shared=is_stuck)
            if self._piece is not None:
                self._offset = self._piece[0]
                return True
            # The rest is claimed by other streams.
            assembly.claims.wait(_POLL_INTERVAL)
            if assembly.there.count > known:
                known, since = assembly.there.count, time.monotonic()
        return False

    def _release(self) -> None:
        if self._piece is not None and self._assembly.claims is not None:
            self._assembly.claims.release(self._piece)
        self._piece = None

    def _reset_budget_on_progress(self) -> None:
        """Resets the retry budget if the download has got further than before."""
        self._furthest = max(self._furthest, self._assembly.there.count)
        if self._furthest - self._budget_reset_at >= _MIN_PROGRESS:
            self._budget_reset_at = self._furthest
            self._retries = self._session.retry_budget(self.stop)

    def _open(self) -> httpx.Response:
        """Requests the missing bytes, and checks the headers of the response."""
        headers = dict(self._headers)
        if self._piece is not None and self._assembly.there.count:
            last = "" if self._piece[1] == self._assembly.total else self._piece[1] - 1
            headers |= {"Range": f"bytes={self._offset}-{last}", "If-Range": self._assembly.tag}
        elif self._offset:
            self._restart(httpx.Headers())
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
                self._media = media_type(response.headers)
                return response
            if response.status_code in {206, 416} and "Range" in headers:
                response.close()
                self._restart(httpx.Headers())
                return self._open()
            if not response.is_success:
                response.read()
                if response.status_code in _GONE:
                    self._restart(httpx.Headers())
                raise error_from_file_server(response, f"download of {self._name}")
        except httpx.RequestError as error:
            raise self._interrupted_error(error) from None
        reason = _why_incomplete(response)
        if reason is not None:
            response.close()
            raise self._unusable(response, reason)
        self._restart(response.headers)
        return response

    def _restart(self, headers: httpx.Headers) -> None:
        self._piece = None
        self._offset = 0
        self._media = media_type(headers)
        self._assembly.begin(headers)
        self._claim()

    def _is_same(self, response: httpx.Response) -> bool:
        """Returns whether the file is still the same: not every store honours If-Range."""
        tag = self._assembly.tag
        return bool(response.headers.get("ETag", tag) == tag)

    def _check_range(self, response: httpx.Response) -> None:
        given = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", given, re.ASCII)
        if (
            match is None
            or int(match[1]) != self._offset
            or (match[2] != "*" and int(match[2]) != self._assembly.total)
        ):
            response.close()
            raise self._unusable(response, "received another range than requested")

    def _read(self, response: httpx.Response) -> None:
        """Reads the claimed bytes, and more where the response goes on with unclaimed ones."""
        assembly, generation = self._assembly, self._assembly.generation
        rate_monitor = self._session.rate_monitor()
        with contextlib.closing(response):
            for block in response.iter_raw():
                self._retries.check()
                if not rate_monitor.is_fast_enough(len(block)):
                    raise self._error(
                        response,
                        f"the server almost stopped sending, {self._progress_text()}",
                    )
                rest = block
                while rest:
                    end = None if self._piece is None else self._piece[1]
                    taken = rest if end is None else rest[: end - self._offset]
                    assembly.write(taken, self._offset, generation)
                    self._offset += len(taken)
                    rest = rest[len(taken) :]
                    self._furthest = max(self._furthest, assembly.there.count)
                    if self._offset == end and not self._claim_next(end):
                        if rest and end == assembly.total:
                            raise self._unusable(response, f"received more than {end} bytes")
                        if rest or end != assembly.total:
                            return
        if assembly.total is not None and self._offset < assembly.total:
            raise httpx.RemoteProtocolError("too few bytes", request=response.request)

    def _claim_next(self, end: int) -> bool:
        """Claims what follows in the response; False if it is there, or fetched by another."""
        assembly = self._assembly
        if assembly.claims is None:
            return False
        # As long as it is not known whether the server serves other streams, this one stays open.
        is_alone = not assembly.is_helped
        following = assembly.claims.claim(assembly.there, at=end, shared=is_alone)
        if following is None:
            return False
        self._release()
        self._piece = following
        return True

    def _check(self) -> None:
        assembly = self._assembly
        count, total = assembly.there.count, assembly.total
        if total is not None and count != total:
            raise self._unusable(None, f"received {count} bytes instead of {total}")
        if not assembly.is_undamaged() and assembly.checksum is not None:
            raise self._unusable(
                None,
                f"it arrived damaged ({assembly.checksum.kind} does not match). Try again",
            )
        with assembly.reading() as file:
            unexpected = unexpected_content(self._name, self._media, file.read(_SNIFF_SIZE))
            if not count and self._furthest:
                unexpected = "an empty file"
            if unexpected is None and assembly.checksum is None:
                unexpected = unexpected_format(self._name, file)
        if unexpected is not None:
            raise self._unusable(None, f"received {unexpected} instead. {PORTAL_HINT}")

    def _progress_text(self) -> str:
        total = self._assembly.total
        return f"after {self._furthest}{'' if total is None else f' of {total}'} bytes"

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


def _host(url: str) -> str:
    """Returns the host of a URL; empty if it is invalid."""
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, TypeError):
        return ""


def _why_incomplete(response: httpx.Response) -> str | None:
    """Returns why a successful response is not the whole file; None if it may be."""
    if response.status_code in {204, 205, 206}:
        return f"status {response.status_code} is not a complete file"
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return "it is encoded, which was not requested"
    unexpected = unexpected_media_type(response.headers)
    return None if unexpected is None else f"received {unexpected} instead. {PORTAL_HINT}"
