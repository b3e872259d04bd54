"""Threads for the blocking work of an event loop: file access and computation."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from qai_hub.transport.threads import Abandonment, Outcome, carried_out, result_of, start

__all__ = ["in_thread"]

T = TypeVar("T")

# Seconds that a cancelled task waits for its thread to clean up.
_PATIENCE = 5.0


async def in_thread(task: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
    """Runs a blocking task in a daemon thread, in a copy of the caller's context.

    If the caller is cancelled, the transfers of the task end as after Ctrl+C: their partial files
    are removed and their connections are closed. The caller waits up to 5 seconds for that. A task
    that transfers nothing runs to its end, and nobody waits for it.

    Args:
        task: The task.
        undo: Called with the result of the task to undo its effect, if the caller was cancelled
            before it received the result.

    Returns:
        The result of the task.

    Raises:
        BaseException: Whatever the task raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Outcome[T]] = loop.create_future()
    abandonment = Abandonment()
    lock, is_over, is_left = threading.Lock(), False, False

    def take_back(outcome: Outcome[T]) -> None:
        if undo is not None and outcome[2] is None:
            undo(result_of(outcome))

    def tell(outcome: Outcome[T]) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        nonlocal is_over
        abandonment.watch_this_thread()
        outcome = carried_out(0, task)
        with lock:
            is_over = True
        if is_left:
            take_back(outcome)
        # The loop may have been closed meanwhile, if nobody waits for the result.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, outcome)

    if not start(work, 1, "qai_hub background"):
        return task()
    try:
        outcome = await asyncio.shield(done)
    except asyncio.CancelledError:
        with lock:
            is_left = not is_over
        abandonment.set()
        await asyncio.wait([done], timeout=_PATIENCE)
        if not is_left and done.done():
            take_back(done.result())
        raise
    return result_of(outcome)
