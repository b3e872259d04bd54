"""Differences between the database systems that the hub's statements support.

The hub runs on SQLite. PostgreSQL supports its tables and statements as well.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, BigInteger, Connection, Engine, Integer, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

# For sizes in bytes, times in microseconds and unlimited counters. SQLite's integers have 64 bits
# in any case, and only columns of type INTEGER can autoincrement there.
BigInt = BigInteger().with_variant(Integer(), "sqlite")


_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
)
# With these, commits survive a power cut; fullfsync is for macOS.
_DURABLE = ("PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON")
_NOT_DURABLE = ("PRAGMA synchronous = OFF",)


def insert_or_ignore(db: Connection, table: Table, **values: Any) -> bool:  # noqa: ANN401 - columns of any type
    """Insert a row unless one of its unique keys is taken; wait for concurrent inserts of that key.

    Args:
        db: A writing transaction.
        table: The table.
        values: The columns.

    Returns:
        Whether the row was inserted.
    """
    statement = _insert(db, table).values(values).on_conflict_do_nothing()
    # The row count is not reliable for inserts: with PostgreSQL, they are changed to return
    # generated keys.
    inserted = db.execute(statement.returning(*table.primary_key)).one_or_none()
    return inserted is not None


def upsert(db: Connection, table: Table, *changed: str, **values: Any) -> None:  # noqa: ANN401 - columns of any type
    """Insert a row, or update columns of the one with the same primary key.

    Args:
        db: A writing transaction.
        table: The table.
        changed: The columns to update.
        values: The columns.
    """
    statement = _insert(db, table).values(values)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: statement.excluded[name] for name in changed},
        )
    )


def increase(db: Connection, table: Table, counter: str, number: int, **key: Any) -> None:  # noqa: ANN401 - columns of any type
    """Add to a counter in the row with a primary key, which need not exist.

    Args:
        db: A writing transaction.
        table: The table.
        counter: The column.
        number: The number to add.
        key: The columns of the primary key.
    """
    statement = _insert(db, table).values({**key, counter: number})
    db.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={counter: table.c[counter] + statement.excluded[counter]},
        )
    )


def _insert(db: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an insert statement of the dialect in use, which supports conflict clauses."""
    if db.dialect.name == "postgresql":
        # It is slow to import.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


def sqlite_engine(path: Path, *, durable: bool = True) -> Engine:
    """Return the engine of a SQLite database.

    Args:
        path: Its file, which must exist.
        durable: Whether committed changes survive a power cut.
    """
    engine = create_engine(URL.create("sqlite", database=str(path)), pool_size=8, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin too late and cannot be immediate: see begin().
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, *(_DURABLE if durable else _NOT_DURABLE)):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def with_write_lock(engine: Engine) -> Engine:
    """Return an engine whose transactions take the write lock when they begin."""
    return engine.execution_options(immediate=True)


@contextmanager
def disk_full_as_os_error() -> Iterator[None]:
    """Raise the database error for a full disk as an `OSError`.

    Raises:
        OSError: The disk is full.
    """
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
