"""The HTTP client: one pool of connections, with time limits and retries."""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, cast

import httpx

from qai_hub.transport.certificates import trusted
from qai_hub.transport.pace import SLOWEST_ANSWER, Pace
from qai_hub.transport.proxies import Proxies
from qai_hub.transport.redirects import MOST_REDIRECTS, endless, onward
from qai_hub.transport.repeat import Repeating, limits
from qai_hub.transport.retry import IDEMPOTENT, Retries, RetryPolicy
from qai_hub.transport.routes import Routes

__all__ = ["TIME_LIMITS", "Session", "limits"]

TIME_LIMITS = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=10.0)


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
        self.rules = Repeating(
            policy,
            idempotent=idempotent,
            idempotent_posts=idempotent_posts,
            clock=clock,
            wall=wall,
            rng=rng,
        )
        self._follow_on_server = follow_on_server
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
        return self.rules.retries(stop, most, since)

    def pause(self, retries: Retries, asked: float | None = None) -> float | None:
        """Decides by this session's clock how long to pause; None to give up."""
        return self.rules.pause(retries, asked)

    def pace(self) -> Pace:
        """Starts watching the pace of an exchange by this session's clock."""
        return Pace(self.rules.clock)

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
        attempts = self.rules.attempts(request)
        while True:
            attempts.begin()
            try:
                response = self._send_once(request, **options)
            except httpx.TransportError as error:
                pause = attempts.failed(error)
                if pause is None:
                    raise
            else:
                pause = attempts.answered(response)
                if pause is None:
                    return response
                response.close()
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
            pace = Pace(self.rules.clock, SLOWEST_ANSWER)
            response.stream = _Paced(response.stream, request, pace)
            try:
                response.read()
            finally:
                response.close()
        return response


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
