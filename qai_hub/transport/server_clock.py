"""What time it is on servers, by the dates of their answers."""

import email.utils
import functools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from qai_hub.http_library import httpx

__all__ = ["clock_lead", "read_date", "remember_clock"]

# A date has whole seconds, and an answer takes time.
_MIN_LEAD = timedelta(seconds=5)

_leads: dict[tuple[str, int | None], timedelta] = {}


# Answers of one second have the same date, and reading it takes as long as finding a connection.
@functools.lru_cache(32)
def read_date(text: str) -> datetime | None:
    """Reads the date of a header; returns None if it is none."""
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def remember_clock(url: httpx.URL, headers: Mapping[str, str]) -> None:
    """Remembers how far a server's clock is ahead, if its answer has a date.

    Args:
        url: A URL of the server.
        headers: Headers of an answer that has just arrived.
    """
    date = read_date(headers.get("Date", ""))
    if date is not None:
        lead = date - datetime.now(UTC)
        _leads[url.host, url.port] = lead if abs(lead) > _MIN_LEAD else timedelta()


def clock_lead(url: str) -> timedelta:
    """Returns how far a server's clock was ahead of this machine's at its latest answer.

    Args:
        url: A URL of the server.

    Returns:
        The lead, negative if the clock is behind; 0 if it is small or not known.
    """
    parsed = httpx.URL(url)
    return _leads.get((parsed.host, parsed.port), timedelta())
