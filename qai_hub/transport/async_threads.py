"""Threads for the blocking work of an event loop: file access and computation."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from qai_hub.transport.threads import (
    CancellationToken,
    Outcome,
    capture_outcome,
    start_threads,
    unwrap_outcome,
)

__all__ = ["to_thread"]

T = TypeVar("T")

# Seconds that a cancelled task waits for its thread to clean up.
_CLEANUP_TIMEOUT = 5.0


async def to_thread(task: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
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
    token = CancellationToken()
    lock, is_done, is_cancelled = threading.Lock(), False, False

    def undo_outcome(outcome: Outcome[T]) -> None:
        if undo is not None and outcome[2] is None:
            undo(unwrap_outcome(outcome))

    def deliver(outcome: Outcome[T]) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        nonlocal is_done
        token.attach_to_context()
        outcome = capture_outcome(0, task)
        with lock:
            is_done = True
        if is_cancelled:
            undo_outcome(outcome)
        # The loop may have been closed meanwhile, if nobody waits for the result.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, outcome)

    if not start_threads(work, 1, "qai_hub background"):
        return task()
    try:
        outcome = await asyncio.shield(done)
    except asyncio.CancelledError:
        with lock:
            is_cancelled = not is_done
        token.cancel()
        await asyncio.wait([done], timeout=_CLEANUP_TIMEOUT)
        if not is_cancelled and done.done():
            undo_outcome(done.result())
        raise
    return unwrap_outcome(outcome)
