"""The processes of a hub: a database server, web processes and workers."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from support.postgresql_server import PostgresqlServer, running_server

from team.setups import Services, Setup

HERE = Path(__file__).parent
_GIVE_UP_AFTER = 120.0
_PAUSE = 0.5


@dataclass
class Member:
    """A process of the hub.

    Attributes:
        settings: What `process.py` is given.
        process: The process.
        name: Its address, or its name.
    """

    settings: dict[str, Any]
    process: subprocess.Popen[str] = field(init=False)
    name: str = field(init=False, default="")

    @property
    def role(self) -> str:
        """What it is."""
        return str(self.settings["role"])

    def get_pid(self) -> int:
        """Returns its number."""
        return self.process.pid

    def start(self) -> None:
        """Starts it; `await_start` tells when it can be used."""
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "process.py"), json.dumps(self.settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        )

    def await_start(self) -> None:
        """Waits until it can be used."""
        self.name = self._read_line()
        if not self.name:
            raise RuntimeError(f"{self.role} has not started")
        if self.role == "web":
            # It is found at the same address again.
            self.settings["port"] = int(self.name.rpartition(":")[2])

    def restart(self) -> None:
        """Kills it, whatever it is doing, and starts it again; returns once it can be used.

        What it needs may be away as well, so it is started until that is there, as supervisors do.
        """
        give_up = time.monotonic() + _GIVE_UP_AFTER
        self.process.kill()
        while True:
            self._close()
            self.start()
            try:
                return self.await_start()
            except RuntimeError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(_PAUSE)

    def stop(self) -> None:
        """Ends it in order."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._close()

    def count_sent(self) -> Counter[str]:
        """Returns how much it has sent to database and object storage."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Counter(json.loads(self._read_line()))

    def _read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _close(self) -> None:
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@dataclass
class Cluster:
    """A hub that runs.

    Attributes:
        database: URL of its database.
        server: The server of this database.
        services: The other servers that it uses.
        settings: The settings of all its processes.
        webs: The processes that answer requests.
        workers: The processes that run jobs.
    """

    database: str
    server: PostgresqlServer
    services: Services
    settings: dict[str, Any]
    webs: list[Member] = field(default_factory=list)
    workers: list[Member] = field(default_factory=list)

    @property
    def members(self) -> list[Member]:
        """The hub's own processes."""
        return [*self.webs, *self.workers]

    def add_webs(self, count: int) -> None:
        """Starts more processes that answer requests."""
        self._add(self.webs, count, {"role": "web"})

    def add_workers(self, count: int, slots: int) -> None:
        """Starts more processes that run jobs, each some at once."""
        settings = {"role": "worker", "max_parallel_jobs": slots, **self.services.worker_settings}
        self._add(self.workers, count, settings)

    def _add(self, members: list[Member], count: int, settings: dict[str, Any]) -> None:
        added = [Member({**self.settings, **settings}) for _ in range(count)]
        for member in added:
            member.start()
        members += added
        for member in added:
            member.await_start()

    def query(self, statement: str) -> int:
        """Returns the one number that a statement selects."""
        return int(self.query_all(statement)[0][0])

    def query_all(self, statement: str) -> list[tuple[Any, ...]]:
        """Returns the rows that a statement selects."""
        with self._connect() as connection:
            return connection.execute(statement.encode()).fetchall()

    def execute(self, statements: str) -> None:
        """Carries out statements."""
        with self._connect() as connection:
            connection.execute(statements.encode())

    def _connect(self) -> psycopg.Connection:
        dsn = self.database.replace("postgresql+psycopg://", "postgresql://")
        return psycopg.connect(dsn, autocommit=True)


@contextmanager
def running_cluster(
    setup: Setup, *, webs: int, workers: int, slots: int, seconds: float, lease: float = 20.0
) -> Iterator[Cluster]:
    """Runs a hub.

    Args:
        setup: Runs what it uses, beside the database.
        webs: Number of processes that answer requests.
        workers: Number of processes that run jobs.
        slots: Jobs that each of these runs at once.
        seconds: How long a job does nothing.
        lease: Seconds after which others take up the jobs of a process that is not heard of.
    """
    with (
        running_server() as server,
        tempfile.TemporaryDirectory(prefix="team-", ignore_cleanup_errors=True) as folder,
        setup(Path(folder), seconds) as services,
    ):
        database = server.create_database()
        shared = {"database": database, "seconds": seconds, "lease": lease, "cache": False}
        cluster = Cluster(database, server, services, {**shared, **services.settings})
        try:
            cluster.add_webs(webs)
            cluster.add_workers(workers, slots)
            yield cluster
        finally:
            for member in cluster.members:
                member.stop()
