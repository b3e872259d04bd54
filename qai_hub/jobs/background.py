"""An asynchronous iterator, read without an event loop."""

import asyncio
import queue
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["in_background"]

T = TypeVar("T")

# Ctrl+C does not interrupt a lock on Windows: there it is noticed after this time.
_BREATH = 0.5


def in_background(items: AsyncIterator[T]) -> Iterator[T]:
    """Runs an asynchronous iterator in an event loop of its own, in one thread.

    So it works where an event loop runs already, as in notebooks. However the iteration ends, the
    iterator is finished and the thread gone when it has.

    Args:
        items: The iterator.

    Yields:
        What the iterator yields.
    """
    arrived: queue.SimpleQueue[T | Future[None]] = queue.SimpleQueue()

    async def pump() -> None:
        async for item in items:
            arrived.put(item)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run, args=(loop,), name="qai_hub waiting", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(pump(), loop).add_done_callback(arrived.put)
        while True:
            try:
                item = arrived.get(timeout=_BREATH)
            except queue.Empty:
                continue
            if isinstance(item, Future):
                item.result()
                return
            yield item
    finally:
        loop.call_soon_threadsafe(loop.stop)
        # When the interpreter ends, the thread stands still already and would never be joined.
        if not sys.is_finalizing():
            thread.join()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_end_all())
    finally:
        loop.close()


async def _end_all() -> None:
    # Unlike asyncio.Runner, this does not wait for a host's name that a thread looks up.
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
