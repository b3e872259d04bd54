"""The blocking HTTP client: a connection pool with time limits and retries."""

import functools
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, cast

from qai_hub.http_library import httpx
from qai_hub.transport.proxies import Proxies
from qai_hub.transport.proxy_transport import ProxyTransport
from qai_hub.transport.redirects import MAX_REDIRECTS, build_redirect_request, too_many_redirects
from qai_hub.transport.request_attempts import RetryRules, request_limits
from qai_hub.transport.retry import (
    IDEMPOTENT,
    RESPONSE_WINDOW,
    RateMonitor,
    RetryBudget,
    RetryPolicy,
)

__all__ = ["TIME_LIMITS", "Session", "request_limits"]

TIME_LIMITS = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=10.0)


class Session(httpx.Client):
    """An `httpx.Client` that retries requests where that is safe.

    A request is retried after a temporary fault or the statuses 408, 429, 500, 502, 503 and 504 if
    the server can safely process it twice: its method is idempotent, it carries an idempotency key
    that the server honours, or its sender set the extension `repeatable`. Any other request is
    retried only if it never reached the server, or was refused with status 429. A request is never
    retried if its body can be read only once. A request that a proxy refused is not retried, and
    one that failed at the proxy in another way is sent at most twice.

    Args:
        base_url: Base of relative URLs.
        headers: Headers of each request.
        policy: Number of attempts, and pauses between them.
        timeout: Seconds for each step of a request.
        idempotent: Methods of requests that can safely be processed twice.
        idempotent_posts: Whether the server processes a POST with a known `Idempotency-Key` only
            once; each POST then gets such a key. So does each DELETE, because a repeated one would
            find nothing to delete.
        follow_same_origin: Whether to follow redirects on the same server.
        proxies: Proxies to use; None for those of the environment of this process.
        clock: Monotonic clock, in seconds.
        sleep: Sleeps for a number of seconds.
        wall: Returns the seconds since the epoch.
        rng: Random numbers for the jitter.
        options: Further arguments of `httpx.Client`; certificates default to those that the
            environment names.
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
        follow_same_origin: bool = False,
        proxies: Proxies | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> None:
        if "transport" not in options:
            routed = {name: options.pop(name) for name in ("verify", "limits") if name in options}
            options["transport"] = ProxyTransport(proxies or Proxies.from_environment(), **routed)
        super().__init__(base_url=base_url, headers=headers, timeout=timeout, **options)
        self.rules = RetryRules(
            policy,
            idempotent=idempotent,
            idempotent_posts=idempotent_posts,
            clock=clock,
            wall=wall,
            rng=rng,
        )
        self._follow_same_origin = follow_same_origin
        self._base = str(self.base_url).rstrip("/")
        self._parse_url = functools.lru_cache(64)(httpx.URL)
        self._received_cookies = _ReceivedCookies(self._cookies)
        self.sleep = sleep

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:  # noqa: ANN401
        """Builds a request, as `httpx.Client.build_request` does.

        Args:
            method: The method.
            url: The URL, or its path relative to the base URL.
            options: Further arguments of `httpx.Client.build_request`.

        Returns:
            The request.
        """
        # httpx would parse the path, the base and both together, for each request, and one parse
        # takes as long as reading a small response. Waits ask for the same path again and again.
        if isinstance(url, str) and url.startswith("/"):
            url = self._parse_url(f"{self._base}{url}")
        return super().build_request(method, url, **options)

    @property
    def cookies(self) -> httpx.Cookies:
        """Cookies that the server has set, and that it gets back."""
        return self._received_cookies

    @cookies.setter
    def cookies(self, cookies: httpx._types.CookieTypes) -> None:
        self._received_cookies = _ReceivedCookies(cookies)

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
        return self.rules.retry_budget(stop, max_attempts, started_at)

    def next_pause(self, retries: RetryBudget, requested: float | None = None) -> float | None:
        """Returns the seconds to pause, by this session's clock; None to give up."""
        return self.rules.next_pause(retries, requested)

    def rate_monitor(self) -> RateMonitor:
        """Starts measuring the rate of a transfer by this session's clock."""
        return RateMonitor(self.rules.clock)

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request, and retries it where that is safe and useful.

        Args:
            request: The request. Its extension `retry_budget` may hold the retry budget of a larger
                operation.
            options: Further arguments of `httpx.Client.send`.

        Returns:
            The last response, whatever its status.

        Raises:
            UserError: If a response redirects to another server, which must not get the token, or
                if the environment names certificates that cannot be read.
            InternalError: If there are too many redirects.
            StoppedError: If nobody waits for the response any more.
            httpx.TransportError: If there was no response. Its request has the extension
                `maybe_processed` if the server may have processed the request all the same.
        """
        response = self._send(request, **options)
        for _ in range(MAX_REDIRECTS):
            following = (
                build_redirect_request(request, response) if self._follow_same_origin else None
            )
            if following is None:
                return response
            request = following
            response = self._send(request, **options)
        if self._follow_same_origin and build_redirect_request(request, response) is not None:
            raise too_many_redirects(request, response)
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
            rate_monitor = RateMonitor(self.rules.clock, RESPONSE_WINDOW)
            response.stream = _MonitoredStream(response.stream, request, rate_monitor)
            try:
                response.read()
            finally:
                response.close()
        return response


class _ReceivedCookies(httpx.Cookies):
    """Cookies that are looked for only in responses that have some."""

    def extract_cookies(self, response: httpx.Response) -> None:
        if "Set-Cookie" in response.headers:
            super().extract_cookies(response)


class _MonitoredStream(httpx.SyncByteStream):
    """A body with a minimum transfer rate: httpx limits the time of each read, not of all."""

    def __init__(self, stream: object, request: httpx.Request, rate_monitor: RateMonitor) -> None:
        self._stream = cast(httpx.SyncByteStream, stream)
        self._request = request
        self._rate_monitor = rate_monitor

    def __iter__(self) -> Iterator[bytes]:
        for block in self._stream:
            yield block
            if not self._rate_monitor.is_fast_enough(len(block)):
                raise httpx.ReadTimeout("The response almost stopped.", request=self._request)

    def close(self) -> None:
        self._stream.close()
