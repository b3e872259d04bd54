"""One code for blocking and for asynchronous callers.

What takes several requests is written once, as coroutines that leave each request, file and pause
to a driver. The driver of an event loop suspends them there. The blocking one does its work before
it returns, so that they never suspend, and run without an event loop.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run_blocking"]

T = TypeVar("T")


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine whose driver blocks, in the caller's thread and without an event loop.

    Args:
        coroutine: The coroutine.

    Returns:
        What it returns.

    Raises:
        RuntimeError: If it suspends, which only a driver of an event loop has it do.
        BaseException: What it raises.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("A blocking call was to wait for an event loop.")
