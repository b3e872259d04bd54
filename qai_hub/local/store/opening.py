"""Opens the database of a hub, on either system; the driver of PostgreSQL may be missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from qai_hub.local.store.database import DatabaseError
from qai_hub.local.store.sqlite import open_folder

if TYPE_CHECKING:
    from qai_hub.local.store.postgresql import PostgresqlStore


def open_postgresql(url: str) -> "PostgresqlStore":
    """Open a database, which gets the tables of a hub if it has none.

    Args:
        url: Its URL.

    Raises:
        DatabaseError: It cannot be used, or its driver is not installed.
    """
    require_driver()
    from qai_hub.local.store.postgresql import PostgresqlStore

    return PostgresqlStore(url)


@contextmanager
def open_hub(database: str | None, folder: Path, *, write: bool = True) -> Iterator[Connection]:
    """Open a transaction in the database of a hub, whose processes may be running.

    Args:
        database: URL of the database; None for the one in the data folder.
        folder: The data folder.
        write: Whether it may write; if not, it reads a consistent snapshot, and nobody waits.

    Yields:
        The transaction.

    Raises:
        DatabaseError: The database cannot be used, is of another release or no hub's, or its driver
            is not installed.
    """
    if database is None:
        with open_folder(folder, write=write) as db:
            yield db
        return
    require_driver()
    from qai_hub.local.store.postgresql import open_database

    with open_database(database, write=write) as db:
        yield db


def require_driver() -> None:
    """Check that the driver of PostgreSQL is installed.

    Raises:
        DatabaseError: It is not.
    """
    if find_spec("psycopg") is None:
        raise DatabaseError(
            "A database on PostgreSQL needs psycopg: run `pip install 'qai-hub-openapi[team]'`."
        )
