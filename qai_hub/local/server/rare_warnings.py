"""A rate limit for warnings about frequent events."""

import logging
import time
from collections.abc import Callable

_SECONDS = 5.0


class Seldom(logging.Filter):
    """Passes one warning of each kind per interval, with the number of those suppressed before.

    Args:
        seconds: Length of the interval.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged."""
        if record.levelno != logging.WARNING:
            return True
        kind, now = str(record.msg), self._clock()
        if now - self._last.get(kind, -self._seconds) < self._seconds:
            self._held[kind] = self._held.get(kind, 0) + 1
            return False
        self._last[kind] = now
        held = self._held.pop(kind, 0)
        if held:
            record.msg = f"{kind} (and {held} times more in between)"
        return True
