"""The HTTP client of event loops: shared while it is used, and closed after its last use."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from qai_hub.transport.certificates import trusted
from qai_hub.transport.proxies import Proxies
from qai_hub.transport.redirects import MOST_REDIRECTS, endless, onward
from qai_hub.transport.routes import AsyncRoutes
from qai_hub.transport.session import limit

__all__ = ["ASYNC_SESSIONS", "AsyncSession", "AsyncSessionPool"]


class AsyncSession(httpx.AsyncClient):
    """An `httpx.AsyncClient` that keeps to the time limits of `limits`.

    It sends each request once: those who wait for jobs ride faults out themselves. It goes where an
    answer sends, if that is on the same server.

    Args:
        proxies: The proxies of the environment; those of the process where None.
        options: What `httpx.AsyncClient` takes; certificates are those that the environment names.

    Raises:
        UserError: If the environment names certificates that cannot be read.
    """

    def __init__(self, *, proxies: Proxies | None = None, **options: Any) -> None:  # noqa: ANN401
        if "transport" not in options:
            routed = {name: options.pop(name) for name in ("verify", "limits") if name in options}
            routed.setdefault("verify", trusted())
            options["transport"] = AsyncRoutes(proxies or Proxies.of_process(), **routed)
        super().__init__(**options)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request.

        Args:
            request: The request.
            options: What `httpx.AsyncClient.send` takes.

        Returns:
            The answer, whatever its status.

        Raises:
            UserError: If an answer sends to another server, where no token goes.
            InternalError: If answers send on and on.
            httpx.TransportError: If there was no answer.
        """
        limit(request)
        response = await super().send(request, **options)
        for _ in range(MOST_REDIRECTS):
            following = onward(request, response)
            if following is None:
                return response
            request = following
            response = await super().send(request, **options)
        if onward(request, response) is not None:
            raise endless(request, response)
        return response


@dataclass
class _Shared:
    session: AsyncSession
    users: int = 0


class AsyncSessionPool:
    """Keeps a session for each event loop and configuration, for as long as it is used.

    Nothing could close it later: a loop does not tell its end.
    """

    def __init__(self) -> None:
        self._sessions: dict[Hashable, _Shared] = {}

    @asynccontextmanager
    async def lease(
        self, key: Hashable, make: Callable[[], AsyncSession]
    ) -> AsyncIterator[AsyncSession]:
        """Lends a session for as long as the block lasts.

        Args:
            key: What tells sessions apart.
            make: Makes the session, if there is none for the key.

        Yields:
            The session.
        """
        place = (asyncio.get_running_loop(), key)
        shared = self._sessions.get(place)
        if shared is None:
            shared = self._sessions[place] = _Shared(make())
        shared.users += 1
        try:
            yield shared.session
        finally:
            shared.users -= 1
            if not shared.users:
                del self._sessions[place]
                await shared.session.aclose()


ASYNC_SESSIONS = AsyncSessionPool()
"""The sessions of this process."""
