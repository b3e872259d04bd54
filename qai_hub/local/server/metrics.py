"""Metrics of a process, in Prometheus' text format.

Labels are operations, types and needs of jobs, and roles: no names of users, no ids.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from qai_hub.local.clock import Clock
from qai_hub.local.core.pools import PoolWatch
from qai_hub.local.enums import FailureType
from qai_hub.local.store import Store
from qai_hub.local.store.dialect import DatabaseUnavailableError
from qai_hub.local.store.events import Event, Topic
from qai_hub.local.store.figures import StoredFigures, get_ended_jobs, get_stored_figures

_STORED_SECONDS = 30.0
# Jobs read by one statement: SQLite limits the number of values in a statement.
_BATCH_SIZE = 500
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60, 300)
_JOB_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_log = logging.getLogger(__name__)


class Metrics:
    """The metrics of a process. May be used from any thread.

    Args:
        store: The database.
        pools: The queue, and the processes that take jobs from it.
        clock: Returns the current time.
    """

    def __init__(self, store: Store, pools: PoolWatch, clock: Clock) -> None:
        self._store = store
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "qai_hub_requests", "Requests", ["operation", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "qai_hub_request_seconds",
            "Duration of requests; getJob may wait for the end of a job",
            ["operation"],
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._ended = Counter(
            "qai_hub_jobs_ended",
            "Jobs that this process has ended",
            ["kind", "outcome", "failure"],
            registry=registry,
        )
        self._queued_seconds = Histogram(
            "qai_hub_job_queued_seconds",
            "Time from the submission of a job to the start of its last attempt",
            ["kind"],
            buckets=_JOB_BUCKETS,
            registry=registry,
        )
        self._running_seconds = Histogram(
            "qai_hub_job_running_seconds",
            "Time from the start of the last attempt at a job to its end",
            ["kind"],
            buckets=_JOB_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "qai_hub_database_errors", "Statements and connections that failed", registry=registry
        )
        registry.register(_StoredMetrics(store, pools, clock))
        store.after_commit(self._count_ended)
        store.on_error(self._errors.inc)

    def watch(self, connections: Callable[[], int], waits: Callable[[], int]) -> None:
        """Tell how many connections are open, and how many requests wait for jobs."""
        for name, text, number in (
            ("qai_hub_connections", "Open connections", connections),
            ("qai_hub_waits", "Requests that wait for the end of a job", waits),
        ):
            Gauge(name, text, registry=self._registry).set_function(number)

    def observe_request(self, operation: str, status: int | None, seconds: float) -> None:
        """Count a request.

        Args:
            operation: Its operationId; `other` if there is none.
            status: The status of the response; None if there was none.
            seconds: How long it took.
        """
        self._requests.labels(operation, "none" if status is None else str(status)).inc()
        self._request_seconds.labels(operation).observe(seconds)

    def render(self) -> tuple[bytes, str]:
        """Return the metrics, and their media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _count_ended(self, events: Sequence[Event]) -> None:
        """Count jobs that a transaction of this process has ended."""
        ended = [key for event in events if event.topic is Topic.ENDED for key in event.job_ids]
        try:
            for start in range(0, len(ended), _BATCH_SIZE):
                self._observe_jobs(ended[start : start + _BATCH_SIZE])
        except Exception:  # noqa: BLE001 - the jobs have ended, counted or not
            _log.exception("jobs that have ended cannot be counted")

    def _observe_jobs(self, job_ids: Sequence[str]) -> None:
        with self._store.read() as db:
            jobs = get_ended_jobs(db, job_ids)
        for job in jobs:
            failure = job.failure_type.removeprefix("JOB_FAILURE_TYPE_").lower()
            outcome = _OUTCOMES.get(job.failure_type, "failed")
            self._ended.labels(job.kind, outcome, "" if outcome == "succeeded" else failure).inc()
            if job.attempt and job.started and job.completed:
                started = datetime.fromisoformat(job.started)
                queued = started - datetime.fromisoformat(job.created)
                ran = datetime.fromisoformat(job.completed) - started
                self._queued_seconds.labels(job.kind).observe(queued.total_seconds())
                self._running_seconds.labels(job.kind).observe(ran.total_seconds())


_OUTCOMES = {str(FailureType.SUCCESS): "succeeded", str(FailureType.CANCELLED): "cancelled"}


class _StoredMetrics(Collector):
    """What the database tells: the same in each process of a hub."""

    def __init__(self, store: Store, pools: PoolWatch, clock: Clock) -> None:
        self._store = store
        self._pools = pools
        self._clock = clock
        self._stored: StoredFigures | None = None
        self._read_at = 0.0

    def describe(self) -> list[Metric]:
        """Describe nothing, so that the database is not asked before the first request."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what the database tells; only that it cannot be reached, if it cannot."""
        up = GaugeMetricFamily("qai_hub_database_up", "Whether the database can be reached")
        try:
            families = [*self._queue(), *self._files()]
        except (SQLAlchemyError, DatabaseUnavailableError):
            families = []
        up.add_metric([], 1 if families else 0)
        yield up
        yield from families

    def _queue(self) -> Iterator[Metric]:
        pools, now = self._pools.read(), self._clock()
        length = GaugeMetricFamily("qai_hub_queue_jobs", "Queued jobs", labels=["needs"])
        age = GaugeMetricFamily(
            "qai_hub_queue_oldest_seconds", "Age of the oldest queued job", labels=["needs"]
        )
        unserved = GaugeMetricFamily(
            "qai_hub_queue_unserved_jobs",
            "Queued jobs that no running process would run",
            labels=["needs"],
        )
        nodes = GaugeMetricFamily("qai_hub_nodes", "Processes of the hub", labels=["role"])
        slots = GaugeMetricFamily(
            "qai_hub_slots", "Jobs that processes run at once", labels=["role"]
        )
        for each in pools.queue:
            length.add_metric([each.needs], each.number)
            waited = (now - datetime.fromisoformat(each.oldest)).total_seconds()
            age.add_metric([each.needs], max(waited, 0.0))
        for each in pools.unserved:
            unserved.add_metric([each.needs], each.number)
        for role in sorted({node.role for node in pools.nodes}):
            own = [node for node in pools.nodes if node.role == role]
            nodes.add_metric([role], len(own))
            slots.add_metric([role], sum(node.slots for node in own))
        yield from (length, age, unserved, nodes, slots)

    def _files(self) -> Iterator[Metric]:
        now = time.monotonic()
        if self._stored is None or now - self._read_at >= _STORED_SECONDS:
            with self._store.read() as db:
                self._stored, self._read_at = get_stored_figures(db), now
        for name, text, number in (
            ("qai_hub_stored_bytes", "Size of all stored files", self._stored.bytes),
            ("qai_hub_stored_files", "Stored files", self._stored.files),
            ("qai_hub_uploads", "Unfinished uploads", self._stored.uploads),
        ):
            yield GaugeMetricFamily(name, text, value=number)
