"""Fair scheduling: users take turns, and nobody is blocked by another user's long jobs."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from qai_hub.local.clock import Clock, rfc3339
from qai_hub.local.config import HubConfig
from qai_hub.local.core import kinds as states
from qai_hub.local.core.cache import Cache
from qai_hub.local.core.executor import AttemptId, CannotStartError, Executor
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.local_executor import Attempts
from qai_hub.local.core.results import MakerGone, Output, Verdict
from qai_hub.local.core.specs import SocOf, Specs
from qai_hub.local.engine.attempt import AttemptCancelled
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import notice
from qai_hub.local.errors import is_disk_full
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.work import LOG_FILE, WorkFolders
from qai_hub.local.store import Store
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import ReadyJob, first_ready_jobs

# Even a small machine has extra places for some users without a running job.
_LEAST_BEYOND = 8


@dataclass(frozen=True, slots=True)
class Claimant:
    """A user who has a job that could start.

    Attributes:
        user_id: The user.
        running: Number of their running jobs.
        served: When one of their jobs last started, as an increasing number; 0 for never.
        oldest: The age of the job that would start: smaller for older ones.
    """

    user_id: int
    running: int
    served: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Places:
    """Number of jobs that may run at once.

    Attributes:
        usual: Places that are open to all jobs.
        most: All places, including those reserved for users without a running job.
    """

    usual: int
    most: int

    @classmethod
    def beyond(cls, usual: int) -> "Places":
        """Return the usual places and as many reserved ones, but at least 8 of these."""
        return cls(usual, usual + max(usual, _LEAST_BEYOND))


def next_turn(claimants: Iterable[Claimant], places: Places, taken: int) -> Claimant | None:
    """Choose the user who gets the next place.

    The user with the fewest running jobs comes first, then the one who has waited longest for a
    turn, then the one with the oldest job. So a single user may take all usual places. Once these
    are taken, the reserved places are for users without a running job.

    Args:
        claimants: The users who have a job that could start.
        places: Number of jobs that may run at once.
        taken: Number of running jobs of all users.

    Returns:
        The user whose job is to start; None if no more may start.
    """
    if taken >= places.most:
        return None
    if taken >= places.usual:
        claimants = [each for each in claimants if each.running == 0]
    return min(claimants, key=lambda each: (each.running, each.served, each.oldest), default=None)


_log = logging.getLogger(__name__)
_RETRY_AFTER = 1.0
_FAULT = "The hub could not carry out the job. The log of the hub tells more."
_DISK_FULL = "The disk of this hub is full. Free some space and submit the job again."
_SERVED = (
    "Served from the cache: a job of yours, or one that was shared with you, has made the same "
    "target model before, from the same input, with the same options, for the same chip and with "
    "the same tools. Nothing ran for this job."
)


class _Superseded(Exception):  # noqa: N818 - nobody's fault
    """The job has ended, or was queued again, while the attempt was running."""


class Scheduler:
    """Runs the jobs that are queued in the database as soon as their input is there.

    Users take turns, and each user's oldest job goes first: see `next_turn`.

    Args:
        store: The database.
        storage: The files.
        work: The folders of attempts.
        clock: Returns the current time.
        executor: Carries out attempts.
        soc_of: Returns the chip of a device.
        ended: Called, from any thread, with jobs that have ended.
        config: The hub's configuration.
    """

    def __init__(
        self,
        store: Store,
        storage: FileStore,
        work: WorkFolders,
        clock: Clock,
        executor: Executor,
        soc_of: SocOf,
        ended: Callable[[Iterable[str]], None],
        config: HubConfig,
    ) -> None:
        self._store = store
        self._storage = storage
        self._work = work
        self._lifecycle = Lifecycle(storage, work, clock, config.retention)
        self._specs = Specs(store, storage, soc_of, config)
        self._executor = executor
        self._ended = ended
        self._places = Places.beyond(config.max_parallel_jobs)
        self._config = config
        self._cache = Cache(store, storage) if config.cache else None
        self._clock = clock
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._attempts = Attempts(
            self._awake.set, lambda job: executor.cancel(AttemptId(job.id, job.attempt))
        )
        self._turns = 0
        self._last_turns: dict[int, int] = {}
        self._dispatcher = threading.Thread(target=self._dispatch, name="scheduler", daemon=True)

    def start(self) -> None:
        """Recover the jobs of an earlier process, and start running jobs."""
        with self._store.write() as db:
            self._lifecycle.recover(db)
        self._awake.set()
        self._dispatcher.start()

    def wake(self) -> None:
        """Look for jobs that can run. May be called from any thread."""
        self._awake.set()

    def cancelled(self, job_ids: Collection[str]) -> None:
        """Stop attempts at jobs that users have cancelled. May be called from any thread."""
        self._attempts.cancel(job_ids)
        self._ended(job_ids)

    def stop(self) -> None:
        """Cancel running attempts, queue their jobs again for the next process, and stop."""
        self._stopping.set()
        self._awake.set()
        if self._dispatcher.ident is not None:
            self._dispatcher.join()
        self._attempts.stop()

    def _dispatch(self) -> None:
        failing = False
        while not self._stopping.is_set():
            self._awake.wait()
            self._awake.clear()
            try:
                self._begin_ready()
                failing = False
            except Exception:  # noqa: BLE001 - without the scheduler no job would ever run
                if not failing:
                    _log.exception("the scheduler cannot look for jobs, and tries again")
                failing = True
                self._stopping.wait(_RETRY_AFTER)
                self._awake.set()

    def _begin_ready(self) -> None:
        while not self._stopping.is_set():
            first = self._next()
            if first is None:
                return
            with self._store.write() as db:
                job = self._lifecycle.claim(db, first.job_id)
            if job is not None:
                self._begin(job)

    def _next(self) -> ReadyJob | None:
        """Return the job to start now; None if there is none, or no free place."""
        running = self._attempts.by_owner()
        if running.total() >= self._places.most:
            return None
        with self._store.read() as db:
            waiting = {first.owner_id: first for first in first_ready_jobs(db, states.CREATED)}
        claimants = [
            Claimant(owner, running[owner], self._last_turns.get(owner, 0), first.seq)
            for owner, first in waiting.items()
        ]
        chosen = next_turn(claimants, self._places, running.total())
        return None if chosen is None else waiting[chosen.user_id]

    def _begin(self, job: Job) -> None:
        self._turns += 1
        self._last_turns[job.owner_id] = self._turns
        try:
            self._attempts.begin(job, self._run)
        except RuntimeError:
            with self._store.write() as db:
                self._lifecycle.requeue(db, job)
            raise

    def _run(self, job: Job, cancelled: threading.Event) -> None:
        try:
            self._carry_out(job, cancelled)
        except Exception:  # noqa: BLE001 - whatever it is, the next process takes the job up again
            _log.exception("the job %s could not be queued again", job.id)

    def _carry_out(self, job: Job, cancelled: threading.Event) -> None:
        try:
            try:
                self._settle(job, self._attempt(job, cancelled))
            finally:
                self._executor.release(AttemptId(job.id, job.attempt))
                self._work.remove(job.id, job.attempt)
        except _Superseded:
            _log.info("attempt %d of the job %s is not needed any more", job.attempt, job.id)
        except (AttemptCancelled, MakerGone):
            # A job that a user cancelled has ended: the database then refuses this.
            with self._store.write() as db:
                self._lifecycle.requeue(db, job)
        except CannotStartError as error:
            _log.warning(
                "attempt %d of the job %s cannot be started yet: %s", job.attempt, job.id, error
            )
            self._stopping.wait(_RETRY_AFTER)
            with self._store.write() as db:
                self._lifecycle.requeue(db, job)
        except Exception as error:  # noqa: BLE001 - no fault of the hub must leave the job running
            _log.exception("attempt %d of the job %s failed in the hub", job.attempt, job.id)
            self._give_up(job, error)

    def _give_up(self, job: Job, error: Exception) -> None:
        """Fail a job because of a fault of the hub, as soon as the database and the disk allow."""
        verdict = Verdict.failure(FailureType.INTERNAL, _FAULT)
        if is_disk_full(error):
            verdict = Verdict.failure(FailureType.OUT_OF_DISK, _DISK_FULL)
        failing = False
        while True:
            try:
                self._settle(job, verdict)
            except Exception:  # noqa: BLE001 - the next process takes up what this one cannot end
                if not failing:
                    _log.exception("the end of the job %s cannot be stored yet", job.id)
                failing = True
                if self._stopping.wait(_RETRY_AFTER):
                    return
            else:
                return

    def _settle(self, job: Job, verdict: Verdict) -> None:
        # Outside of the transaction, as others would wait for it.
        self._storage.stage(verdict.paths)
        with self._store.write() as db:
            ended = self._lifecycle.finish(db, job, verdict)
        self._ended(ended)

    def _attempt(self, job: Job, cancelled: threading.Event) -> Verdict:
        try:
            spec = self._specs.make(job)
        except JobFailure as failure:
            return Verdict.failure(failure.failure_type, failure.reason)
        key = self._cache.key(spec) if self._cache else None
        maker = self._cache.find(key, job.owner_id) if self._cache and key else None
        with self._store.write() as db:
            wanted = self._lifecycle.advance(db, job)
        if not wanted:
            raise _Superseded
        if maker is not None:
            return self._served(job, maker, key)
        self._executor.start(spec)
        if cancelled.is_set():
            self._executor.cancel(spec.id)
        outcome = self._executor.wait(spec.id)
        return Verdict(
            failure_type=outcome.failure_type,
            reason=outcome.reason,
            result=outcome.result,
            outputs={name: Output.of(path) for name, path in outcome.files.items()},
            log=Output.of(outcome.log),
            key=key,
        )

    def _served(self, job: Job, maker: Job, key: str | None) -> Verdict:
        """Return the verdict of an attempt that is skipped, as the result of a job is reused."""
        log = self._work.create(job.id, job.attempt) / LOG_FILE
        log.write_text(f"{rfc3339(self._clock())} {_SERVED}\n", encoding="utf-8")
        notices = [*(maker.notices or ()), notice("INFO", "USER", _SERVED)]
        return Verdict(
            failure_type=FailureType.SUCCESS,
            result={"notices": notices},
            log=Output.of(log),
            key=key,
            maker=maker,
        )
