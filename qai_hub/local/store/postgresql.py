"""A hub's database on PostgreSQL, for any number of processes and machines."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    func,
    inspect,
    literal,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from qai_hub.local.store.database import (
    DatabaseError,
    Store,
    create_tables,
    read_identity,
)
from qai_hub.local.store.dialect import translated_errors
from qai_hub.local.store.events import Event, Listeners, Topic
from qai_hub.local.store.schema import SCHEMA_VERSION, settings

# Locks that transactions of one hub take, as numbers that other users of the database are unlikely
# to use: "qaihub" in ASCII, and a digit.
_WRITE_LOCK = int.from_bytes(b"qaihub1")
_CHANNEL = "qai_hub"
# PostgreSQL limits a notification to 8,000 bytes.
_IDS_PER_NOTIFICATION = 500
_RECONNECT_SECONDS = 1.0
# How long one wait for notifications lasts, in seconds; a stop interrupts it.
_RECEIVE_SECONDS = 60.0
# A process that stops in the middle of a transaction would hold its locks for ever.
_SESSION_OPTIONS = (
    "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=30000 "
    "-c client_min_messages=warning "
    # Of a database without an encoding, psycopg would return bytes.
    "-c client_encoding=UTF8"
)
_SHOWN_PARAMETERS = frozenset({"host", "port", "dbname", "service"})
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}

_log = logging.getLogger(__name__)


class PostgresqlStore(Store):
    """A hub's database on a PostgreSQL server.

    Args:
        url: Its URL, such as `postgresql+psycopg://hub@db.example.com/hub`. What it leaves out is
            taken from the variables and files of libpq, such as `PGPASSWORD` and `~/.pgpass`.

    Raises:
        DatabaseError: The URL is not one of PostgreSQL, the server cannot be reached, or the
            database is of another release.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._shown = show_url(url)
        self._engine = _engine(parse_database_url(url))
        self._reader = _with_snapshots(self._engine)
        self._receiver = _Receiver(self._engine, self._listeners)
        try:
            with _explained(self._shown):
                with self._engine.begin() as db:
                    lock_writes(db)
                    create_tables(db)
                    version, self.secret = read_identity(db)
                    _check_version(version)
                self._receiver.start()
        except BaseException:
            self._engine.dispose()
            raise

    def __repr__(self) -> str:
        return f"PostgresqlStore({self._shown!r})"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads a consistent snapshot of the database."""
        with translated_errors(), self._reader.begin() as db:
            yield db

    def close(self) -> None:
        """Close all connections."""
        self._receiver.stop()
        self._engine.dispose()

    @contextmanager
    def _begin_write(self, *, ordered: bool) -> Iterator[Connection]:
        with translated_errors(), self._engine.begin() as db:
            if ordered:
                lock_writes(db)
            yield db

    def _announce(self, db: Connection, events: list[Event]) -> None:
        for payload in dict.fromkeys(_payloads(events)):
            db.execute(select(func.pg_notify(literal(_CHANNEL), literal(payload))))

    def _announced(self, events: list[Event]) -> None:
        """Do nothing: this process is notified as all others are."""


def lock_writes(db: Connection) -> None:
    """Wait for the other ordered transactions, of all processes, and have later ones wait."""
    db.execute(select(func.pg_advisory_xact_lock(_WRITE_LOCK)))


@contextmanager
def open_database(url: str, *, write: bool = True) -> Iterator[Connection]:
    """Open a transaction in the database of a hub, whose processes may be running.

    Args:
        url: Its URL.
        write: Whether it may write; if not, it reads a consistent snapshot, and nobody waits.

    Yields:
        The transaction.

    Raises:
        DatabaseError: It cannot be used, is of another release, or no hub's.
    """
    with open_any_database(url, write=write) as db:
        _check_version(read_version(db, url))
        yield db


@contextmanager
def open_any_database(url: str, *, write: bool = True) -> Iterator[Connection]:
    """Open a transaction in a database, whatever tables it has; otherwise like `open_database`."""
    engine = _engine(parse_database_url(url))
    if not write:
        engine = _with_snapshots(engine)
    try:
        with _explained(show_url(url)), engine.begin() as db:
            if write:
                lock_writes(db)
            yield db
    finally:
        engine.dispose()


def read_version(db: Connection, url: str) -> int:
    """Return the version of the schema of a hub's database.

    Raises:
        DatabaseError: It is no hub's, of a newer release, or damaged.
    """
    if not inspect(db).has_table(settings.name):
        raise DatabaseError(f"{show_url(url)} has no tables of a hub: start a hub with it first.")
    version, _ = read_identity(db)
    return version


def _check_version(version: int) -> None:
    if version < SCHEMA_VERSION:
        raise DatabaseError(
            "The database was written by an older release: stop the hub's processes, make a backup "
            "with that release, and run `qai-hub admin migrate`."
        )


@contextmanager
def _explained(shown: str) -> Iterator[None]:
    """Raise what the server or the driver says as an error that names the database."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        reason = _one_line(error.orig if isinstance(error, DBAPIError) else error)
        raise DatabaseError(f"{shown} cannot be used: {reason}") from error


