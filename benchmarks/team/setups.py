"""What a hub needs beside its database: where files are, and what carries out attempts."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support.dask_cluster import DaskCluster
from support.object_storage import ENVIRONMENT, running_storage

from qai_hub.local.files.bucket import Bucket, BucketUrl
from qai_hub.local.files.cache import FileCache
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.s3 import S3Store
from qai_hub.local.files.s3_uploads import S3Uploads
from qai_hub.local.files.store import FileStore

_DASK_WORKERS = 2
# Of each Dask worker: together more than the jobs that any measurement runs at once.
_DASK_THREADS = 32
_SUPERVISED_EVERY = 0.2
_TRIES = 5
_IDLE = Path(__file__).parent / "dask_idle.py"


@dataclass(frozen=True)
class Server:
    """A server that the hub uses.

    Attributes:
        role: What it is.
        restart: Kills it, and starts it again; returns once it can be used.
        get_pid: Returns the number of its process.
    """

    role: str
    restart: Callable[[], None]
    get_pid: Callable[[], int]


@dataclass(frozen=True)
class Services:
    """What the processes of a hub use, beside the database.

    Attributes:
        servers: The servers.
        open_files: Opens the hub's files, to look whether they are there.
        settings: The fields of `HubConfig` of all processes.
        worker_settings: Those of processes that run jobs, in addition.
    """

    servers: list[Server]
    open_files: Callable[[], FileStore]
    settings: Mapping[str, Any]
    worker_settings: Mapping[str, Any] = field(default_factory=dict)


Setup = Callable[[Path, float], AbstractContextManager[Services]]
"""Runs the services of a hub in a folder, whose jobs do nothing for some seconds."""


@contextmanager
def run_objects(folder: Path, _: float) -> Iterator[Services]:
    """Files are on an object storage, and jobs run in the hub's processes."""
    with running_storage() as storage, patch.dict(os.environ, ENVIRONMENT):
        url = storage.url("team")
        with closing(Bucket(BucketUrl.parse(url))) as bucket:

            def restart() -> None:
                storage.stop()
                storage.start()

            def open_files() -> FileStore:
                uploads = S3Uploads(bucket, timedelta(hours=1))
                return S3Store(bucket, uploads, FileCache(folder / "read", 0), folder / "inputs")

            yield Services(
                [Server("object storage", restart, lambda: storage.pid)],
                open_files,
                {"data_dir": str(folder / "hub"), "files": url},
            )


@contextmanager
def run_dask(folder: Path, seconds: float) -> Iterator[Services]:
    """Files are in a folder, and jobs run on the workers of a Dask cluster."""
    cluster = _IdleCluster(folder, seconds)
    data = folder / "hub"
    # Of Dask's workers, which know this folder.
    modules = {"PYTHONPATH": str(_IDLE.parents[1])}
    with patch.dict(os.environ, modules), closing(cluster):
        cluster.start()
        yield Services(
            cluster.servers,
            lambda: FolderStore(data, durable=False),
            {"data_dir": str(data)},
            {"executor": f"dask:{cluster.address}"},
        )


SETUPS: Mapping[str, Setup] = {"objects": run_objects, "dask": run_dask}
"""The setups, by their names."""


class _IdleCluster(DaskCluster):
    """A Dask cluster whose workers carry out attempts by doing nothing for a while.

    A thread starts workers again that have ended, as a supervisor does: they end when they are
    killed, and most of them when the scheduler is.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(folder)
        self._options = ("--preload", str(_IDLE), str(seconds))
        self._closing = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise)
        self.servers = [
            Server("Dask scheduler", self._restart_scheduler, lambda: self.scheduler.pid),
            *(self._make_worker(number) for number in range(_DASK_WORKERS)),
        ]

    def start(self) -> None:
        """Start the scheduler and the workers."""
        self.start_scheduler()
        while len(self.workers) < _DASK_WORKERS:
            self._start_worker()
        self._supervisor.start()

    def close(self) -> None:
        """End both."""
        self._closing.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        self.kill_workers()
        self.kill_scheduler()

    def _make_worker(self, number: int) -> Server:
        def kill() -> None:
            self.workers[number].kill()

        return Server("Dask worker", kill, lambda: self.workers[number].pid)

    def _start_worker(self) -> None:
        self.start_worker(threads=_DASK_THREADS, options=self._options)

    def _restart_scheduler(self) -> None:
        for left in reversed(range(_TRIES)):
            self.kill_scheduler()
            try:
                self.start_scheduler()
            except AssertionError:
                # A connection to elsewhere may have its port for a moment.
                if not left:
                    raise
            else:
                return

    def _supervise(self) -> None:
        while not self._closing.wait(_SUPERVISED_EVERY):
            for number, worker in enumerate(self.workers):
                if worker.poll() is not None:
                    self._start_worker()
                    # In its place.
                    self.workers[number] = self.workers.pop()
