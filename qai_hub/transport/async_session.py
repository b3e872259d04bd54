"""The HTTP client of event loops: shared while it is used, and closed after its last use."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from qai_hub.transport.proxies import proxies_told
from qai_hub.transport.session import limit

__all__ = ["ASYNC_SESSIONS", "AsyncSession", "AsyncSessionPool"]


class AsyncSession(httpx.AsyncClient):
    """An `httpx.AsyncClient` that keeps to the time limits of `limits`.

    It sends each request once: those who wait for jobs ride faults out themselves.

    Args:
        options: What `httpx.AsyncClient` takes.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        with proxies_told():
            super().__init__(**options)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request.

        Args:
            request: The request.
            options: What `httpx.AsyncClient.send` takes.

        Returns:
            The answer, whatever its status.

        Raises:
            httpx.TransportError: If there was none.
        """
        limit(request)
        return await super().send(request, **options)


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
