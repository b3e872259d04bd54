"""The HTTP client: one pool of connections, with time limits and retries."""

import contextlib
import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx

from qai_hub.errors import without_secrets
from qai_hub.transport.certificates import trusted
from qai_hub.transport.errors import error_from_answer
from qai_hub.transport.pace import Pace
from qai_hub.transport.proxies import Proxies
from qai_hub.transport.redirects import MOST_REDIRECTS, endless, onward
from qai_hub.transport.retry import (
    IDEMPOTENT,
    LONGEST_RETRY_AFTER,
    PASSING_STATUSES,
    Retries,
    RetryPolicy,
    never_arrived,
    passes,
    retry_after,
)
from qai_hub.transport.routes import ProxyFault, Routes

__all__ = ["TIME_LIMITS", "Session", "limit", "limits"]

TIME_LIMITS = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=10.0)
# An answer of the API that comes more slowly than at the least pace is waited for no longer.
_SLOWEST_ANSWER = 30.0

_logger = logging.getLogger("qai_hub.transport")


@dataclass(frozen=True)
class _Limits:
    time_limit: float | None = None
    retry_rate_limit: bool | None = None


_USUAL = _Limits()
_limits: ContextVar[_Limits] = ContextVar("qai_hub_limits", default=_USUAL)


@contextlib.contextmanager
def limits(
    *, time_limit: float | None = None, retry_rate_limit: bool | None = None
) -> Iterator[None]:
    """Changes how patient sessions are with the requests that this block sends.

    Args:
        time_limit: Seconds to wait for an answer; a request is then sent once, not again. None for
            the usual limits and retries.
        retry_rate_limit: Whether a request that was refused for coming too early is sent again
            until it is served; False to never send it again, None for the usual patience.

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


def limit(request: httpx.Request) -> None:
    """Puts the time limit of the block that sends a request, if there is one, on the request."""
    time_limit = _limits.get().time_limit
    if time_limit is not None:
        limited = httpx.Timeout(time_limit, connect=min(time_limit, 5.0))
        request.extensions = {**request.extensions, "timeout": limited.as_dict()}


class Session(httpx.Client):
    """An `httpx.Client` that sends again what is safe to send again.

    A request is sent again after a fault that may pass or the statuses 408, 429, 500, 502, 503 and
    504, if to carry it out twice does no harm: its method says so, it carries an idempotency key
    that the server honours, or its sender says so by the extension `repeatable`. Any other request
    is sent again only if the server never saw it, or refused it by 429. A body that can be read
    only once is never sent again. What a proxy refuses is not sent again, and what comes no further
    than the proxy is tried twice.

    Args:
        base_url: Address that relative ones are completed with.
        headers: Headers of each request.
        policy: How often to send again, and when.
        timeout: Seconds for each step of a request.
        idempotent: Methods by which it does no harm to carry a request out twice.
        idempotent_posts: Whether the server carries a POST with a known `Idempotency-Key` out only
            once; each POST then gets such a key. So does each DELETE: the second one would find
            nothing left.
        follow_on_server: Whether to go where an answer sends, if that is on the same server.
        proxies: The proxies of the environment; those of the process where None.
        clock: Monotonic clock, in seconds.
        sleep: Sleeps for some seconds.
        wall: Seconds since the epoch.
        rng: Source of the jitter.
        options: Further arguments of `httpx.Client`; certificates are those that the environment
            names.

    Raises:
        UserError: If the environment names certificates that cannot be read.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
        timeout: httpx.Timeout = TIME_LIMITS,
        idempotent: Collection[str] = IDEMPOTENT,
        idempotent_posts: bool = False,
        follow_on_server: bool = False,
        proxies: Proxies | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> None:
        if "transport" not in options:
            routed = {name: options.pop(name) for name in ("verify", "limits") if name in options}
            routed.setdefault("verify", trusted())
            options["transport"] = Routes(proxies or Proxies.of_process(), **routed)
        super().__init__(base_url=base_url, headers=headers, timeout=timeout, **options)
        self._policy = policy or RetryPolicy()
        self._idempotent = idempotent
        self._idempotent_posts = idempotent_posts
        self._follow_on_server = follow_on_server
        self.now = self._clock = clock
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self.sleep = sleep

    def retries(
        self,
        stop: threading.Event | None = None,
        most: int | None = None,
        since: float | None = None,
    ) -> Retries:
        """Starts counting the tries of something that takes more than one request.

        Args:
            stop: Set when nobody waits for it any more.
            most: Tries at most; None for as many as a request has.
            since: When it began, by this session's clock; None for now.

        Returns:
            The count.
        """
        policy = self._policy
        if most is not None and most < policy.tries:
            policy = replace(policy, tries=most)
        now = self.now() if since is None else since
        return Retries(policy, now=now, rng=self._rng, stop=stop)

    def pause(self, retries: Retries, asked: float | None = None) -> float | None:
        """Decides by this session's clock how long to pause; None to give up."""
        return retries.pause(self._clock(), asked)

    def pace(self) -> Pace:
        """Starts watching the pace of an exchange by this session's clock."""
        return Pace(self._clock)

    def may_send_again(self, request: httpx.Request) -> bool:
        """Whether a request that may have been carried out can be sent again."""
        repeatable = self._may_be_done_twice(request) and _can_be_read_again(request)
        return repeatable and not _is_single()

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request, more than once where that is safe and helps.

        Args:
            request: The request. Its extension `retries` counts tries that go beyond it.
            options: What `httpx.Client.send` takes.

        Returns:
            The last answer, whatever its status.

        Raises:
            UserError: If an answer sends to another server, where no token goes.
            InternalError: If answers send on and on.
            StoppedError: If nobody waits for it any more.
            httpx.TransportError: If there was no answer. Its request has the extension
                `may_be_done` if the server may have carried the request out all the same.
        """
        response = self._send(request, **options)
        for _ in range(MOST_REDIRECTS):
            following = onward(request, response) if self._follow_on_server else None
            if following is None:
                return response
            request = following
            response = self._send(request, **options)
        if self._follow_on_server and onward(request, response) is not None:
            raise endless(request, response)
        return response

    def _send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        limit(request)
        if self._idempotent_posts and request.method in {"POST", "DELETE"}:
            request.headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        retries = request.extensions.get("retries") or self.retries()
        while True:
            retries.check()
            started = self._clock()
            try:
                response = self._send_once(request, **options)
            except httpx.TransportError as error:
                outcome = type(error).__name__
                if not never_arrived(error):
                    request.extensions["may_be_done"] = True
                pause = self._pause_after_fault(request, error, retries)
                if pause is None:
                    self._log(request, outcome, started)
                    raise
            else:
                outcome = str(response.status_code)
                pause = self._pause_after_answer(request, response, retries)
                if pause is None:
                    self._log(request, outcome, started)
                    return response
                response.close()
            self._log(request, f"{outcome}, again in {pause:.1f} s", started)
            self.sleep(pause)

    def _send_once(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        response = super().send(request, stream=True, **options)
        if not stream:
            pace = Pace(self._clock, _SLOWEST_ANSWER)
            response.stream = _Paced(response.stream, request, pace)
            try:
                response.read()
            finally:
                response.close()
        return response

    def _pause_after_fault(
        self, request: httpx.Request, error: httpx.TransportError, retries: Retries
    ) -> float | None:
        if isinstance(error, ProxyFault) and retries.tries > 1:
            return None
        safe = never_arrived(error) or self._may_be_done_twice(request)
        if safe and passes(error) and _can_be_read_again(request) and not _is_single():
            return self.pause(retries)
        return None

    def _pause_after_answer(
        self, request: httpx.Request, response: httpx.Response, retries: Retries
    ) -> float | None:
        status = response.status_code
        if status not in PASSING_STATUSES or not _can_be_read_again(request) or _is_single():
            return None
        asked = retry_after(response.headers, wall=self._wall())
        if status == 429:
            insist = _limits.get().retry_rate_limit
            if insist is False:
                return None
            pause = self.pause(retries, asked)
            if pause is None and insist:
                _tell_of_waiting(request, response)
                pause = max(self._rng.uniform(5.0, 10.0), min(asked or 0.0, LONGEST_RETRY_AFTER))
            return pause
        if not self._may_be_done_twice(request):
            return None
        return self.pause(retries, asked)

    def _may_be_done_twice(self, request: httpx.Request) -> bool:
        keyed = self._idempotent_posts and "Idempotency-Key" in request.headers
        safe = request.method in self._idempotent
        return safe or keyed or bool(request.extensions.get("repeatable"))

    def _log(self, request: httpx.Request, outcome: str, started: float) -> None:
        if not _logger.isEnabledFor(logging.DEBUG):
            return
        _logger.debug(
            "%s %s: %s (%.0f ms)",
            request.method,
            without_secrets(str(request.url)),
            outcome,
            (self._clock() - started) * 1000,
        )


class _Paced(httpx.SyncByteStream):
    """The body of an answer that is waited for: time limits bound each of its reads, not all."""

    def __init__(self, stream: object, request: httpx.Request, pace: Pace) -> None:
        self._stream = cast(httpx.SyncByteStream, stream)
        self._request = request
        self._pace = pace

    def __iter__(self) -> Iterator[bytes]:
        for block in self._stream:
            yield block
            if not self._pace.holds(len(block)):
                raise httpx.ReadTimeout("The answer all but stopped.", request=self._request)

    def close(self) -> None:
        self._stream.close()


def _tell_of_waiting(request: httpx.Request, response: httpx.Response) -> None:
    """Says, once for each request, that it is sent again until it is served."""
    if request.extensions.get("told_of_waiting"):
        return
    request.extensions["told_of_waiting"] = True
    reason = error_from_answer(
        response.status_code, response.headers, response.content, request.method, request.url
    )
    _logger.warning("%s Trying again until it is done; retry=False raises an error.", reason)


def _is_single() -> bool:
    return _limits.get().time_limit is not None


def _can_be_read_again(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream) or bool(
        request.extensions.get("repeatable")
    )
