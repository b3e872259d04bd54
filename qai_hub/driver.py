"""How operations of several requests are carried out: blocking, or in an event loop."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, Self, TypeVar, cast

if TYPE_CHECKING:
    from qai_hub_api.client import Client as GeneratedClient

    from qai_hub.connection import AsyncCaller, Connection
    from qai_hub.status import JobStatus
    from qai_hub.transfer.files import FileTransfer

__all__ = ["AsyncDriver", "BlockingDriver", "Driver", "enter_blocking_context", "run_blocking"]


T = TypeVar("T")


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine whose driver blocks, in the caller's thread and without an event loop.

    Args:
        coroutine: The coroutine.

    Returns:
        The coroutine's result.

    Raises:
        RuntimeError: If the coroutine suspends, as it does only with the asynchronous driver.
        BaseException: Whatever the coroutine raises.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("A blocking call tried to wait in an event loop.")


P = ParamSpec("P")
R = TypeVar("R")


class AwaitedJob(Protocol):
    """A job that can be waited for."""

    def wait(self, timeout: float | None = None) -> JobStatus:
        """Waits until the job has ended, blocking."""

    async def wait_async(self, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until the job has ended, in an event loop."""


class Driver(Protocol):
    """What a call delegates, so that the same code serves blocking and asynchronous callers.

    Attributes:
        connection: The connection for the requests.
    """

    connection: Connection

    async def call(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Calls an operation of the API.

        Args:
            operation: The blocking function of the generated client, `sync` or `sync_detailed`.
            args: Positional arguments after the client.
            kwargs: Keyword arguments.

        Returns:
            What the operation returns.

        Raises:
            Error: If the request is refused or fails.
        """

    async def run(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Runs blocking work: transfers, reading and writing files, or computation.

        Args:
            work: The blocking function.
            undo: Undoes the work, given its result, if the caller was cancelled before receiving
                it.

        Returns:
            What the function returns.
        """

    async def sleep(self, seconds: float) -> object:
        """Sleeps for a number of seconds."""

    async def wait(self, job: AwaitedJob, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until a job has ended, as `Job.wait` does."""

    @property
    def files(self) -> FileTransfer:
        """Transfers files; its methods block, so call them through `run`."""


class BlockingDriver:
    """Completes all work before returning, in the caller's thread.

    Args:
        connection: The connection for the requests.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def call(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Calls an operation of the API."""
        return self.connection.call(operation, *args, **kwargs)

    async def run(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Runs blocking work."""
        return work()

    async def sleep(self, seconds: float) -> None:
        """Sleeps for a number of seconds."""
        time.sleep(seconds)  # noqa: ASYNC251 - there is no event loop

    async def wait(self, job: AwaitedJob, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until a job has ended."""
        return job.wait(timeout)

    @property
    def files(self) -> FileTransfer:
        """Transfers files."""
        return self.connection.files


class AsyncDriver:
    """Suspends the caller in its event loop. As a context manager it keeps connections open.

    Args:
        connection: The connection for the requests.
        caller: The hook that each call of an operation goes through.
    """

    def __init__(self, connection: Connection, caller: AsyncCaller | None = None) -> None:
        self.connection = connection
        self._caller = caller
        self._open_connections: AsyncExitStack = AsyncExitStack()
        self._keeps_open = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._open_connections.aclose()

    async def call(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Calls an operation of the API."""
        if not self._keeps_open:
            await self._open_connections.enter_async_context(self.connection.keep_open())
            self._keeps_open = True
        asynchronous = _async_counterpart(operation)
        if self._caller is None:
            return await self.connection.call_async(asynchronous, *args, **kwargs)
        from qai_hub.connection import call_operation_async

        answer: R = await self._caller._api_call(
            call_operation_async, asynchronous, *args, **kwargs
        )
        return answer

    async def run(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Runs blocking work in a daemon thread; cancellation stops its transfers."""
        from qai_hub.transport.async_threads import to_thread

        return await to_thread(work, undo)

    async def sleep(self, seconds: float) -> None:
        """Sleeps for a number of seconds."""
        import asyncio

        await asyncio.sleep(seconds)

    async def wait(self, job: AwaitedJob, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109
        """Waits until a job has ended."""
        return await job.wait_async(timeout)

    @property
    def files(self) -> FileTransfer:
        """Transfers files."""
        return self.connection.files


@asynccontextmanager
async def enter_blocking_context(
    driver: Driver, context: Callable[[], AbstractContextManager[T]]
) -> AsyncIterator[T]:
    """Enters a context manager whose entry or exit blocks.

    Args:
        driver: Runs the blocking work.
        context: Makes the context manager.

    Yields:
        The value of the context manager.
    """
    stack = ExitStack()
    value = await driver.run(lambda: stack.enter_context(context()), lambda _: stack.close())
    try:
        yield value
    finally:
        await driver.run(stack.close)


def _async_counterpart(
    operation: Callable[Concatenate[GeneratedClient, P], R],
) -> Callable[Concatenate[GeneratedClient, P], Awaitable[R]]:
    """Returns the generated client's coroutine function that matches a blocking one."""
    module = sys.modules[operation.__module__]
    name = operation.__name__.replace("sync", "asyncio", 1)
    return cast("Callable[Concatenate[GeneratedClient, P], Awaitable[R]]", getattr(module, name))
