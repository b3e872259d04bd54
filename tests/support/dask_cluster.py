"""Runs the scheduler and the workers of a Dask cluster, as processes that can be killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.polling import wait_until

_FAILURES = "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"


class DaskCluster:
    """A cluster on this machine.

    Args:
        folder: A folder for its files.

    Attributes:
        address: The address of its scheduler, which it keeps.
        workers: The processes of its workers.
    """

    def __init__(self, folder: Path) -> None:
        self.address = "tcp://127.0.0.1:0"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        self._scheduler: subprocess.Popen[bytes] | None = None

    @property
    def scheduler(self) -> "subprocess.Popen[bytes]":
        """The process of its scheduler."""
        assert self._scheduler is not None
        return self._scheduler

    def start_scheduler(self) -> None:
        """Start the scheduler; returns once it can be reached."""
        found = self._folder / "scheduler.json"
        found.unlink(missing_ok=True)
        port = self.address.rpartition(":")[2]
        self._scheduler = self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", port),
            *("--no-dashboard", "--scheduler-file", str(found)),
        )
        wait_until(lambda: found.exists() and found.read_bytes().endswith(b"}"))
        self.address = json.loads(found.read_bytes())["address"]

    def start_worker(
        self, resources: str = "qnn=2", *, threads: int = 2, options: Sequence[str] = ()
    ) -> None:
        """Start a worker.

        Args:
            resources: What it offers.
            threads: How many tasks it runs at once.
            options: Others of Dask's command.
        """
        worker = self._start(
            *("worker", self.address, "--no-nanny", "--no-dashboard"),
            *("--nthreads", str(threads), "--memory-limit", "0"),
            *("--local-directory", str(self._folder), "--resources", resources),
            *options,
        )
        self.workers.append(worker)

    def kill_workers(self) -> None:
        """Kill all workers."""
        self._end_workers(signal.SIGKILL)

    def stop_workers(self) -> None:
        """Stop all workers, as SLURM and Kubernetes do."""
        self._end_workers(signal.SIGTERM)

    def kill_scheduler(self) -> None:
        """Kill the scheduler; the workers end by themselves."""
        self.scheduler.kill()
        self.scheduler.wait()

    def wait_for_workers_to_end(self) -> None:
        """Wait until the workers have ended by themselves."""
        for worker in self.workers:
            worker.wait(30)
        self.workers.clear()

    def _end_workers(self, how: signal.Signals) -> None:
        for worker in self.workers:
            worker.send_signal(how)
            worker.wait()
        self.workers.clear()

    def _start(self, role: str, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{role}", *arguments],
            env={**os.environ, _FAILURES: "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
        )


@contextmanager
def running_cluster(folder: Path, **worker: Any) -> Iterator[DaskCluster]:
    """Run a cluster with one worker."""
    cluster = DaskCluster(folder)
    try:
        cluster.start_scheduler()
        cluster.start_worker(**worker)
        yield cluster
    finally:
        cluster.kill_workers()
        cluster.kill_scheduler()
