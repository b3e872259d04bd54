"""The asynchronous HTTP client, shared while in use and closed after its last use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from qai_hub.http_library import httpx
from qai_hub.transport.proxies import Proxies
from qai_hub.transport.proxy_transport import AsyncProxyTransport
from qai_hub.transport.redirects import MAX_REDIRECTS, build_redirect_request, too_many_redirects
from qai_hub.transport.request_attempts import RetryRules
from qai_hub.transport.retry import RESPONSE_WINDOW, RateMonitor

__all__ = ["ASYNC_SESSIONS", "AsyncSession", "AsyncSessionPool"]


class AsyncSession(httpx.AsyncClient):
    """An `httpx.AsyncClient` that retries the same requests as `Session`.

    It follows redirects on the same server.

    Args:
        rules: Rules for retries.
        proxies: Proxies to use; None for those of the environment of this process.
        sleep: Sleeps for a number of seconds.
        options: Further arguments of `httpx.AsyncClient`; certificates default to those that the
            environment names.
    """

    def __init__(
        self,
        *,
        rules: RetryRules | None = None,
        proxies: Proxies | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> None:
        if "transport" not in options:
            routed = {name: options.pop(name) for name in ("verify", "limits") if name in options}
            options["transport"] = AsyncProxyTransport(
                proxies or Proxies.from_environment(), **routed
            )
        super().__init__(**options)
        self.rules = rules or RetryRules()
        self.sleep = sleep

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request, and retries it where that is safe and useful.

        Args:
            request: The request.
            options: Further arguments of `httpx.AsyncClient.send`.

        Returns:
            The last response, whatever its status.

        Raises:
            UserError: If a response redirects to another server, which must not get the token, or
                if the environment names certificates that cannot be read.
            InternalError: If there are too many redirects.
            httpx.TransportError: If there was no response. Its request has the extension
                `maybe_processed` if the server may have processed the request all the same.
        """
        response = await self._send(request, **options)
        for _ in range(MAX_REDIRECTS):
            following = build_redirect_request(request, response)
            if following is None:
                return response
            request = following
            response = await self._send(request, **options)
        if build_redirect_request(request, response) is not None:
            raise too_many_redirects(request, response)
        return response

    async def _send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        attempts = self.rules.attempts(request)
        while True:
            attempts.begin()
            try:
                response = await self._send_once(request, **options)
            except httpx.TransportError as error:
                pause = attempts.failed(error)
                if pause is None:
                    raise
            else:
                pause = attempts.answered(response)
                if pause is None:
                    return response
            await self.sleep(pause)

    async def _send_once(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        response = await super().send(request, stream=True, **options)
        rate_monitor = RateMonitor(self.rules.clock, RESPONSE_WINDOW)
        response.stream = _MonitoredStream(response.stream, request, rate_monitor)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response


class _MonitoredStream(httpx.AsyncByteStream):
    """A body with a minimum transfer rate: httpx limits the time of each read, not of all."""

    def __init__(self, stream: object, request: httpx.Request, rate_monitor: RateMonitor) -> None:
        self._stream = cast(httpx.AsyncByteStream, stream)
        self._request = request
        self._rate_monitor = rate_monitor

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for block in self._stream:
            yield block
            if not self._rate_monitor.is_fast_enough(len(block)):
                raise httpx.ReadTimeout("The response almost stopped.", request=self._request)

    async def aclose(self) -> None:
        await self._stream.aclose()


@dataclass
class _PooledSession:
    session: AsyncSession
    users: int = 0


class AsyncSessionPool:
    """Keeps a session for each event loop and configuration while it is in use.

    A session is closed after its last use, because an event loop does not announce its end, so that
    nothing could close the session later.
    """

    def __init__(self) -> None:
        self._sessions: dict[Hashable, _PooledSession] = {}

    @asynccontextmanager
    async def lease(
        self, key: Hashable, create: Callable[[], AsyncSession]
    ) -> AsyncIterator[AsyncSession]:
        """Lends a session for the duration of a block.

        Args:
            key: Key of the session, such as its configuration.
            create: Creates the session if there is none for the key.

        Yields:
            The session.
        """
        place = (asyncio.get_running_loop(), key)
        pooled = self._sessions.get(place)
        if pooled is None:
            pooled = self._sessions[place] = _PooledSession(create())
        pooled.users += 1
        try:
            yield pooled.session
        finally:
            pooled.users -= 1
            if not pooled.users:
                del self._sessions[place]
                await pooled.session.aclose()


ASYNC_SESSIONS = AsyncSessionPool()
"""The sessions of this process."""
