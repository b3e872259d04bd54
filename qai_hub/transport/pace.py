"""The least pace of a transfer: one that all but stands still is given up."""

from collections.abc import Callable

__all__ = ["LEAST_PACE", "SLOWEST_ANSWER", "WINDOW", "Pace"]

LEAST_PACE = 1024
"""Bytes a second."""

WINDOW = 180.0
"""Seconds over which they are counted."""

SLOWEST_ANSWER = 30.0
"""Seconds over which those of an answer of the API are counted, which is small."""


class Pace:
    """Watches one exchange, from its making on.

    Args:
        clock: Monotonic clock, in seconds.
        window: Seconds over which bytes are counted.
    """

    def __init__(self, clock: Callable[[], float], window: float = WINDOW) -> None:
        self._clock = clock
        self._window = window
        self._start = clock()
        self._moved = 0

    def holds(self, count: int) -> bool:
        """Takes in that bytes were moved.

        Args:
            count: How many.

        Returns:
            Whether the pace of the last minutes is above the least one.
        """
        self._moved += count
        now = self._clock()
        if now - self._start < self._window:
            return True
        enough = self._moved >= LEAST_PACE * (now - self._start)
        self._start, self._moved = now, 0
        return enough
