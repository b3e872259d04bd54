"""The policy of retries: which requests may be sent again, how often and when they give up."""

import random
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qai_hub.http_library import httpx
from qai_hub.transport.server_clock import read_date

__all__ = [
    "IDEMPOTENT",
    "MIN_RATE",
    "RESPONSE_WINDOW",
    "TRANSFER_WINDOW",
    "UNUSABLE_RESPONSE_ATTEMPTS",
    "RateMonitor",
    "RetryBudget",
    "RetryPolicy",
    "StoppedError",
    "is_plain_text",
    "is_transient_fault",
    "iter_causes",
    "never_reached_server",
    "parse_retry_after",
]


MIN_RATE = 1024
"""Minimum rate, in bytes per second."""

TRANSFER_WINDOW = 180.0
"""Seconds over which the rate of a file transfer is measured."""

RESPONSE_WINDOW = 30.0
"""Seconds over which the rate of an API response is measured; such responses are small."""


class RateMonitor:
    """Measures the rate of one transfer, starting now.

    Args:
        clock: Monotonic clock, in seconds.
        window: Seconds over which the rate is measured.
    """

    def __init__(self, clock: Callable[[], float], window: float = TRANSFER_WINDOW) -> None:
        self._clock = clock
        self._window = window
        self._start = clock()
        self._moved = 0

    def is_fast_enough(self, count: int) -> bool:
        """Counts transferred bytes.

        Args:
            count: Number of bytes.

        Returns:
            False if the rate over the window that ends now was below the minimum, otherwise True.
        """
        self._moved += count
        now = self._clock()
        if now - self._start < self._window:
            return True
        enough = self._moved >= MIN_RATE * (now - self._start)
        self._start, self._moved = now, 0
        return enough


TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
MAX_RETRY_AFTER = 30.0

UNUSABLE_RESPONSE_ATTEMPTS = 3
"""Attempts if something on the way sent an unusable response. Whatever is still there at the third
attempt would most likely be there at a fourth one, too."""

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods of requests that can safely be processed twice."""


class StoppedError(Exception):
    """Nobody waits for the response of a request any more, so it is not sent."""


@dataclass(frozen=True)
class RetryPolicy:
    """The limits of the retries of one request.

    Attributes:
        max_attempts: Maximum number of attempts.
        time_budget: Seconds after the first attempt when no further attempt is started.
        first_pause: Upper bound of the first pause, in seconds; it doubles with each attempt.
        max_pause: Upper bound of any pause, in seconds, unless the server asks for more.
    """

    max_attempts: int = 6
    time_budget: float = 60.0
    first_pause: float = 0.5
    max_pause: float = 8.0


class RetryBudget:
    """The retry budget of one request, or of an operation of several requests.

    Args:
        policy: The limits.
        now: The time on a monotonic clock, in seconds.
        rng: Random numbers for the jitter.
        stop: Set when nobody waits for the result any more.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        now: float,
        rng: random.Random,
        stop: threading.Event | None = None,
    ) -> None:
        self._stop = stop
        self._policy = policy
        self._end = now + policy.time_budget
        self._rng = rng
        self.attempts = 1

    def next_pause(self, now: float, requested: float | None = None) -> float | None:
        """Decides what to do after a failed attempt.

        The pause is a random number between zero and a bound that doubles with each attempt (full
        jitter), so that clients that failed together do not retry together.

        Args:
            now: The time on the monotonic clock, in seconds.
            requested: Seconds that the server asked to wait; more than 30 count as 30.

        Returns:
            Seconds to wait before the next attempt; None to give up.
        """
        if self.attempts >= self._policy.max_attempts:
            return None
        bound = self._policy.first_pause * 2.0 ** min(self.attempts - 1, 30)
        pause = self._rng.uniform(0.0, min(bound, self._policy.max_pause))
        pause = max(pause, min(requested or 0.0, MAX_RETRY_AFTER))
        if now + pause > self._end:
            return None
        self.attempts += 1
        return pause

    def check(self) -> None:
        """Checks that somebody still waits for the result.

        Raises:
            StoppedError: If nobody does.
        """
        if self._stop is not None and self._stop.is_set():
            raise StoppedError


def never_reached_server(error: httpx.TransportError) -> bool:
    """Returns whether the request cannot have reached the server, and so was not processed."""
    return isinstance(
        error,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.ProxyError
        | httpx.UnsupportedProtocol,
    )


def is_transient_fault(error: httpx.TransportError) -> bool:
    """Returns whether the fault may be temporary."""
    if isinstance(error, httpx.ProxyError):
        return bool(getattr(error, "is_transient", False))
    permanent = httpx.UnsupportedProtocol | httpx.LocalProtocolError
    return not (isinstance(error, permanent) or is_certificate_error(error) or is_plain_text(error))


def is_plain_text(error: BaseException) -> bool:
    """Returns whether the server answered a TLS handshake without TLS."""
    return any(
        isinstance(cause, ssl.SSLError) and cause.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}
        for cause in iter_causes(error)
    )


def is_certificate_error(error: BaseException) -> bool:
    """Returns whether the verification of the server's certificate failed."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in iter_causes(error))


def iter_causes(error: BaseException) -> Iterator[BaseException]:
    """Iterates over an error and its causes."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def parse_retry_after(headers: httpx.Headers, *, wall: float) -> float | None:
    """Reads the `Retry-After` header.

    Args:
        headers: Headers of the response.
        wall: Seconds since the epoch, used to interpret a date if the response has no `Date`.

    Returns:
        Seconds to wait, 0 or more; None if the header is absent or invalid.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", text, re.ASCII):
        return float(text)
    moment = _seconds(text)
    if moment is None:
        return None
    return max(moment - (_seconds(headers.get("Date", "")) or wall), 0.0)


def _seconds(date: str) -> float | None:
    moment = read_date(date)
    return None if moment is None else moment.timestamp()
