"""Fills an empty database with the rows of another."""

from collections.abc import Callable, Iterator

from sqlalchemy import Connection, Table, inspect, update

from qai_hub.local.core import kinds as states
from qai_hub.local.store import DatabaseError
from qai_hub.local.store.portable import (
    TABLES,
    Row,
    RowDigest,
    read_rows,
    set_counters,
    write_rows,
)
from qai_hub.local.store.schema import jobs, metadata, settings

ReadRows = Callable[[Table], Iterator[Row]]


def require_empty(db: Connection, shown: str) -> None:
    """Check that a database has no tables of a hub.

    Raises:
        DatabaseError: It has.
    """
    if inspect(db).has_table(settings.name):
        raise DatabaseError(f"{shown} has the tables of a hub already: name an empty database.")


def load_tables(db: Connection, read: ReadRows, counters: dict[str, int]) -> int:
    """Create the tables, fill them, and compare what they then have.

    Jobs that were running run again.

    Args:
        db: A writing transaction, which is to be rolled back on failure.
        read: Yields the rows of a table.
        counters: The largest number of each table with numbered rows.

    Returns:
        The number of rows.

    Raises:
        DatabaseError: The rows are not what they were.
    """
    metadata.create_all(db)
    total = 0
    for table in TABLES:
        wanted, found = RowDigest(), RowDigest()
        write_rows(db, table, wanted.passing(read(table)))
        for _ in found.passing(read_rows(db, table)):
            pass
        if wanted.summary() != found.summary():
            raise DatabaseError(
                f"The rows of {table.name} are not the same in the new database: nothing was "
                "changed."
            )
        total += wanted.count
    set_counters(db, counters)
    if db.dialect.name == "postgresql":
        # As if the processes that ran them were no longer heard of, so that one takes them up.
        running = jobs.c.state.in_(states.RUNNING_STATES)
        db.execute(update(jobs).where(running).values(lease=0))
    return total
