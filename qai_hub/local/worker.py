"""`HubWorker`: a process that runs jobs of a hub whose database others use as well."""

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from qai_hub.local.clock import Clock, now
from qai_hub.local.config import HubConfig
from qai_hub.local.core.local_executor import RunAttempt
from qai_hub.local.core.parts import make_scheduler, open_parts
from qai_hub.local.core.pools import PoolWatch
from qai_hub.local.server.operations import serve_operations

if TYPE_CHECKING:
    from qai_hub.local.core.scheduler import Scheduler


class HubWorker:
    """Runs jobs of a hub, in threads of this process.

    Args:
        config: The hub's configuration, with a database on PostgreSQL and the data folder that its
            processes share.
        clock: Returns the current time, with its time zone.
        run_attempt: Carries out attempts at jobs; if None, worker processes do.

    Attributes:
        name: Its machine and process number, once it has started.
        slots: Jobs that it runs at once.
        url: Where it serves metrics and probes; empty if metrics are off.

    Raises:
        ValueError: The configuration has no database on PostgreSQL, or no slots.

    Examples:
        >>> from pathlib import Path
        >>> from qai_hub.local.config import HubConfig
        >>> from qai_hub.local.worker import HubWorker
        >>> database = "postgresql+psycopg://hub@db.example.com/hub"
        >>> worker = HubWorker(HubConfig(database=database, data_dir=Path("/srv/hub")))
    """

    def __init__(
        self, config: HubConfig, *, clock: Clock = now, run_attempt: RunAttempt | None = None
    ) -> None:
        if config.database is None:
            raise ValueError("a worker needs a database that several processes can use")
        if config.max_parallel_jobs == 0:
            raise ValueError("a worker runs at least one job at a time")
        self._config = config
        self._clock = clock
        self._run_attempt = run_attempt
        self._stack = ExitStack()
        self._scheduler: Scheduler | None = None
        self.name = ""
        self.slots = config.max_parallel_jobs
        self.url = ""

    def start(self) -> Self:
        """Starts to run jobs, and returns.

        Raises:
            DatabaseError: The database or the data folder cannot be used.
            OSError: The data folder cannot be written, or the port for metrics is in use.
            ValueError: It is to offer a label that this machine cannot.

        Examples:
            >>> worker = worker.start()  # doctest: +SKIP
        """
        with ExitStack() as stack:
            parts = open_parts(self._config, self._clock, "worker", stack)
            scheduler, warm_up = make_scheduler(parts, self._config, self._run_attempt, stack)
            pools = PoolWatch(parts.store, self._config.lease)
            if parts.heartbeat is not None:
                parts.heartbeat.at_each_beat(pools.warn)
            if self._config.metrics:
                self.url = serve_operations(self._config, parts, pools, stack)
            scheduler.start()
            stack.callback(scheduler.stop)
            warm_up()
            self._scheduler = scheduler
            self.name = parts.heartbeat.node.name if parts.heartbeat else ""
            self._stack = stack.pop_all()
        return self

    def drain(self, seconds: float) -> None:
        """Starts no more jobs, and waits for the running ones to end.

        Args:
            seconds: How long to wait at most.

        Examples:
            >>> worker.drain(60)  # doctest: +SKIP
        """
        if self._scheduler is not None:
            self._scheduler.drain(min(seconds, threading.TIMEOUT_MAX))

    def stop(self) -> None:
        """Stops. Others take up the jobs that are still running.

        Examples:
            >>> worker.stop()  # doctest: +SKIP
        """
        self._scheduler = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
