"""Reading an asynchronous iterator from blocking code."""

import asyncio
import queue
import socket
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["iterate_in_thread"]

T = TypeVar("T")

# On Windows, Ctrl+C does not interrupt waiting for a lock: it is noticed after this many seconds.
_POLL_INTERVAL = 0.5


def iterate_in_thread(items: AsyncIterator[T]) -> Generator[T, None, None]:
    """Runs an asynchronous iterator in a separate event loop, in one thread.

    This also works where an event loop is running already, as in notebooks. However the iteration
    ends, the iterator is closed and the thread has ended by then. If no thread can be started any
    more, as at the end of the process, the loop runs in the caller's thread.

    Args:
        items: The asynchronous iterator.

    Yields:
        The items of the iterator.
    """
    arrived: queue.SimpleQueue[T | Future[None]] = queue.SimpleQueue()

    async def pump() -> None:
        async for item in items:
            arrived.put(item)

    loop = _Loop()
    thread = threading.Thread(target=_run, args=(loop,), name="qai_hub waiting", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        yield from _iterate_in_caller(loop, items)
        return
    try:
        asyncio.run_coroutine_threadsafe(pump(), loop).add_done_callback(arrived.put)
        while True:
            try:
                item = arrived.get(timeout=_POLL_INTERVAL)
            except queue.Empty:
                if not thread.is_alive():
                    raise RuntimeError(
                        "This process was forked while its parent waited: wait for the jobs again."
                    ) from None
                continue
            if isinstance(item, Future):
                item.result()
                return
            yield item
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
        # When the interpreter shuts down, the thread is frozen already and could never be joined.
        if not sys.is_finalizing():
            thread.join()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that can resolve host names even after the main thread has ended.

    The threads of `concurrent.futures` accept no work from then on.
    """

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Resolves a host name, as `socket.getaddrinfo` does."""
        found: Future[Any] = Future()
        # From here on it cannot be cancelled: its thread does not handle cancellation.
        found.set_running_or_notify_cancel()

        def look_up() -> None:
            try:
                found.set_result(socket.getaddrinfo(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is raised in the awaiting task
                found.set_exception(error)

        try:
            threading.Thread(target=look_up, name="host lookup", daemon=True).start()
        except RuntimeError:
            look_up()
        return await asyncio.wrap_future(found, loop=self)


def _iterate_in_caller(loop: asyncio.AbstractEventLoop, items: AsyncIterator[T]) -> Iterator[T]:
    try:
        while True:
            try:
                item = loop.run_until_complete(anext(items))
            except StopAsyncIteration:
                return
            yield item
    finally:
        loop.run_until_complete(_cancel_all_tasks())
        loop.close()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_all_tasks())
    finally:
        loop.close()


async def _cancel_all_tasks() -> None:
    # Unlike asyncio.Runner, this does not wait for a thread that is resolving a host name.
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
