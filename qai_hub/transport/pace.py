"""The minimum rate of a transfer, below which the transfer is aborted."""

from collections.abc import Callable

__all__ = ["LEAST_PACE", "SLOWEST_ANSWER", "WINDOW", "Pace"]

LEAST_PACE = 1024
"""Minimum rate, in bytes per second."""

WINDOW = 180.0
"""Seconds over which the rate of a file transfer is measured."""

SLOWEST_ANSWER = 30.0
"""Seconds over which the rate of an API response is measured; such responses are small."""


class Pace:
    """Measures the rate of one transfer, starting now.

    Args:
        clock: Monotonic clock, in seconds.
        window: Seconds over which the rate is measured.
    """

    def __init__(self, clock: Callable[[], float], window: float = WINDOW) -> None:
        self._clock = clock
        self._window = window
        self._start = clock()
        self._moved = 0

    def holds(self, count: int) -> bool:
        """Counts transferred bytes.

        Args:
            count: Number of bytes.

        Returns:
            False if the rate over the window that ends now was below the minimum, otherwise True.
        """
        self._moved += count
        now = self._clock()
        if now - self._start < self._window:
            return True
        enough = self._moved >= LEAST_PACE * (now - self._start)
        self._start, self._moved = now, 0
        return enough
