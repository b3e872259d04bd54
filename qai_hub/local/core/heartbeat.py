"""The heartbeat of a process that shares its database with others.

Each process holds leases on the jobs that it runs, and extends them while it lives. When it is no
longer heard of, its leases end, and any other process queues its jobs again. An attempt whose lease
was lost is given up; what it publishes afterwards changes nothing, since its number is no longer
the job's.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from qai_hub.local.core import kinds as states
from qai_hub.local.core.executor import AttemptId
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.store import Store
from qai_hub.local.store.nodes import (
    MICROSECONDS,
    Node,
    add_node,
    get_lost_jobs,
    get_silent_nodes,
    mark_seen,
    read_clock,
    remove_nodes,
    renew_leases,
)

DEFAULT_LEASE = 20.0
# A process that was not heard of for so many leases is forgotten.
_FORGET_AFTER = 30
_BEATS_PER_LEASE = 5

_log = logging.getLogger(__name__)


class Heartbeat:
    """Tells others that this process lives, and takes up the jobs of processes that do not.

    Args:
        store: The database.
        lifecycle: The steps of jobs.
        node: This process.
        lease: Seconds after which others take up its jobs if it is not heard of.
    """

    def __init__(
        self, store: Store, lifecycle: Lifecycle, node: Node, lease: float = DEFAULT_LEASE
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._node = node
        self._lease = int(lease * MICROSECONDS)
        self._pause = lease / _BEATS_PER_LEASE
        self._get_running: Callable[[], Collection[AttemptId]] = tuple
        self._give_up: Callable[[Collection[AttemptId]], None] = lambda _: None
        self._actions: list[Callable[[], None]] = []
        self._stopping = threading.Event()
        self._wakes = (threading.Event(), threading.Event())
        # Recovery may have to wait for the storage of the files, for longer than a lease.
        self._threads = [
            threading.Thread(target=self._repeat, args=[action, wake], name=name, daemon=True)
            for name, action, wake in zip(
                ("heartbeat", "recovery"), (self._renew, self._recover), self._wakes, strict=True
            )
        ]

    @property
    def node(self) -> Node:
        """This process."""
        return self._node

    def watch(
        self,
        get_running: Callable[[], Collection[AttemptId]],
        give_up: Callable[[Collection[AttemptId]], None],
    ) -> None:
        """Watch the attempts of this process.

        Args:
            get_running: Returns the attempts that are running here.
            give_up: Stops attempts that are no longer this process's.
        """
        self._get_running, self._give_up = get_running, give_up

    def at_each_beat(self, action: Callable[[], None]) -> None:
        """Have something done at each beat, in case that events were missed."""
        self._actions.append(action)

    def start(self) -> None:
        """Register this process, and keep it registered until `stop`."""
        with self._store.write() as db:
            add_node(db, self._node, read_clock(db))
        for thread in self._threads:
            thread.start()

    def lease(self, db: Connection) -> Mapping[str, Any]:
        """Return the columns of a job that this process runs from now on."""
        return {"node_id": self._node.id, "lease": read_clock(db) + self._lease}

    def wake(self) -> None:
        """Look at the jobs soon. May be called from any thread."""
        for wake in self._wakes:
            wake.set()

    def drain(self) -> None:
        """Tell others that this process starts no more jobs."""
        self._node = replace(self._node, draining=True)
        self.wake()

    def stop(self) -> None:
        """Unregister this process, whose attempts must have ended."""
        if self._threads[0].ident is None:
            return
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join()
        with self._store.write() as db:
            remove_nodes(db, [self._node.id])

    def beat(self) -> None:
        """Renew the leases, give up what was lost, and take up what others have lost."""
        self._renew()
        self._recover()

    def _renew(self) -> None:
        running = self._get_running()
        with self._store.write(ordered=False) as db:
            now = read_clock(db)
            if not mark_seen(db, self._node.id, now, draining=self._node.draining):
                add_node(db, self._node, now)
            kept = renew_leases(db, self._node.id, states.RUNNING_STATES, now + self._lease)
        lost = [each for each in running if kept.get(each.job_id) != each.attempt]
        if lost:
            self._give_up(lost)
        for action in self._actions:
            action()

    def _recover(self) -> None:
        with self._store.read() as db:
            now = read_clock(db)
            is_waiting = bool(
                get_lost_jobs(db, states.RUNNING_STATES, now) or self._silent(db, now)
            )
        if is_waiting:
            self._take_up()

    def _silent(self, db: Connection, now: int) -> list[str]:
        """Return the other processes that may be forgotten."""
        found = get_silent_nodes(db, now - _FORGET_AFTER * self._lease)
        return [node_id for node_id in found if node_id != self._node.id]

    def _take_up(self) -> None:
        def recover(db: Connection) -> list[str]:
            now = read_clock(db)
            jobs = get_lost_jobs(db, states.RUNNING_STATES, now)
            self._lifecycle.recover(db, jobs)
            remove_nodes(db, self._silent(db, now))
            return jobs

        jobs = self._store.run(recover)
        if jobs:
            _log.warning(
                "%d jobs were running in processes that are no longer heard of: %s",
                len(jobs),
                ", ".join(jobs),
            )

    def _repeat(self, action: Callable[[], None], wake: threading.Event) -> None:
        failing = False
        while not self._stopping.is_set():
            wake.wait(self._pause)
            wake.clear()
            if self._stopping.is_set():
                return
            try:
                action()
                failing = False
            except Exception:  # noqa: BLE001 - without it all jobs of this process would be lost
                if not failing:
                    name = threading.current_thread().name
                    _log.exception("the %s cannot reach what it needs and will retry", name)
                failing = True
