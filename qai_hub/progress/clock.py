"""The time of displays."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Clock"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """The clocks that displays read.

    Attributes:
        now: Returns the time in UTC, which the times of jobs are compared with.
        monotonic: Returns the time of a monotonic clock, in seconds.
    """

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
