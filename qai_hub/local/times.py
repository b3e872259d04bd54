"""Times as the hub stores and answers them: RFC 3339 in UTC, of fixed width, so that they sort."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time, with its time zone."""


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Write a time in UTC with microseconds, such as ``2026-01-02T03:04:05.123456Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
