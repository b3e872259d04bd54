"""Waiting for what comes about by itself, for as long as a busy machine may take."""

import time
from collections.abc import Callable

_SECONDS = 30


def until(condition: Callable[[], object], what: str = "it did not come about") -> None:
    """Wait until a condition holds.

    Args:
        condition: The condition.
        what: What to say if it never does.
    """
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
