"""Times as the hub stores and sends them: RFC 3339 in UTC, of fixed width, so that they sort."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

Clock = Callable[[], datetime]
"""Returns the current time, with its time zone."""


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Format a time in UTC with microseconds, such as ``2026-01-02T03:04:05.123456Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def agreed_time(now: datetime, earlier: Sequence[datetime]) -> datetime | None:
    """Return the time that a start of the hub may rely on, however wrong one clock is.

    A time counts only if two starts agree on it. The result is never later than the true time,
    unless the clock was wrong at two consecutive starts.

    Args:
        now: The clock of this start.
        earlier: The clock of the last start and the time agreed on then, as far as they exist.

    Returns:
        The time, usually that of the previous start; None at the first start.
    """
    if not earlier:
        return None
    readings = sorted((now, *earlier))
    return readings[(len(readings) - 1) // 2]


def latest_time(readings: Sequence[datetime]) -> datetime | None:
    """Return the latest possible time of the first of several consecutive starts.

    Of any two consecutive starts, one has a correct clock, and no start was before the first.

    Args:
        readings: Their clocks, in order.

    Returns:
        The time; None for a single reading, which may be wrong.
    """
    return min(map(max, pairwise(readings)), default=None)


def not_before(clock: Clock, moment: datetime | None) -> Clock:
    """Return a clock that never reads earlier than a moment, if one is given."""
    if moment is None:
        return clock
    return lambda: max(clock(), moment)
