"""What carries out the requests, transfers and pauses of a call: blocking, or in an event loop."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, Self, TypeVar, cast

if TYPE_CHECKING:
    from qai_hub_api.client import Client as GeneratedClient

    from qai_hub.connection import AsyncCaller, Connection
    from qai_hub.status import JobStatus
    from qai_hub.transfer.files import Files

__all__ = ["AsyncDriver", "BlockingDriver", "Driver", "entered"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class AwaitedJob(Protocol):
    """A job, as far as one waits for it."""

    def wait(self, timeout: float | None = None) -> JobStatus:
        """Waits until it has ended, blocking."""

    async def wait_async(self, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until it has ended, in an event loop."""


class Driver(Protocol):
    """What a call leaves to others, so that it is the same for blocking and asynchronous callers.

    Attributes:
        connection: What the requests go through.
        suspends: Whether callers are suspended, in an event loop.
    """

    connection: Connection
    suspends: bool

    async def call(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Carries out an operation of the API.

        Args:
            operation: The blocking function of the generated client, `sync` or `sync_detailed`.
            args: Its positional arguments behind the client.
            kwargs: Its keyword arguments.

        Returns:
            What the operation returns.

        Raises:
            Error: If the request is refused or fails.
        """

    async def run(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Carries out what blocks: a transfer, reading and writing files, or computing.

        Args:
            work: What to do.
            undo: Takes back what it returned, where the caller was cancelled before it got that.

        Returns:
            What it returns.
        """

    async def sleep(self, seconds: float) -> object:
        """Lets some seconds pass."""

    async def wait(self, job: AwaitedJob, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until a job has ended, as `Job.wait` does."""

    @property
    def files(self) -> Files:
        """What carries files; its methods block, and are for `run`."""


class BlockingDriver:
    """Does everything before it returns, in the thread of the caller.

    Args:
        connection: What the requests go through.
    """

    suspends = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def call(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Carries out an operation of the API."""
        return self.connection.call(operation, *args, **kwargs)

    async def run(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Carries out what blocks."""
        return work()

    async def sleep(self, seconds: float) -> None:
        """Lets some seconds pass."""
        time.sleep(seconds)  # noqa: ASYNC251 - there is no event loop

    async def wait(self, job: AwaitedJob, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until a job has ended."""
        return job.wait(timeout)

    @property
    def files(self) -> Files:
        """What carries files."""
        return self.connection.files


class AsyncDriver:
    """Suspends the caller in its event loop. It is a context, in which it keeps connections.

    Args:
        connection: What the requests go through.
        caller: What each call of an operation goes through.
    """

    suspends = True

    def __init__(self, connection: Connection, caller: AsyncCaller | None = None) -> None:
        self.connection = connection
        self._caller = caller
        self._kept: AsyncExitStack = AsyncExitStack()
        self._keeps = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._kept.aclose()

    async def call(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Carries out an operation of the API."""
        if not self._keeps:
            await self._kept.enter_async_context(self.connection.kept_open())
            self._keeps = True
        asynchronous = _asynchronous(operation)
        if self._caller is None:
            return await self.connection.call_async(asynchronous, *args, **kwargs)
        from qai_hub.connection import carry_out_async

        answer: R = await self._caller._api_call(carry_out_async, asynchronous, *args, **kwargs)
        return answer

    async def run(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Carries out what blocks, in a daemon thread, whose transfers end if this is cancelled."""
        from qai_hub.transport.async_threads import in_thread

        return await in_thread(work, undo)

    async def sleep(self, seconds: float) -> None:
        """Lets some seconds pass."""
        import asyncio

        await asyncio.sleep(seconds)

    async def wait(self, job: AwaitedJob, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until a job has ended."""
        return await job.wait_async(timeout)

    @property
    def files(self) -> Files:
        """What carries files."""
        return self.connection.files


@asynccontextmanager
async def entered(
    driver: Driver, context: Callable[[], AbstractContextManager[T]]
) -> AsyncIterator[T]:
    """Enters a context whose beginning or end blocks.

    Args:
        driver: What carries out what blocks.
        context: Makes the context.

    Yields:
        What the context gives.
    """
    stack = ExitStack()
    value = await driver.run(lambda: stack.enter_context(context()), lambda _: stack.close())
    try:
        yield value
    finally:
        await driver.run(stack.close)


def _asynchronous(
    operation: Callable[Concatenate[GeneratedClient, P], R],
) -> Callable[Concatenate[GeneratedClient, P], Awaitable[R]]:
    """The coroutine function that the generated client has beside a blocking function."""
    module = sys.modules[operation.__module__]
    name = operation.__name__.replace("sync", "asyncio", 1)
    return cast("Callable[Concatenate[GeneratedClient, P], Awaitable[R]]", getattr(module, name))
