"""Fair scheduling: users take turns, and nobody is blocked by another user's long jobs."""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from qai_hub.local.clock import Clock, rfc3339
from qai_hub.local.config import LABELS, HubConfig
from qai_hub.local.core import kinds as states
from qai_hub.local.core.cache import Cache
from qai_hub.local.core.cancelled_logs import CancelledLogs
from qai_hub.local.core.digests import FileDigests
from qai_hub.local.core.executor import AttemptId, AttemptLost, CannotStartError, Executor
from qai_hub.local.core.heartbeat import Heartbeat
from qai_hub.local.core.job_traces import JobTraces
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.local_executor import RunningAttempts
from qai_hub.local.core.results import AttemptResult, CachedModelDeleted, Output, ResultStore
from qai_hub.local.core.specs import SocLookup, SpecBuilder
from qai_hub.local.engine.attempt import AttemptCancelled, AttemptOutcome
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import build_notice
from qai_hub.local.errors import is_disk_full
from qai_hub.local.files.store import FileStore, FilesUnavailableError
from qai_hub.local.files.work import LOG_FILE, WorkFolders
from qai_hub.local.json_logs import logging_about
from qai_hub.local.store import Store
from qai_hub.local.store.events import Topic
from qai_hub.local.store.labels import from_text, needs_to_text, served_needs
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import (
    ReadyJob,
    count_leased_by_owner,
    first_ready_jobs,
    take_turn,
)
from qai_hub.local.tracing import NO_TRACES, Tracer

