"""A hub's database in its data folder, for one process: SQLite."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from qai_hub.local.disk import sync
from qai_hub.local.store.data_folder import (
    DATABASE,
    DataFolderError,
    FolderInUseError,
    claim_folder,
    is_hub_folder,
    refuse_shared_folder,
)
from qai_hub.local.store.database import (
    DAMAGED,
    NEWER,
    DatabaseError,
    Store,
    create_tables,
    read_identity,
    upgrade_schema,
)
from qai_hub.local.store.dialect import sqlite_engine, translated_errors, with_write_lock
from qai_hub.local.store.events import Event
from qai_hub.local.store.schema import SCHEMA_VERSION


class SqliteStore(Store):
    """A hub's database in a folder that no other hub may use.

    Args:
        folder: Data folder; created, accessible to its owner only, if it does not exist.
        durable: Whether committed changes survive a power cut.

    Attributes:
        found_version: The version of the schema that the database had.

    Raises:
        DataFolderError: The folder is not a hub's, another hub uses it, a newer hub has written it,
            its database is damaged, or the disk is full.
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        super().__init__()
        claim_folder(folder, durable=durable)
        refuse_shared_folder(folder)
        self._lock = _lock_folder(folder)
        self._engine = sqlite_engine(_create_private(folder / DATABASE), durable=durable)
        # SQLite allows one writer at a time; queueing here is fairer than SQLite's polling.
        self._writing = threading.Lock()
        self._writer = with_write_lock(self._engine)
        try:
            with self._writer.begin() as db:
                create_tables(db)
                self.found_version, self.secret = read_identity(db)
                upgrade_schema(db, self.found_version)
            if durable:
                sync(folder)
        except DBAPIError as error:
            self.close()
            raise DataFolderError(
                f"The database in {folder} cannot be used: {error.orig}."
            ) from error
        except DatabaseError as error:
            self.close()
            raise DataFolderError(f"{folder}: {error}") from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads a consistent snapshot of the database."""
        with translated_errors(), self._engine.begin() as db:
            yield db

    @contextmanager
    def _begin_write(self, *, ordered: bool) -> Iterator[Connection]:
        with translated_errors(), self._writing, self._writer.begin() as db:
            yield db

    def _announce(self, db: Connection, events: list[Event]) -> None:
        """Do nothing: no other process uses the database."""

    def _announced(self, events: list[Event]) -> None:
        self._listeners.dispatch(events)

    def close(self) -> None:
        """Close the database and release the folder."""
        self._engine.dispose()
        self._lock.close()


@contextmanager
def open_folder(folder: Path, *, write: bool = True) -> Iterator[Connection]:
    """Open a transaction in a hub's folder, whether or not a hub is running in it.

    Args:
        folder: A hub's data folder.
        write: Whether it may write; if not, it reads a consistent snapshot, and nobody waits.

    Yields:
        The transaction.

    Raises:
        DataFolderError: It is not a hub's folder, another release has written it, or its database
            is damaged or busy.
    """
    path = folder / DATABASE
    problem = f"{folder} is not a hub's data folder: start a hub with it first, by qai-hub serve."
    refuse_shared_folder(folder)
    if not is_hub_folder(folder):
        raise DataFolderError(problem)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            query = "SELECT value FROM settings WHERE name = 'schema_version'"
            (version,) = map(int, db.execute(query).fetchone() or "0")
    except sqlite3.DatabaseError as error:
        # An interrupted start has left a database without tables.
        has_no_tables = error.sqlite_errorcode == sqlite3.SQLITE_ERROR
        cannot = f"The database in {folder} cannot be used: {error}."
        raise DataFolderError(problem if has_no_tables else cannot) from error
    except ValueError as error:
        raise DataFolderError(f"{folder}: {DAMAGED}") from error
    if version > SCHEMA_VERSION:
        raise DataFolderError(f"{folder}: {NEWER}")
    if version < SCHEMA_VERSION:
        raise DataFolderError(
            f"The data folder {folder} was written by an older release: start a hub with it once, "
            "which upgrades it."
        )
    engine = sqlite_engine(_create_private(path))
    try:
        with (with_write_lock(engine) if write else engine).begin() as connection:
            yield connection
    except DBAPIError as error:
        raise DataFolderError(f"The database in {folder} cannot be used: {error.orig}.") from error
    finally:
        engine.dispose()


def _lock_folder(folder: Path) -> sqlite3.Connection:
    """Lock the folder until the connection closes or the process ends, however it ends."""
    path = _create_private(folder / "lock.db")
    lock = None
    try:
        lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if lock is not None:
            lock.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise FolderInUseError(
                f"Another hub is using {folder}: stop it, or use another data folder."
            ) from error
        raise DataFolderError(f"{path} cannot be locked: {error}.") from error
    return lock


def _create_private(path: Path) -> Path:
    """Create a file that only its owner can read; SQLite gives its journals the same mode."""
    path.touch(mode=0o600)
    return path
