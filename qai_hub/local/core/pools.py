"""The queue by what its jobs need, and whether some process offers that."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qai_hub.local.core import kinds as states
from qai_hub.local.store import Store
from qai_hub.local.store.labels import from_text
from qai_hub.local.store.nodes import MICROSECONDS, Node, get_living_nodes, list_offers
from qai_hub.local.store.relations import QueueLength, get_queue_lengths

_CACHE_SECONDS = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pools:
    """The queue, and the processes that take jobs from it.

    Attributes:
        queue: How many jobs are queued, by their needs.
        nodes: The processes that were heard of lately; empty where there is only one.
        unserved: Those parts of the queue that no process would run.
    """

    queue: Sequence[QueueLength]
    nodes: Sequence[Node]
    unserved: Sequence[QueueLength]


class PoolWatch:
    """Watches for jobs that no process would run.

    Args:
        store: The database.
        lease: Seconds for which a process need not be heard of; None if there is only one, which
            runs all jobs.
        monotonic: Returns a monotonic time in seconds.
    """

    def __init__(
        self,
        store: Store,
        lease: float | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease = lease
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: Pools | None = None
        self._read_at = 0.0
        self._warned = frozenset[str]()

    def read(self) -> Pools:
        """Return the queue as it was some seconds ago at most.

        Raises:
            DatabaseUnavailableError: The database cannot be reached.
        """
        with self._lock:
            now = self._monotonic()
            if self._known is None or now - self._read_at >= _CACHE_SECONDS:
                self._known, self._read_at = self._read(), now
            return self._known

    def warn(self) -> None:
        """Log which jobs no process would run: once, until one would."""
        unserved = {each.needs: each.number for each in self.read().unserved}
        for needs in unserved.keys() - self._warned:
            _log.warning("%s", describe_unserved(needs, unserved[needs]))
        self._warned = frozenset(unserved)

    def _read(self) -> Pools:
        with self._store.read() as db:
            queue = get_queue_lengths(db, states.CREATED)
            if self._lease is None:
                return Pools(queue, (), ())
            nodes = get_living_nodes(db, int(self._lease * MICROSECONDS))
        offers = list_offers(nodes)
        unserved = [
            each for each in queue if not any(from_text(each.needs) <= offer for offer in offers)
        ]
        return Pools(queue, nodes, unserved)


def describe_unserved(needs: str, number: int) -> str:
    """Return a line about queued jobs that no process would run."""
    if not needs:
        return f"{number} queued jobs wait, but no running process takes jobs"
    what = needs.replace(",", " and ")
    return f"{number} queued jobs need {what}, which no running process offers"
