"""Points in time and durations, as people read them."""

from __future__ import annotations

from datetime import datetime


def format_moment(moment: datetime | None) -> str:
    """Formats a point in time as local time; empty for None, and for a server's zero value.

    Args:
        moment: The point in time, with a time zone or, if it is local, without.

    Returns:
        A text such as `2026-01-02 03:04:05`.
    """
    if moment is None or moment.year <= 1970:
        return ""
    try:
        # Naive times are local already.
        local = moment if moment.tzinfo is None else moment.astimezone()
    except (OSError, OverflowError, ValueError):
        # Out of the range of the platform's calendar.
        return moment.isoformat(sep=" ", timespec="seconds")
    return local.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def format_duration(start: datetime | None, end: datetime | None) -> str:
    """Formats the time between two points in time; empty if either is not known.

    Returns:
        A text such as `0.2 s`, `3 min 5 s` or `2 h 3 min`.
    """
    if start is None or end is None or min(start.year, end.year) <= 1970 or end < start:
        return ""
    seconds = (end - start).total_seconds()
    # 59.96 would be rounded to 60.0.
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, whole = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {whole} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"
