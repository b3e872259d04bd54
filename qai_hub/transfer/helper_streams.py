"""Further streams that fetch pieces of a large file beside the first one."""

import contextlib
import threading
from collections.abc import Iterator, Mapping

from qai_hub.http_library import httpx
from qai_hub.transfer.assembly import MAX_STREAMS, Assembly
from qai_hub.transfer.byte_ranges import ByteRange
from qai_hub.transfer.signed_url import send_signed
from qai_hub.transport.retry import StoppedError
from qai_hub.transport.session import Session
from qai_hub.transport.threads import start_threads

__all__ = ["helper_streams"]

_MAX_ATTEMPTS = 2


@contextlib.contextmanager
def helper_streams(
    session: Session, url: str, headers: Mapping[str, str], assembly: Assembly
) -> Iterator[None]:
    """Fetches pieces in threads during a block, if several streams can fetch the file.

    A stream that fails for whatever reason, such as a server that refuses a second connection, ends
    quietly. What it leaves is fetched by the first stream, which reports what is wrong, if anything
    is.

    Args:
        session: A session that adds no token.
        url: URL of the file.
        headers: Headers of each request.
        assembly: Receives the bytes.

    Yields:
        Nothing.
    """
    stop = threading.Event()
    if assembly.is_parallel and assembly.claims is not None:
        helper = _Helper(session, url, headers, assembly, stop)
        start_threads(helper.work, MAX_STREAMS - 1, "qai_hub transfer")
    try:
        yield
    finally:
        stop.set()


class _Helper:
    """What all further streams do, for the file as it is when they start."""

    def __init__(
        self,
        session: Session,
        url: str,
        headers: Mapping[str, str],
        assembly: Assembly,
        stop: threading.Event,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = headers
        self._assembly = assembly
        self._stop = stop
        self._generation = assembly.generation
        self._tag = assembly.tag
        self._total = assembly.total
        self._claims = assembly.claims

    def work(self) -> None:
        """Fetches one piece after the other."""
        while self._claims is not None and not self._stop.is_set():
            piece = self._claims.claim(self._assembly.there)
            if piece is None:
                return
            try:
                self._fetch(piece)
            except Exception:  # noqa: BLE001 - the first stream meets the same fault and reports it
                return
            finally:
                self._claims.release(piece)

    def _fetch(self, piece: ByteRange) -> None:
        offset, end = piece
        response = send_signed(
            self._session,
            "GET",
            self._url,
            headers={
                **self._headers,
                "Range": f"bytes={offset}-{end - 1}",
                "If-Range": self._tag,
            },
            stream=True,
            retries=self._session.retry_budget(self._stop, max_attempts=_MAX_ATTEMPTS),
        )
        rate_monitor = self._session.rate_monitor()
        with contextlib.closing(response):
            if not self._is_piece(response, piece):
                raise StoppedError
            self._assembly.is_helped = True
            for block in response.iter_raw():
                if self._stop.is_set() or not rate_monitor.is_fast_enough(len(block)):
                    raise StoppedError
                taken = block[: end - offset]
                self._assembly.write(taken, offset, self._generation)
                offset += len(taken)
        if offset < end:
            raise StoppedError

    def _is_piece(self, response: httpx.Response, piece: ByteRange) -> bool:
        headers = response.headers
        return bool(
            response.status_code == 206
            and headers.get("ETag", self._tag) == self._tag
            and headers.get("Content-Encoding", "identity") == "identity"
            and headers.get("Content-Range") == f"bytes {piece[0]}-{piece[1] - 1}/{self._total}"
        )
