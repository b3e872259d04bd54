"""The processes of a hub: a database server, web processes and workers."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from support.postgresql_server import PostgresqlServer, running_server

HERE = Path(__file__).parent
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(HERE.parent)}


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

    def start(self) -> None:
        """Starts it; `await_start` tells when it can be used."""
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "process.py"), json.dumps(self.settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_ENVIRONMENT,
        )

    def await_start(self) -> None:
        """Waits until it can be used."""
        assert self.process.stdout is not None
        self.name = self.process.stdout.readline().strip()
        if not self.name:
            raise RuntimeError(f"{self.settings['role']} has not started")
        if self.settings["role"] == "web":
            # It is found at the same address again.
            self.settings["port"] = int(self.name.rpartition(":")[2])

    def kill(self) -> None:
        """Ends it at once, whatever it is doing."""
        self.process.kill()
        self._close()

    def stop(self) -> None:
        """Ends it in order."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._close()

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
        webs: The processes that answer requests.
        workers: The processes that run jobs.
    """

    database: str
    webs: list[Member]
    workers: list[Member]

    @property
    def members(self) -> list[Member]:
        """All processes."""
        return [*self.webs, *self.workers]

    def add_workers(self, count: int, slots: int) -> None:
        """Starts more processes that run jobs, each some at once."""
        settings = self.webs[0].settings.copy()
        del settings["port"]
        added = [
            Member({**settings, "role": "worker", "max_parallel_jobs": slots}) for _ in range(count)
        ]
        for member in added:
            member.start()
        self.workers += added
        for member in added:
            member.await_start()

    def query(self, statement: str) -> int:
        """Returns the one number that a statement selects."""
        dsn = self.database.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(dsn, autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def running_cluster(
    *, webs: int, workers: int, slots: int, seconds: float, lease: float = 20.0
) -> Iterator[Cluster]:
    """Runs a hub.

    Args:
        webs: Number of processes that answer requests.
        workers: Number of processes that run jobs.
        slots: Jobs that each of these runs at once.
        seconds: How long a job does nothing.
        lease: Seconds after which others take up the jobs of a process that is not heard of.
    """
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        cluster = _start(server, Path(folder), webs, workers, slots, seconds, lease)
        try:
            yield cluster
        finally:
            for member in cluster.members:
                member.stop()


def _start(
    server: PostgresqlServer,
    folder: Path,
    webs: int,
    workers: int,
    slots: int,
    seconds: float,
    lease: float,
) -> Cluster:
    database = server.create_database()
    shared = {
        "database": database,
        "data_dir": str(folder / "hub"),
        "seconds": seconds,
        "lease": lease,
        "cache": False,
    }
    cluster = Cluster(
        database,
        [Member({"role": "web", **shared}) for _ in range(webs)],
        [Member({"role": "worker", "max_parallel_jobs": slots, **shared}) for _ in range(workers)],
    )
    for member in cluster.members:
        member.start()
    for member in cluster.members:
        member.await_start()
    return cluster
