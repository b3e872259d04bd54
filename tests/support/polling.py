"""Polling of a condition, for as long as a busy machine may take."""

import time
from collections.abc import Callable

_SECONDS = 30


def wait_until(condition: Callable[[], object], message: str = "the condition never held") -> None:
    """Wait until a condition holds.

    Args:
        condition: The condition.
        message: What the assertion says if it never does.
    """
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.005)
