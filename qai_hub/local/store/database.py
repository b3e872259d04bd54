"""The database: opening it, and its reading and writing transactions."""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, select, update
from sqlalchemy.exc import DBAPIError

from qai_hub.local.disk import sync
from qai_hub.local.store.data_folder import (
    DATABASE,
    DataFolderError,
    FolderInUseError,
    claim_folder,
    is_hub_folder,
)
from qai_hub.local.store.dialect import (
    disk_full_as_os_error,
    insert_or_ignore,
    sqlite_engine,
    with_write_lock,
)
from qai_hub.local.store.events import Listener, Listeners, Topic, begin
from qai_hub.local.store.schema import SCHEMA_VERSION, metadata, settings

_NEWER = (
    "The data folder was written by a newer release of this hub: upgrade qai-hub-openapi, or use "
    "another data folder."
)
_DAMAGED = "The database of the data folder is damaged: the hub's settings in it cannot be read."


class Store:
    """A hub's database, used by one process, from any thread.

    Args:
        folder: Data folder; created, accessible to its owner only, if it does not exist.
        durable: Whether committed changes survive a power cut.

    Attributes:
        secret: Key that this hub signs URLs with, as long as the folder exists.

    Raises:
        DataFolderError: The folder is not a hub's, another hub uses it, a newer hub has written it,
            its database is damaged, or the disk is full.
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        claim_folder(folder, durable=durable)
        self._lock = _lock_folder(folder)
        self._engine = sqlite_engine(_create_private(folder / DATABASE), durable=durable)
        self._before_commit: list[Callable[[], None]] = []
        self._listeners = Listeners()
        # SQLite allows one writer at a time; queueing here is fairer than SQLite's polling.
        self._writing = threading.Lock()
        self._writer = with_write_lock(self._engine)
        try:
            with self._writer.begin() as db:
                self.secret = _prepare(db)
            if durable:
                sync(folder)
        except DBAPIError as error:
            self.close()
            raise DataFolderError(
                f"The database in {folder} cannot be used: {error.orig}."
            ) from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads a consistent snapshot of the database."""
        with self._engine.begin() as db:
            yield db

    def before_commit(self, action: Callable[[], None]) -> None:
        """Register an action to run before each commit; if it fails, so does the transaction."""
        self._before_commit.append(action)

    def subscribe(self, topic: Topic, listener: Listener) -> None:
        """Have a listener called, from any thread, with the events of a topic."""
        self._listeners.add(topic, listener)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a serialized writing transaction; an exception rolls it back.

        Raises:
            OSError: The disk is full.
        """
        with disk_full_as_os_error(), self._writing, self._writer.begin() as db:
            events = begin(db)
            yield db
            for action in self._before_commit:
                action()
        self._listeners.dispatch(events)

    def close(self) -> None:
        """Close the database and release the folder."""
        self._engine.dispose()
        self._lock.close()


@contextmanager
def open_folder(folder: Path) -> Iterator[Connection]:
    """Open a writing transaction in a hub's folder, whether or not a hub is running in it.

    Args:
        folder: A hub's data folder.

    Yields:
        The transaction.

    Raises:
        DataFolderError: It is not a hub's folder, another release has written it, or its database
            is damaged or busy.
    """
    path = folder / DATABASE
    problem = f"{folder} is not a hub's data folder: start a hub with it first, by qai-hub serve."
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
        raise DataFolderError(_DAMAGED) from error
    if version > SCHEMA_VERSION:
        raise DataFolderError(_NEWER)
    if version < SCHEMA_VERSION:
        raise DataFolderError(
            f"The data folder {folder} was written by an older release: start a hub with it once, "
            "which upgrades it."
        )
    engine = sqlite_engine(_create_private(path))
    try:
        with with_write_lock(engine).begin() as connection:
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


def _prepare(db: Connection) -> bytes:
    """Create the tables of a new database or upgrade those of an old one; return its secret."""
    if not inspect(db).has_table(settings.name):
        metadata.create_all(db)
        initial = {"schema_version": str(SCHEMA_VERSION), "secret": secrets.token_hex(32)}
        for name, value in initial.items():
            insert_or_ignore(db, settings, name=name, value=value)
    found = {row.name: row.value for row in db.execute(select(settings))}
    try:
        version, secret = int(found["schema_version"]), bytes.fromhex(found["secret"])
    except (KeyError, ValueError) as error:
        raise DataFolderError(_DAMAGED) from error
    if version > SCHEMA_VERSION:
        raise DataFolderError(_NEWER)
    if version < SCHEMA_VERSION:
        # Alembic is slow to import and most starts do not need it.
        from qai_hub.local.store.migrations import upgrade

        upgrade(db, version)
        current = settings.c.name == "schema_version"
        db.execute(update(settings).where(current).values(value=str(SCHEMA_VERSION)))
    return secret


def _create_private(path: Path) -> Path:
    """Create a file that only its owner can read; SQLite gives its journals the same mode."""
    path.touch(mode=0o600)
    return path
