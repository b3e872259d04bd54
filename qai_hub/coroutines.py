"""Shared code for blocking and asynchronous callers.

Calls that need several requests are written once, as coroutines that leave each request, file
transfer and pause to a driver. The asynchronous driver suspends them there. The blocking driver
does its work before it returns, so that the coroutines never suspend and run without an event loop.
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
    raise RuntimeError("A blocking call was to wait for an event loop.")