# Even a small machine has reserved slots for some users without a running job.
_MIN_RESERVED = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A user who has a job that could start.

    Attributes:
        user_id: The user.
        running: Number of their running jobs.
        last_served: When one of their jobs last started, as an increasing number; 0 for never.
        oldest_job: The age of the job that would start: smaller for older ones.
        priority: Users with a higher one are served first.
    """

    user_id: int
    running: int
    last_served: int
    oldest_job: int
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Slots:
    """Number of jobs that may run at once.

    Attributes:
        shared: Slots that are open to all jobs.
        total: All slots, including those reserved for users without a running job.
    """

    shared: int
    total: int

    @classmethod
    def with_reserved(cls, shared: int) -> "Slots":
        """Return the shared slots and as many reserved ones, but at least 8 of these."""
        return cls(shared, shared + max(shared, _MIN_RESERVED))


def choose_next(candidates: Iterable[Candidate], slots: Slots, taken: int) -> Candidate | None:
    """Choose the user who gets the next slot.

    Users with the highest priority come first, among them the one with the fewest running jobs,
    then the one who has waited longest for a turn, then the one with the oldest job. So a single
    user may take all shared slots. Once these are taken, the reserved slots are for users without a
    running job.

    Args:
        candidates: The users who have a job that could start.
        slots: Number of jobs that may run at once.
        taken: Number of running jobs of all users.

    Returns:
        The user whose job is to start; None if no more may start.
    """
    if taken >= slots.total:
        return None
    if taken >= slots.shared:
        candidates = [each for each in candidates if each.running == 0]
    return min(
        candidates,
        key=lambda each: (-each.priority, each.running, each.last_served, each.oldest_job),
        default=None,
    )


_log = logging.getLogger(__name__)
_RETRY_AFTER = 1.0
# How often to look for jobs of which no event has told, where there are several processes.
_POLL_SECONDS = 5.0
_INTERNAL_REASON = "The hub could not run the job: see the hub's log for details."
_DISK_FULL_REASON = "The disk of this hub is full. Free some space, and submit the job again."
_SERVED = "Served from the cache: "
_CACHE_NOTICE = (
    f"{_SERVED}a job of yours, or one that was shared with you, has produced the same "
    "target model from the same input, with the same options, for the same chip and with the same "
    "tools. Nothing was run for this job."
)


class _Superseded(Exception):  # noqa: N818 - nobody's fault
    """The job has ended, or was queued again, while the attempt was running."""


class _ForOthers(Exception):  # noqa: N818 - nobody's fault
    """This machine lacks what the job turned out to need, and another may have it.

    Attributes:
        needs: What the job needs, as it is stored.
    """

    def __init__(self, needs: str) -> None:
        super().__init__(needs)
        self.needs = needs


class Scheduler:
    """Runs the jobs that are queued in the database as soon as their input is there.

    Users take turns, and each user's oldest job goes first: see `next_turn`.

    Args:
        store: The database.
        storage: The files.
        digests: Their digests.
        work: The folders of attempts.
        clock: Returns the current time.
        executor: Carries out attempts.
        get_soc: Returns the chip of a device.
        config: The hub's configuration.
        heartbeat: That of this process; None if no other uses the database.
        tracer: Records attempts.
    """

    def __init__(
        self,
        store: Store,
        storage: FileStore,
        digests: FileDigests,
        work: WorkFolders,
        clock: Clock,
        executor: Executor,
        get_soc: SocLookup,
        config: HubConfig,
        heartbeat: Heartbeat | None = None,
        tracer: Tracer = NO_TRACES,
    ) -> None:
        self._store = store
        self._storage = storage
        self._work = work
        self._lifecycle = Lifecycle(storage, work, clock, config.retention)
        results = ResultStore(storage, work, clock, config.retention.datasets)
        self._cancelled_logs = CancelledLogs(store, storage, work, results)
        self._specs = SpecBuilder(store, storage, digests, get_soc, config)
        self._executor = executor
        self._slots = Slots.with_reserved(config.max_parallel_jobs)
        self._config = config
        self._cache = Cache(store, storage) if config.cache else None
        self._clock = clock
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._attempts = RunningAttempts(
            self._awake.set, lambda job: executor.cancel(AttemptId(job.id, job.attempt))
        )
        self._heartbeat = heartbeat
        self._traces = JobTraces(tracer)
        # Where there is no other process, each job is run, and tells itself what it lacks.
        offered = LABELS if heartbeat is None else from_text(heartbeat.node.labels)
        self._needs = served_needs(offered)
        self._draining = threading.Event()
        self._dispatcher = threading.Thread(target=self._dispatch, name="scheduler", daemon=True)

    def start(self) -> None:
        """Recover the jobs of an earlier process, and start running jobs."""
        self._store.subscribe(Topic.QUEUED, lambda _: self.wake())
        self._store.subscribe(Topic.ENDED, self._stop_attempts)
        if self._heartbeat is None:
            self._store.run(self._lifecycle.recover_all)
        else:
            self._heartbeat.watch(self._attempts.get_ids, self._attempts.cancel)
            self._heartbeat.start()
        self._awake.set()
        self._dispatcher.start()

    def wake(self) -> None:
        """Look for jobs that can run. May be called from any thread."""
        self._awake.set()

    def drain(self, seconds: float) -> None:
        """Start no more jobs, and wait for the running ones to end, for some seconds at most."""
        self._draining.set()
        if self._heartbeat is not None:
            self._heartbeat.drain()
        self._attempts.join(seconds)

    def stop(self) -> None:
        """Cancel running attempts, queue their jobs again for the next process, and stop."""
        self._stopping.set()
        self._awake.set()
        if self._dispatcher.ident is not None:
            self._dispatcher.join()
        self._attempts.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()

    def _stop_attempts(self, job_ids: Sequence[str] | None) -> None:
        """Stop attempts at jobs that have ended, such as those that users have cancelled."""
        self._attempts.cancel_jobs(job_ids or ())
        if job_ids is None and self._heartbeat is not None:
            self._heartbeat.wake()

    def _dispatch(self) -> None:
        failing = False
        while not self._stopping.is_set():
            self._awake.wait(None if self._heartbeat is None else _POLL_SECONDS)
            self._awake.clear()
            try:
                self._start_ready_jobs()
                failing = False
            except Exception:  # noqa: BLE001 - without the scheduler no job would ever run
                if not failing:
                    _log.exception("the scheduler cannot read the queue and will retry")
                failing = True
                self._stopping.wait(_RETRY_AFTER)
                self._awake.set()

    def _start_ready_jobs(self) -> None:
        while not self._stopping.is_set() and not self._draining.is_set():
            job = self._claim_next()
            if job is None:
                return
            self._start_job(job)

    def _claim_next(self) -> Job | None:
        """Begin an attempt at the next job; None if there is none, or no free slot."""
        with self._store.read() as db:
            # Most of the time there is none, and nobody need wait for this to be found out.
            if self._next_job(db) is None:
                return None
        with self._store.write() as db:
            ready = self._next_job(db)
            if ready is None:
                return None
            take_turn(db, ready.owner_id)
            lease = {} if self._heartbeat is None else self._heartbeat.lease(db)
            return self._lifecycle.claim(db, ready.job_id, **lease)

    def _next_job(self, db: Connection) -> ReadyJob | None:
        """Return the job to start now; None if there is none, or no free slot."""
        here = self._attempts.count_by_owner()
        if here.total() >= self._slots.total:
            return None
        waiting = {
            ready.owner_id: ready for ready in first_ready_jobs(db, states.CREATED, self._needs)
        }
        if not waiting:
            return None
        # A cancelled attempt takes a slot until its process has ended.
        running = here
        if self._heartbeat is not None:
            running = here | count_leased_by_owner(db, states.RUNNING_STATES)
        candidates = [
            Candidate(owner, running[owner], ready.turn, ready.seq, ready.priority)
            for owner, ready in waiting.items()
        ]
        chosen = choose_next(candidates, self._slots, here.total())
        return None if chosen is None else waiting[chosen.user_id]

    def _start_job(self, job: Job) -> None:
        try:
            self._attempts.start(job, self._run)
        except RuntimeError:
            with self._store.write() as db:
                self._lifecycle.requeue(db, job)
            raise

    def _run(self, job: Job, cancelled: threading.Event) -> None:
        with logging_about(job_id=job.id, attempt=job.attempt), self._traces.attempt(job):
            try:
                self._carry_out(job, cancelled)
            except Exception:  # noqa: BLE001 - whatever it is, the next process takes it up again
                _log.exception("the job %s could not be queued again", job.id)

    def _carry_out(self, job: Job, cancelled: threading.Event) -> None:
        try:
            try:
                self._finish(job, self._execute(job, cancelled))
            finally:
                self._executor.release(AttemptId(job.id, job.attempt))
                self._work.remove(job.id, job.attempt)
        except _Superseded:
            self._traces.given_up("superseded")
            _log.info("attempt %d of the job %s is no longer needed", job.attempt, job.id)
        except (AttemptCancelled, CachedModelDeleted):
            # A job that a user cancelled has ended: the database then refuses this.
            with self._store.write() as db:
                is_queued = self._lifecycle.requeue(db, job)
            self._traces.given_up("requeued" if is_queued else "cancelled")
        except _ForOthers as error:
            _log.info("the job %s is left to processes that offer %s", job.id, error.needs)
            with self._store.write() as db:
                is_queued = self._lifecycle.requeue(db, job, needs=error.needs)
            self._traces.given_up("requeued" if is_queued else "cancelled")
        except AttemptLost as error:
            _log.warning("attempt %d of the job %s was lost: %s", job.attempt, job.id, error)
            self._traces.given_up("lost")
            self._store.run(lambda db: self._lifecycle.lose(db, job))
        except (CannotStartError, FilesUnavailableError) as error:
            _log.warning(
                "attempt %d of the job %s cannot be carried out yet: %s", job.attempt, job.id, error
            )
            self._traces.given_up("requeued")
            self._stopping.wait(_RETRY_AFTER)
            with self._store.write() as db:
                self._lifecycle.requeue(db, job)
        except Exception as error:  # noqa: BLE001 - no fault of the hub must leave the job running
            _log.exception("attempt %d of the job %s failed in the hub", job.attempt, job.id)
            self._fail_internally(job, error)

    def _fail_internally(self, job: Job, error: Exception) -> None:
        """Fail a job because of a fault of the hub, as soon as the database and the disk allow."""
        result = AttemptResult.failure(FailureType.INTERNAL, _INTERNAL_REASON)
        if is_disk_full(error):
            result = AttemptResult.failure(FailureType.OUT_OF_DISK, _DISK_FULL_REASON)
        failing = False
        while True:
            try:
                self._finish(job, result)
            except Exception:  # noqa: BLE001 - the next process takes up what this one cannot end
                if not failing:
                    _log.exception(
                        "the end of the job %s cannot be stored yet and will be retried", job.id
                    )
                failing = True
                if self._stopping.wait(_RETRY_AFTER):
                    return
            else:
                return

    def _finish(self, job: Job, result: AttemptResult) -> None:
        # Outside of the transaction, as others would wait for it.
        with self._traces.step("publish"):
            self._storage.stage(result.new_files)
        with self._traces.step("commit"):
            ended = self._store.run(lambda db: self._lifecycle.finish(db, job, result))
        if ended:
            self._traces.ended(result)
            return
        self._traces.given_up("superseded")
        if self._storage.is_remote:
            self._storage.remove(file.id for file in result.new_files)

    def _execute(self, job: Job, cancelled: threading.Event) -> AttemptResult:
        with self._traces.step("prepare"):
            try:
                spec = self._specs.build(job)
            except JobFailure as failure:
                return AttemptResult.failure(failure.failure_type, failure.reason)
            key = self._cache.key(spec) if self._cache else None
            cached_job = (
                self._cache.find(key, job.owner_id)
                if self._cache and key and not job.fresh
                else None
            )
            with self._store.write() as db:
                is_current = self._lifecycle.advance(db, job)
        if not is_current:
            raise _Superseded
        if cached_job is not None:
            return self._reuse_cached(job, cached_job, key)
        with self._traces.step("start"):
            self._executor.start(spec)
        if cancelled.is_set():
            self._executor.cancel(spec.id)
        with self._traces.step("run"):
            outcome = self._wait(job, spec.id)
        if self._heartbeat is not None and outcome.lacks in LABELS:
            needs = needs_to_text({*from_text(job.needs), outcome.lacks})
            if needs != job.needs:
                raise _ForOthers(needs)
        return AttemptResult(
            failure_type=outcome.failure_type,
            reason=outcome.reason,
            report=outcome.result,
            outputs={name: Output.from_file(path) for name, path in outcome.files.items()},
            log=Output.from_file(outcome.log),
            cache_key=key,
        )

    def _wait(self, job: Job, attempt: AttemptId) -> AttemptOutcome:
        """Wait for the end of an attempt."""
        try:
            return self._executor.wait(attempt)
        except AttemptCancelled:
            if self._config.files is not None:
                self._cancelled_logs.complete(job)
            raise

    def _reuse_cached(self, job: Job, cached_job: Job, key: str | None) -> AttemptResult:
        """Return the result of an attempt that is skipped, as the result of a job is reused."""
        log = self._work.create(job.id, job.attempt) / LOG_FILE
        log.write_text(f"{rfc3339(self._clock())} {_CACHE_NOTICE}\n", encoding="utf-8")
        # That job may have been served from the cache itself.
        made = [
            each for each in cached_job.notices or () if not each["message"].startswith(_SERVED)
        ]
        notices = [*made, build_notice("INFO", "USER", _CACHE_NOTICE)]
        return AttemptResult(
            failure_type=FailureType.SUCCESS,
            report={"notices": notices},
            log=Output.from_file(log),
            cache_key=key,
            cached_job=cached_job,
        )
