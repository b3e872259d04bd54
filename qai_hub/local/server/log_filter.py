"""A rate limit for warnings about frequent events."""

import logging
import time
from collections.abc import Callable

_INTERVAL_SECONDS = 5.0


class RateLimitFilter(logging.Filter):
    """Passes one warning of each kind per interval, with the number of those suppressed before.

    Args:
        interval: Length of the interval.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, interval: float = _INTERVAL_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._interval = interval
        self._clock = clock
        self._last: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged."""
        if record.levelno != logging.WARNING:
            return True
        kind, now = str(record.msg), self._clock()
        if now - self._last.get(kind, -self._interval) < self._interval:
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return False
        self._last[kind] = now
        suppressed = self._suppressed.pop(kind, 0)
        if suppressed:
            record.msg = f"{kind} (and {suppressed} more since the last such message)"
        return True
