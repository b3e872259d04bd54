"""Times as the hub stores and answers them: RFC 3339 in UTC, of fixed width, so that they sort."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

Clock = Callable[[], datetime]
"""Tells the time, with its time zone."""


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Write a time in UTC with microseconds, such as ``2026-01-02T03:04:05.123456Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def agreed_time(now: datetime, earlier: Sequence[datetime]) -> datetime | None:
    """Return by which time a start of the hub may act, so that no single wrong clock decides.

    What two starts agree on counts: nothing that it returns is later than the true time, unless
    the clock was wrong at two starts in succession.

    Args:
        now: This start's clock.
        earlier: The last start's clock, and what was agreed on then; both where there are both.

    Returns:
        The time, late by one start as a rule; None at the first start.
    """
    if not earlier:
        return None
    readings = sorted((now, *earlier))
    return readings[(len(readings) - 1) // 2]


def latest_time(readings: Sequence[datetime]) -> datetime | None:
    """Return the latest that the first of some starts in succession can have been.

    Of two in succession one has a clock that is right, and none was before the first.

    Args:
        readings: Their clocks, in order.

    Returns:
        The time; None if there is but one, which may be wrong.
    """
    return min(map(max, pairwise(readings)), default=None)


def not_before(clock: Clock, moment: datetime | None) -> Clock:
    """Return a clock that stands still at a moment, if any, as long as another is behind that."""
    if moment is None:
        return clock
    return lambda: max(clock(), moment)
