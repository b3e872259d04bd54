"""When a request is sent again: how often, and after which pause."""

import email.utils
import random
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

import httpx

__all__ = [
    "IDEMPOTENT",
    "SPOILT_TRIES",
    "Retries",
    "RetryPolicy",
    "StoppedError",
    "causes",
    "never_arrived",
    "passes",
    "retry_after",
]

PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LONGEST_RETRY_AFTER = 30.0

SPOILT_TRIES = 3
"""Tries where something else came in place of an answer: what stands there for longer would do so
at a fourth one, too."""

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that alone make it safe to carry a request out twice."""


class StoppedError(Exception):
    """Nobody waits for a request any more: it need not be sent."""


@dataclass(frozen=True)
class RetryPolicy:
    """How patient a client is with one request.

    Attributes:
        tries: Times that it is sent at most.
        budget: Seconds from its beginning after which it is not sent again.
        first_pause: Seconds that the first pause takes at most; each later one twice as long.
        longest_pause: Seconds that any pause takes at most, unless the server asks for more.
    """

    tries: int = 6
    budget: float = 60.0
    first_pause: float = 0.5
    longest_pause: float = 8.0


class Retries:
    """The tries of one request.

    Args:
        policy: How patient to be.
        now: The time on a monotonic clock, in seconds.
        rng: Source of the jitter.
        stop: Set when nobody waits for the request any more.
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
        self._end = now + policy.budget
        self._rng = rng
        self.tries = 1

    def pause(self, now: float, asked: float | None = None) -> float | None:
        """Decides after a try that failed.

        The pause is drawn from zero to a bound that doubles (full jitter), so that clients that
        failed together do not come back together.

        Args:
            now: The time.
            asked: Seconds that the server asked to wait; more than 30 count as 30.

        Returns:
            Seconds after which to try again, or None to give up.
        """
        if self.tries >= self._policy.tries:
            return None
        bound = self._policy.first_pause * 2.0 ** min(self.tries - 1, 30)
        pause = self._rng.uniform(0.0, min(bound, self._policy.longest_pause))
        pause = max(pause, min(asked or 0.0, LONGEST_RETRY_AFTER))
        if now + pause > self._end:
            return None
        self.tries += 1
        return pause

    def check(self) -> None:
        """Ends the tries of a request that nobody waits for any more.

        Raises:
            StoppedError: If that is so.
        """
        if self._stop is not None and self._stop.is_set():
            raise StoppedError


def never_arrived(error: httpx.TransportError) -> bool:
    """Whether the server cannot have seen the request, so that it was not carried out."""
    return isinstance(
        error,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.ProxyError
        | httpx.UnsupportedProtocol,
    )


def passes(error: httpx.TransportError) -> bool:
    """Whether the fault may be gone at the next try."""
    if isinstance(error, httpx.ProxyError):
        return bool(getattr(error, "may_pass", False))
    permanent = httpx.UnsupportedProtocol | httpx.LocalProtocolError
    return not isinstance(error, permanent) and not is_untrusted(error)


def is_untrusted(error: BaseException) -> bool:
    """Whether the server's certificate was refused."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """Iterates over an error and what led to it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def retry_after(headers: httpx.Headers, *, wall: float) -> float | None:
    """Reads how long the server asks to wait.

    Args:
        headers: Headers of the answer.
        wall: Seconds since the epoch, for a date where the answer tells none of its own.

    Returns:
        Seconds, 0 or more; None if the header is absent or not understood.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", text, re.ASCII):
        return float(text)
    moment = _seconds(text)
    if moment is None:
        return None
    return max(moment - (_seconds(headers.get("Date", "")) or wall), 0.0)


def _seconds(date: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
