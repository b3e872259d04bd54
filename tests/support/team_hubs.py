"""Has all hubs of the tests be hubs of a team: two web processes and a worker each."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import ClassVar, Self, cast
from unittest.mock import patch

from starlette.types import ASGIApp, Receive, Scope, Send
from support.object_storage import ENVIRONMENT, ObjectStorage, running_storage, unique_prefix
from support.postgresql_server import PostgresqlServer, running_server

from qai_hub.local.clock import Clock
from qai_hub.local.config import HubConfig
from qai_hub.local.core.local_executor import RunAttempt
from qai_hub.local.core.waiters import Waiters
from qai_hub.local.limits import ServerLimits
from qai_hub.local.server import app as hub_app
from qai_hub.local.server.app import RunningHub, start_hub
from qai_hub.local.server.run import ServerThread
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.worker import HubWorker

# Object storage takes no smaller parts.
_MIN_PART = 5 << 20


@contextmanager
def hubs_of_a_team() -> Iterator[None]:
    """Run a database server and an object storage, and start all hubs as teams that use them.

    A hub's requests go to its two web processes in turns, and its jobs to a worker. These are
    objects of this process, which share a port but nothing else: each has a store, a storage and
    accounts of its own. Files are in the bucket, but in a folder if a test is marked so, or if the
    parts of uploads are smaller than a bucket takes. Hubs that start in the same data folder, one
    after the other, use the same database and files. A hub that names a database is left as it is.
    """
    with running_server() as server, running_storage() as storage:
        teams = TeamHubs(server, storage)
        with patch("qai_hub.local.hub.start_hub", teams.start_hub):
            yield


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a hub has its data: its database, and the prefix of its objects."""

    database: str
    files: str


class TeamHubs:
    """Starts hubs of teams.

    Args:
        server: Their databases are on it.
        storage: Their files are on it.

    Attributes:
        in_bucket: Whether hubs that start from now on have their files there, if they can.
    """

    in_bucket: ClassVar[bool] = True

    def __init__(self, server: PostgresqlServer, storage: ObjectStorage) -> None:
        self._server = server
        self._storage = storage
        self._template = server.create_database()
        PostgresqlStore(self._template).close()
        self._places: dict[Path, _Place] = {}
        self._free: list[str] = []

    def start_hub(
        self, config: HubConfig, clock: Clock, run_attempt: RunAttempt | None, stack: ExitStack
    ) -> RunningHub:
        """Start a hub in place of the function of this name."""
        if config.database is not None:
            return start_hub(config, clock, run_attempt, stack)
        with patch.dict(os.environ, ENVIRONMENT):
            return _start_team(self._configure(config, stack), clock, run_attempt, stack)

    def _configure(self, config: HubConfig, stack: ExitStack) -> HubConfig:
        folder = config.data_dir
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qai-hub-")))
            place = self._create()
            stack.callback(self._take_back, place.database)
        else:
            place = self._places.get(folder) or self._create()
            self._places[folder] = place
        in_bucket = self.in_bucket and config.part_size >= _MIN_PART
        return replace(
            config,
            database=place.database,
            files=place.files if in_bucket else None,
            data_dir=folder,
        )

    def _create(self) -> _Place:
        database = self._free.pop() if self._free else self._server.create_database(self._template)
        return _Place(database, self._storage.url(unique_prefix()))

    def _take_back(self, database: str) -> None:
        self._server.empty_database(database)
        self._free.append(database)


def _start_team(
    config: HubConfig, clock: Clock, run_attempt: RunAttempt | None, stack: ExitStack
) -> RunningHub:
    worker = replace(_machine(config, "worker"), port=0, metrics=False)
    stack.enter_context(HubWorker(worker, clock=clock, run_attempt=run_attempt))
    web = replace(config, max_parallel_jobs=0)
    mounted = _Mounted()
    with patch.object(hub_app, "ServerThread", mounted.take):
        second = start_hub(replace(_machine(web, "second"), port=0), clock, None, stack)

    def serve(
        app: ASGIApp, listener: socket, on_shutdown: Callable[[], None], limits: ServerLimits
    ) -> ServerThread:
        def release_all() -> None:
            on_shutdown()
            second.waiters.close()

        return ServerThread(
            _InTurns(app, mounted.app, second.waiters), listener, release_all, limits
        )

    with patch.object(hub_app, "ServerThread", serve):
        first = start_hub(_machine(web, "first"), clock, None, stack)
    return replace(first, waiters=cast("Waiters", _Both(first.waiters, second.waiters)))


def _machine(config: HubConfig, name: str) -> HubConfig:
    """Return the configuration of one machine, which has a folder of its own beside a bucket."""
    assert config.data_dir is not None
    return config if config.files is None else replace(config, data_dir=config.data_dir / name)


class _Mounted:
    """Takes the place of the server of a process whose application that of another serves."""

    app: ASGIApp
    connections = 0

    def take(self, app: ASGIApp, *_: object) -> Self:
        self.app = app
        return self

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


class _InTurns:
    """Lets two applications answer requests in turns; an ASGI application."""

    def __init__(self, first: ASGIApp, second: ASGIApp, waiters: Waiters) -> None:
        self._first = first
        self._turns = itertools.cycle([first, second])
        self._waiters = waiters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await next(self._turns)(scope, receive, send)
            return
        self._waiters.open()
        await self._first(scope, receive, send)
        self._waiters.close()


class _Both:
    """The waiting requests of two processes."""

    def __init__(self, first: Waiters, second: Waiters) -> None:
        self._waiters = (first, second)

    def __len__(self) -> int:
        return sum(map(len, self._waiters))
