"""The base of the asynchronous client: a configuration and connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from qai_hub.client import Client
from qai_hub.driver import AsyncDriver
from qai_hub.errors import UserError

if TYPE_CHECKING:
    from qai_hub.config import ClientConfig

T = TypeVar("T")


class AsyncBaseClient:
    """The base of an asynchronous client of one hub, as one user."""

    def __init__(
        self,
        config: ClientConfig | None = None,
        profile: str | None = None,
        default_project_id: str | None = None,
    ) -> None:
        # Jobs, models and datasets are bound to it, and their blocking methods use it.
        self._client = Client(config, profile, default_project_id)
        self._kept: AsyncExitStack | None = None

    @property
    def config(self) -> ClientConfig:
        """The configuration.

        Raises:
            UserError: If it is missing or not valid.
        """
        return self._client.config

    async def __aenter__(self) -> Self:
        if self._kept is not None:
            raise UserError(
                "This client is already open in another `async with`: create one for each."
            )
        kept = AsyncExitStack()
        await kept.enter_async_context(self._client._connection.keep_open())
        self._kept = kept
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.aclose()

    def __repr__(self) -> str:
        return f"Async{self._client!r}"

    def _driver(self) -> AsyncDriver:
        return AsyncDriver(self._client._connection, self)

    async def _api_call(
        self,
        api_func: Callable[..., Awaitable[T]],
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> T:
        """Calls a coroutine function, configuration first, as `Client._api_call` does."""
        return await api_func(self.config, *args, **kwargs)
