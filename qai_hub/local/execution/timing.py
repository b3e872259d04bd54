"""Takes the time of what is done once or more."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def timed(
    action: Callable[[], _T],
    most: int,
    seconds: float,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> tuple[list[int], _T]:
    """Time an action, once or more.

    What a call returned is dropped before the next one, outside of the measured time.

    Args:
        action: What to time.
        most: Most calls.
        seconds: Time after which no further call begins.
        clock: Clock in nanoseconds.

    Returns:
        The time of each call in microseconds, 1 or more, and what the last one returned.
    """
    times = []
    start = clock()
    while True:
        before = clock()
        result = action()
        times.append(max(1, round((clock() - before) / 1000)))
        if len(times) >= most or clock() - start >= seconds * 1e9:
            return times, result
        del result
