"""The database of a hub: its reading and writing transactions, whichever system it is."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event, inspect, select, update

from qai_hub.local.store.dialect import insert_or_ignore
from qai_hub.local.store.events import Event, Listener, Listeners, Topic, begin
from qai_hub.local.store.postponed import Postponed, remember
from qai_hub.local.store.schema import SCHEMA_VERSION, metadata, settings

NEWER = (
    "The database was written by a newer release of this hub: upgrade qai-hub-openapi, or use "
    "another database."
)
DAMAGED = "The database is damaged: the hub's settings in it cannot be read."
_Result = TypeVar("_Result")


class DatabaseError(Exception):
    """The database cannot be used: it cannot be reached, is of another release, or damaged."""


class Store(ABC):
    """A hub's database, used from any thread.

    Attributes:
        secret: Key that this hub signs URLs with, as long as the database exists.
    """

    secret: bytes
    _engine: Engine

    def __init__(self) -> None:
        self._before_commit: list[Callable[[], None]] = []
        self._after_commit: list[Callable[[Sequence[Event]], None]] = []
        self._listeners = Listeners()

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads a consistent snapshot of the database."""

    @abstractmethod
    def _begin_write(self, *, ordered: bool) -> AbstractContextManager[Connection]:
        """Open a writing transaction, once ordered ones before it have ended if it is ordered."""

    @abstractmethod
    def _announce(self, db: Connection, events: list[Event]) -> None:
        """Tell other processes of events, as soon as the transaction is committed."""

    @abstractmethod
    def _announced(self, events: list[Event]) -> None:
        """Tell this process of events, now that their transaction is committed."""

    @abstractmethod
    def close(self) -> None:
        """Close the database."""

    def before_commit(self, action: Callable[[], None]) -> None:
        """Register an action to run before each commit; if it fails, so does the transaction."""
        self._before_commit.append(action)

    def after_commit(self, action: Callable[[Sequence[Event]], None]) -> None:
        """Register an action to run after each commit of this process, with what it has published.

        It must not raise, as the transaction has succeeded.
        """
        self._after_commit.append(action)

    def on_error(self, action: Callable[[], None]) -> None:
        """Register an action to run whenever a statement or a connection fails."""
        event.listen(self._engine, "handle_error", lambda _: action())

    def subscribe(self, topic: Topic, listener: Listener) -> None:
        """Have a listener called, from any thread, with the events of a topic."""
        self._listeners.add(topic, listener)

    @contextmanager
    def write(
        self, *, ordered: bool = True, done: Mapping[str, Any] = MappingProxyType({})
    ) -> Iterator[Connection]:
        """Open a writing transaction; an exception rolls it back.

        Args:
            ordered: Whether ordered transactions, of all processes, take turns, so that what one
                has read stays true until it ends. One that is not may run beside others, and waits
                only for rows that they change.
            done: The results of what earlier tries of it have postponed, by name.

        Raises:
            DatabaseUnavailableError: The database cannot be reached, or is too busy.
            OSError: The disk of the database is full.
        """
        with self._begin_write(ordered=ordered) as db:
            events = begin(db)
            remember(db, done)
            yield db
            for action in self._before_commit:
                action()
            self._announce(db, events)
        self._announced(events)
        for report in self._after_commit:
            report(events)

    def run(self, step: Callable[[Connection], _Result]) -> _Result:
        """Run a step in an ordered writing transaction, again whenever it has postponed something.

        Args:
            step: The step, which may use `do_outside`.

        Returns:
            What it returns.
        """
        done = dict[str, Any]()
        while True:
            try:
                with self.write(done=done) as db:
                    return step(db)
            except Postponed as postponed:
                done[postponed.name] = postponed.action()


def create_tables(db: Connection) -> None:
    """Create the tables of a new database; do nothing if it has them."""
    if inspect(db).has_table(settings.name):
        return
    metadata.create_all(db)
    initial = {"schema_version": str(SCHEMA_VERSION), "secret": secrets.token_hex(32)}
    for name, value in initial.items():
        insert_or_ignore(db, settings, name=name, value=value)


def read_identity(db: Connection) -> tuple[int, bytes]:
    """Return the version of the schema that a database has, and its secret.

    Raises:
        DatabaseError: A newer release has written it, or it is damaged.
    """
    found = {row.name: row.value for row in db.execute(select(settings))}
    try:
        version, secret = int(found["schema_version"]), bytes.fromhex(found["secret"])
    except (KeyError, ValueError) as error:
        raise DatabaseError(DAMAGED) from error
    if version > SCHEMA_VERSION:
        raise DatabaseError(NEWER)
    return version, secret


def upgrade_schema(db: Connection, version: int) -> None:
    """Upgrade the tables of an older release.

    Args:
        db: A writing transaction.
        version: The version of its schema.
    """
    if version == SCHEMA_VERSION:
        return
    # Alembic is slow to import and most starts do not need it.
    from qai_hub.local.store.migrations import upgrade

    upgrade(db, version)
    current = settings.c.name == "schema_version"
    db.execute(update(settings).where(current).values(value=str(SCHEMA_VERSION)))
