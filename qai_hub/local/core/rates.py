"""Rates: how often users may do something in a minute, in all processes of a hub together.

A bucket holds what may be done at once, as much as in a minute, and fills evenly. All that is
stored of it is the time at which it will be full again (the generic cell rate algorithm).
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from qai_hub.local.store.nodes import MICROSECONDS, read_clock
from qai_hub.local.store.people import get_rate_due, set_rate_due

_MINUTE = 60 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate. All times are in microseconds.

    Args:
        per_minute: How often something may be done in a minute, and at once.
    """

    per_minute: int

    def take(self, due: int, now: int) -> tuple[int, int]:
        """Do it once, if the rate allows it.

        Args:
            due: When the bucket will be full; any time before now if it is.
            now: The time.

        Returns:
            When it will be full from now on, and how long to wait first: 0 if it is done.
        """
        # A clock that was set back must not make anybody wait for longer.
        due = min(max(due, now), now + _MINUTE)
        interval = _MINUTE // self.per_minute
        wait = due + interval - (now + _MINUTE)
        return (due, wait) if wait > 0 else (due + interval, 0)


def take_from_rate(db: Connection, user_id: int, rate: Rate) -> int:
    """Do something once that a user may do at a rate.

    Args:
        db: A writing transaction that takes turns with others. If it is rolled back, nothing is
            taken from the rate.
        user_id: The user.
        rate: The rate.

    Returns:
        The seconds to wait before it can be done; 0 if it can be now.
    """
    due, wait = rate.take(get_rate_due(db, user_id), read_clock(db))
    if wait == 0:
        set_rate_due(db, user_id, due)
    return -(-wait // MICROSECONDS)