def parse_database_url(text: str) -> URL:
    """Return the URL of a PostgreSQL database, with the driver that is used here.

    Raises:
        DatabaseError: It is something else.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # A ValueError is about its port.
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        # Not the text itself, which may contain a password.
        raise DatabaseError(
            "The database must be given as a URL of PostgreSQL, such as "
            "postgresql+psycopg://hub@db.example.com/hub."
        )
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise DatabaseError(
            f"The database is used by psycopg: write postgresql+psycopg, not {url.drivername}."
        )
    return url.set(drivername="postgresql+psycopg")


def show_url(text: str) -> str:
    """Return the URL of a database without its password, for messages.

    Raises:
        DatabaseError: It is not a URL of PostgreSQL.
    """
    url = parse_database_url(text)
    # Other parameters may be secret, too, such as the password of a key.
    shown = {name: value for name, value in url.query.items() if name in _SHOWN_PARAMETERS}
    return URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, shown
    ).render_as_string()


def _engine(url: URL) -> Engine:
    return create_engine(
        url,
        pool_size=8,
        # As many as there are threads that handle requests; some need two for a moment.
        max_overflow=40,
        pool_pre_ping=True,
        pool_recycle=3600,
        connect_args={
            "application_name": "qai-hub",
            "connect_timeout": 10,
            "options": _SESSION_OPTIONS,
            **_KEEPALIVE,
        },
    )


def _with_snapshots(engine: Engine) -> Engine:
    """Return an engine whose transactions read a consistent snapshot."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _one_line(error: BaseException | None) -> str:
    """Return what the server or the driver says, in one line."""
    return " ".join(str(error).split())


def _payloads(events: list[Event]) -> Iterator[str]:
    for topic, job_ids in events:
        for start in range(0, max(len(job_ids), 1), _IDS_PER_NOTIFICATION):
            yield json.dumps([topic, *job_ids[start : start + _IDS_PER_NOTIFICATION]])


class _Receiver:
    """Receives the notifications of all processes, in a thread with a connection of its own.

    While the connection is down, notifications are lost. So all listeners are told that they may
    have missed some as soon as it is up again.
    """

    def __init__(self, engine: Engine, listeners: Listeners) -> None:
        self._engine = engine
        self._listeners = listeners
        self._stopping = threading.Event()
        self._connection: psycopg.Connection
        self._thread = threading.Thread(target=self._run, name="database events", daemon=True)

    def start(self) -> None:
        """Start; events are received from now on."""
        self._connection = self._connect()
        self._thread.start()

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._stopping.set()
        with suppress(DBAPIError), self._engine.begin() as db:
            db.execute(select(func.pg_notify(literal(_CHANNEL), literal("[]"))))
        self._thread.join()
        # It may just have been opened again.
        self._connection.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._connection:
                    self._receive(self._connection)
            except psycopg.Error as error:
                _log.warning("the connection for events is lost: %s", _one_line(error))
                self._reconnect()

    def _connect(self) -> psycopg.Connection:
        _, found = self._engine.dialect.create_connect_args(self._engine.url)
        keywords: dict[str, Any] = {**found, **_KEEPALIVE, "application_name": "qai-hub events"}
        connection = psycopg.connect(autocommit=True, **keywords)
        try:
            connection.execute(f"LISTEN {_CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _reconnect(self) -> None:
        while not self._stopping.wait(_RECONNECT_SECONDS):
            with suppress(psycopg.Error):
                self._connection = self._connect()
                self._listeners.dispatch_missed()
                return

    def _receive(self, connection: psycopg.Connection) -> None:
        while not self._stopping.is_set():
            for notification in connection.notifies(timeout=_RECEIVE_SECONDS):
                self._listeners.dispatch(_parse(notification.payload))
                if self._stopping.is_set():
                    return


def _parse(payload: str) -> list[Event]:
    """Return the events of a notification; none of one that a newer release sent."""
    try:
        topic, *job_ids = json.loads(payload)
        return [Event(Topic(topic), tuple(map(str, job_ids)))]
    except (ValueError, TypeError):
        return []
