"""Differences between the database systems that the hub's statements support.

The hub runs on SQLite and on PostgreSQL, with the same tables and statements.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Integer,
    String,
    Table,
    create_engine,
    event,
    extract,
    func,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

# For sizes in bytes, times in microseconds and unlimited counters. SQLite's integers have 64 bits
# in any case, and only columns of type INTEGER can autoincrement there.
BigInt = BigInteger().with_variant(Integer(), "sqlite")

# Texts are compared byte by byte, as SQLite does, whatever the language of a PostgreSQL database.
Text = String().with_variant(String(collation="C"), "postgresql")

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
)
# With these, commits survive a power cut; fullfsync is for macOS.
_DURABLE = ("PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON")
_NOT_DURABLE = ("PRAGMA synchronous = OFF",)
# SQLite's own `lower` knows the letters of English only.
_LOWER = "lower_unicode"


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def insert_or_ignore(db: Connection, table: Table, **values: Any) -> bool:  # noqa: ANN401 - columns of any type
    """Insert a row unless one of its unique keys is taken; wait for concurrent inserts of that key.

    Args:
        db: A writing transaction.
        table: The table.
        values: The columns.

    Returns:
        Whether the row was inserted.
    """
    # The row count is not reliable for inserts: with PostgreSQL, they are changed to return
    # generated keys.
    statement = _insert_or_ignore(db.dialect.name, table)
    return db.execute(statement, values).one_or_none() is not None


@cache
def _insert_or_ignore(dialect: str, table: Table) -> Executable:
    return _insert(dialect, table).on_conflict_do_nothing().returning(*table.primary_key)


def upsert(db: Connection, table: Table, *changed: str, **values: Any) -> None:  # noqa: ANN401 - columns of any type
    """Insert a row, or update columns of the one with the same primary key.

    Args:
        db: A writing transaction.
        table: The table.
        changed: The columns to update.
        values: The columns.
    """
    statement = _insert(db.dialect.name, table).values(values)
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
    statement = _insert(db.dialect.name, table).values({**key, counter: number})
    db.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={counter: table.c[counter] + statement.excluded[counter]},
        )
    )


def merges_in_order(db: Connection) -> bool:
    """Return whether the parts of a union are merged in their order, and read as far as needed.

    PostgreSQL reads them to their end, and sorts all.
    """
    return db.dialect.name == "sqlite"


class contains(FunctionElement[bool]):  # noqa: N801 - used as a function
    """Whether a text contains another, in upper or lower case.

    Args:
        text: The text.
        part: The other.
    """

    inherit_cache = True
    type = Boolean()


@compiles(contains)
def _contains(element: contains, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - of the compiler
    text, part = (compiler.process(each, **options) for each in element.clauses)
    return f"(instr({_LOWER}({text}), {_LOWER}({part})) > 0)"


@compiles(contains, "postgresql")
def _contains_in_postgresql(element: contains, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - as above
    # Columns compare bytes, which knows capital letters of English only.
    text, part = (
        f'lower({compiler.process(each, **options)} COLLATE "default")' for each in element.clauses
    )
    return f"(strpos({text}, {part}) > 0)"


def epoch_seconds(db: Connection) -> ColumnElement[Any]:
    """Return an expression for the database's clock, which does not stand still in a transaction.

    Its value is in seconds since 1970, with a fraction.
    """
    if db.dialect.name == "postgresql":
        return extract("epoch", func.clock_timestamp())
    return (func.julianday("now") - 2_440_587.5) * 86_400.0


def _insert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an insert statement of a dialect, which supports conflict clauses."""
    if dialect == "postgresql":
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
        connection.create_function(_LOWER, 1, _lower, deterministic=True)
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


class DatabaseUnavailableError(Exception):
    """The database cannot be reached, or was busy for too long: try again in a moment."""


# The SQLSTATE of errors that say nothing about the statement: too many connections, not enough
# memory, a lock that took too long, deadlock, a server that shuts down or starts.
_PASSING = frozenset(("53000", "53200", "53300", "55P03", "40001", "40P01", "25P03"))
_PASSING_CLASSES = ("08", "57P")
_DISK_FULL = "53100"


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise errors of the database that are not the statement's fault as what they mean.

    Raises:
        OSError: The disk is full.
        DatabaseUnavailableError: The database cannot be reached, or is too busy.
    """
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseUnavailableError("All connections of this process are in use.") from error
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or (
            state == _DISK_FULL
        ):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        if _is_passing(error, state):
            raise DatabaseUnavailableError(" ".join(str(error.orig).split())) from error
        raise


def _is_passing(error: DBAPIError, state: str | None) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    if state is None:
        # The driver itself could not connect, or lost the connection.
        return isinstance(error, OperationalError)
    return state in _PASSING or state.startswith(_PASSING_CLASSES)
