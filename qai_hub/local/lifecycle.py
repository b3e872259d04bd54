"""What becomes of jobs: each method is one step in the database, within a transaction."""

from sqlalchemy import Connection, select

from qai_hub.local import states
from qai_hub.local.outcomes import Keeper, Verdict
from qai_hub.local.storage import Storage
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import ready_jobs, uses_of, waiting_for
from qai_hub.local.store.rows import JOBS
from qai_hub.local.store.tables import jobs
from qai_hub.local.times import Clock, rfc3339

MAX_LOSSES = 3


class Lifecycle:
    """The steps that a job goes through.

    Args:
        storage: Where files are published.
        clock: Tells the time.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._keeper = Keeper(storage, clock)
        self._clock = clock

    def recover(self, db: Connection) -> None:
        """Queue again what an earlier process of the hub was running when it ended."""
        query = select(jobs.c.id).where(jobs.c.state.in_(states.RUNNING)).order_by(jobs.c.seq)
        for job in JOBS.get_many(db, db.execute(query).scalars()).values():
            losses = job.losses + 1
            JOBS.change(db, job.id, losses=losses)
            if losses < MAX_LOSSES:
                self.requeue(db, job)
                continue
            reason = (
                f"The hub ended {losses} times while the job was running, so it is not tried again."
            )
            self.finish(db, job, Verdict.failure(states.CRASH, reason))

    def claim(self, db: Connection, limit: int) -> list[Job]:
        """Begin an attempt at each of the oldest jobs that can run.

        Args:
            db: A writing transaction.
            limit: Most jobs to take.

        Returns:
            The jobs, with the numbers of their new attempts.
        """
        now, claimed = self._now(), []
        for job in JOBS.get_many(db, ready_jobs(db, states.CREATED, limit)).values():
            JOBS.change(
                db,
                job.id,
                state=states.STARTING[job.kind],
                attempt=job.attempt + 1,
                started=now,
                updated=now,
            )
            claimed.append(job.id)
        return list(JOBS.get_many(db, claimed).values())

    def advance(self, db: Connection, job: Job) -> None:
        """Say that the worker of an attempt is at work."""
        JOBS.change(db, job.id, state=states.WORKING[job.kind], updated=self._now())

    def requeue(self, db: Connection, job: Job) -> None:
        """Give up an attempt, so that another is made."""
        JOBS.change(db, job.id, state=states.CREATED, started=None, updated=self._now())

    def finish(self, db: Connection, job: Job, verdict: Verdict) -> list[str]:
        """End a job, and those that wait for a model that it will not make.

        Args:
            db: A writing transaction.
            job: The job, as it was claimed.
            verdict: How its attempt has ended.

        Returns:
            The jobs that have ended with it; none if another attempt has taken its place.
        """
        if not self._end(db, job, verdict):
            return []
        ended, to_follow = [job.id], [job.id]
        # A loop, and no recursion: chains of jobs may be longer than the stack is deep.
        while to_follow and verdict.failure_type != states.SUCCESS:
            behind = self._fail_dependents(db, to_follow.pop())
            ended += behind
            to_follow += behind
        return ended

    def _end(self, db: Connection, job: Job, verdict: Verdict) -> bool:
        """End one job; False if it has ended, or another attempt has taken this one's place."""
        current = JOBS.get(db, job.id)
        if current is None or current.attempt != job.attempt or current.state in states.FINISHED:
            return False
        done = verdict.failure_type == states.SUCCESS
        if done:
            self._keeper.keep_results(db, job, verdict)
        self._keeper.keep_log(db, job, verdict)
        now = self._now()
        JOBS.change(
            db,
            job.id,
            state=states.DONE if done else states.FAILED,
            started=current.started or now,
            completed=now,
            updated=now,
            failure_type=verdict.failure_type,
            failure_reason=None if done else verdict.reason,
            notices=verdict.result.get("notices"),
        )
        return True

    def fail_behind(self, db: Connection, dependent: Job, producer: Job) -> None:
        """End a job that waits for a model which its producer has failed to make.

        Args:
            db: A writing transaction.
            dependent: The job that waits.
            producer: The job that has failed.
        """
        # Why is told from that job, to those who may see it; of a chain it is the first one.
        cause_id = producer.cause_id or producer.id
        reason = f"A model that this job needs was not made: the job {cause_id} failed."
        if self._end(db, dependent, Verdict.failure(states.DEPENDENCY, reason)):
            JOBS.change(db, dependent.id, cause_id=cause_id)

    def _fail_dependents(self, db: Connection, job_id: str) -> list[str]:
        (producer,) = JOBS.get_many(db, [job_id]).values()
        targets = uses_of(db, [job_id])[job_id].target
        waiting = JOBS.get_many(db, waiting_for(db, targets, states.CREATED))
        for dependent in waiting.values():
            self.fail_behind(db, dependent, producer)
        return list(waiting)

    def _now(self) -> str:
        return rfc3339(self._clock())
