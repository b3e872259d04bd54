"""The attempts of one request: which faults are retried, after which pause, and until when.

Both sessions, the blocking and the asynchronous one, follow these rules; `retry` holds the policy.
"""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from qai_hub.errors import redact_url
from qai_hub.http_library import httpx
from qai_hub.next_steps import Step
from qai_hub.transport.loopback import is_absent, remember_answer
from qai_hub.transport.proxy_transport import ProxyFault
from qai_hub.transport.retry import (
    IDEMPOTENT,
    MAX_RETRY_AFTER,
    TRANSIENT_STATUSES,
    RetryBudget,
    RetryPolicy,
    is_transient_fault,
    never_reached_server,
    parse_retry_after,
)
from qai_hub.transport.server_clock import remember_clock

__all__ = ["Attempts", "RetryRules", "apply_time_limit", "request_limits"]

_logger = logging.getLogger("qai_hub.transport")


@dataclass(frozen=True)
class _RequestLimits:
    time_limit: float | None = None
    retry_rate_limit: bool | None = None


_USUAL = _RequestLimits()
_limits: ContextVar[_RequestLimits] = ContextVar("qai_hub_limits", default=_USUAL)


@contextlib.contextmanager
def request_limits(
    *, time_limit: float | None = None, retry_rate_limit: bool | None = None
) -> Iterator[None]:
    """Changes the time limits and retries of the requests that a block sends.

    Args:
        time_limit: Seconds to wait for a response; a request is then sent only once. None for the
            usual limits and retries.
        retry_rate_limit: Whether to repeat a request that was rejected by the rate limit (429)
            until it is accepted; False to never repeat it, None for the usual retries.

    Yields:
        Nothing.
    """
    given = {"time_limit": time_limit, "retry_rate_limit": retry_rate_limit}
    changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    token = _limits.set(replace(_limits.get(), **changed))
    try:
        yield
    finally:
        _limits.reset(token)


def apply_time_limit(request: httpx.Request) -> None:
    """Applies the time limit of the surrounding `request_limits` block, if any, to a request."""
    time_limit = _limits.get().time_limit
    if time_limit is not None:
        limited = httpx.Timeout(time_limit, connect=min(time_limit, 5.0))
        request.extensions = {**request.extensions, "timeout": limited.as_dict()}


class RetryRules:
    """The retry rules of a session, blocking or asynchronous.

    Args:
        policy: Number of attempts, and pauses between them.
        idempotent: Methods of requests that can safely be processed twice.
        idempotent_posts: Whether the server processes a POST with a known `Idempotency-Key` only
            once; each POST then gets such a key. So does each DELETE, because a repeated one would
            find nothing to delete.
        clock: Monotonic clock, in seconds.
        wall: Returns the seconds since the epoch.
        rng: Random numbers for the jitter.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        idempotent: Collection[str] = IDEMPOTENT,
        idempotent_posts: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._idempotent = idempotent
        self._idempotent_posts = idempotent_posts
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self.clock = clock
        self.wall = wall

    def retry_budget(
        self,
        stop: threading.Event | None = None,
        max_attempts: int | None = None,
        started_at: float | None = None,
    ) -> RetryBudget:
        """Creates the retry budget of an operation that takes more than one request.

        Args:
            stop: Set when nobody waits for the operation any more.
            max_attempts: Maximum number of attempts; None for as many as for a single request.
            started_at: When the first attempt began, by this session's clock; None for now.

        Returns:
            The retry budget.
        """
        policy = self._policy
        if max_attempts is not None and max_attempts < policy.max_attempts:
            policy = replace(policy, max_attempts=max_attempts)
        now = self.clock() if started_at is None else started_at
        return RetryBudget(policy, now=now, rng=self._rng, stop=stop)

    def next_pause(self, retries: RetryBudget, requested: float | None = None) -> float | None:
        """Returns the seconds to pause, by this session's clock; None to give up."""
        return retries.next_pause(self.clock(), requested)

    def can_resend(self, request: httpx.Request) -> bool:
        """Returns whether a request that may have been processed can be sent again."""
        repeatable = self.is_idempotent(request) and _is_body_rereadable(request)
        return repeatable and not _is_single_attempt()

    def is_idempotent(self, request: httpx.Request) -> bool:
        """Returns whether the server can safely process a request twice."""
        keyed = self._idempotent_posts and "Idempotency-Key" in request.headers
        safe = request.method in self._idempotent
        return safe or keyed or bool(request.extensions.get("repeatable"))

    def attempts(self, request: httpx.Request) -> "Attempts":
        """Prepares a request for sending, and starts counting its attempts.

        Args:
            request: The request. Its extension `retry_budget` may hold the retry budget of a larger
                operation.

        Returns:
            The attempts, which decide about retries.
        """
        apply_time_limit(request)
        if self._idempotent_posts and request.method in {"POST", "DELETE"}:
            import uuid

            request.headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        return Attempts(
            self, request, request.extensions.get("retry_budget") or self.retry_budget()
        )

    def jitter(self, shortest: float, longest: float) -> float:
        """Returns a random pause between two bounds, in seconds."""
        return self._rng.uniform(shortest, longest)


