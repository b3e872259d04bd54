"""Counts the steps of SQLite's machine, which no busy machine changes."""

from collections.abc import Callable
from itertools import count
from typing import Any

from sqlalchemy import Connection


def steps_of(db: Connection, query: Callable[[], object]) -> int:
    """Return the number of steps that a query takes."""
    steps = count()
    driver: Any = db.connection.driver_connection
    driver.set_progress_handler(lambda: next(steps) < 0, 1)
    query()
    driver.set_progress_handler(None, 1)
    return next(steps)