class Attempts:
    """The attempts to send one request."""

    def __init__(self, rules: RetryRules, request: httpx.Request, retries: RetryBudget) -> None:
        self._rules = rules
        self._request = request
        self._retries = retries
        self._started = 0.0

    def begin(self) -> None:
        """Starts an attempt.

        Raises:
            StoppedError: If nobody waits for the response any more.
        """
        self._retries.check()
        self._started = self._rules.clock()

    def failed(self, error: httpx.TransportError) -> float | None:
        """Decides what to do after an attempt that got no response.

        Args:
            error: The error that httpx raised.

        Returns:
            Seconds to wait before the next attempt; None to give up.
        """
        if not never_reached_server(error):
            self._request.extensions["maybe_processed"] = True
        pause = self._pause_after_fault(error)
        self._log(type(error).__name__, pause)
        return pause

    def answered(self, response: httpx.Response) -> float | None:
        """Decides what to do after an attempt that got a response.

        Args:
            response: The response.

        Returns:
            Seconds to wait before the next attempt; None to accept this response.
        """
        remember_answer(self._request.url)
        remember_clock(self._request.url, response.headers)
        pause = self._pause_after_response(response)
        self._log(str(response.status_code), pause)
        return pause

    def _pause_after_fault(self, error: httpx.TransportError) -> float | None:
        if isinstance(error, ProxyFault):
            if self._retries.attempts > 1:
                return None
        elif is_absent(error, self._request.url):
            return None
        safe = never_reached_server(error) or self._rules.is_idempotent(self._request)
        if (
            safe
            and is_transient_fault(error)
            and _is_body_rereadable(self._request)
            and not _is_single_attempt()
        ):
            return self._rules.next_pause(self._retries)
        return None

    def _pause_after_response(self, response: httpx.Response) -> float | None:
        status = response.status_code
        if (
            status not in TRANSIENT_STATUSES
            or not _is_body_rereadable(self._request)
            or _is_single_attempt()
        ):
            return None
        requested = parse_retry_after(response.headers, wall=self._rules.wall())
        if status == 429:
            return self._pause_after_rate_limit(response, requested)
        if not self._rules.is_idempotent(self._request):
            return None
        return self._rules.next_pause(self._retries, requested)

    def _pause_after_rate_limit(
        self, response: httpx.Response, requested: float | None
    ) -> float | None:
        insist = _limits.get().retry_rate_limit
        if insist is False:
            return None
        pause = self._rules.next_pause(self._retries, requested)
        if pause is None and insist:
            _log_rate_limit(self._request, response)
            pause = max(self._rules.jitter(5.0, 10.0), min(requested or 0.0, MAX_RETRY_AFTER))
        return pause

    def _log(self, outcome: str, pause: float | None) -> None:
        if not _logger.isEnabledFor(logging.DEBUG):
            return
        _logger.debug(
            "%s %s: %s (%.0f ms)",
            self._request.method,
            redact_url(str(self._request.url)),
            outcome if pause is None else f"{outcome}, retrying in {pause:.1f} s",
            (self._rules.clock() - self._started) * 1000,
        )


def _log_rate_limit(request: httpx.Request, response: httpx.Response) -> None:
    """Logs, once per request, that it is repeated until it is accepted."""
    if request.extensions.get("rate_limit_logged"):
        return
    from qai_hub.transport.errors import error_from_response

    request.extensions["rate_limit_logged"] = True
    reason = error_from_response(
        response.status_code,
        response.headers,
        response.content,
        request.method,
        request.url,
        secrets=request.headers.get("Authorization", "").split()[-1:],
    )
    stop = Step("pass retry=False to raise an error instead", "Ctrl+C ends this")
    _logger.warning("%s Retrying until it is accepted; %s.", reason, stop)


def _is_single_attempt() -> bool:
    return _limits.get().time_limit is not None


def _is_body_rereadable(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream) or bool(
        request.extensions.get("repeatable")
    )
