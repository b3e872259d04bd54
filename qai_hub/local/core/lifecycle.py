"""The lifecycle of jobs: each method is one step in the database, within a transaction.

Each step names its attempt and the states that the job may be in, and the database checks both as
it changes the job. So an attempt that another has superseded changes nothing. Where files are on a
storage that is remote, steps that end jobs postpone the writing of logs: `Store.run` carries them
out.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, func, select

from qai_hub.local.clock import Clock, rfc3339
from qai_hub.local.config import DEFAULT_RETENTION, Retention
from qai_hub.local.core import kinds as states
from qai_hub.local.core.results import AttemptResult, ResultStore
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store.events import Topic, publish
from qai_hub.local.store.job_lists import end_jobs
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import get_dependents, get_uses, mark_ready
from qai_hub.local.store.rows import JOBS, Conditions
from qai_hub.local.store.schema import jobs, users

MAX_LOSSES = 3
_NO_LEASE = {"node_id": None, "lease": None}
# Jobs that one statement ends: SQLite limits the number of values in a statement.
_BATCH_SIZE = 1000


class Lifecycle:
    """The steps that a job goes through.

    Args:
        storage: Where files are published.
        work: The folders of attempts.
        clock: Returns the current time.
        retention: How long things are kept.
    """

    def __init__(
        self,
        storage: FileStore,
        work: WorkFolders,
        clock: Clock,
        retention: Retention = DEFAULT_RETENTION,
    ) -> None:
        self._work = work
        self._results = ResultStore(storage, work, clock, retention.datasets)
        self._clock = clock

    def recover_all(self, db: Connection) -> None:
        """Queue the jobs again that were running when an earlier process of the hub ended."""
        query = (
            select(jobs.c.id)
            # The owners let an index find the few that were running.
            .where(jobs.c.owner_id.in_(select(users.c.id)))
            .where(jobs.c.state.in_(states.RUNNING_STATES))
            .order_by(jobs.c.seq)
        )
        self.recover(db, db.execute(query).scalars())

    def lose(self, db: Connection, job: Job) -> bool:
        """Count a lost attempt, and queue the job again unless there were too many.

        Args:
            db: A writing transaction.
            job: The job, as it was claimed.

        Returns:
            Whether it was the job's current attempt.
        """
        found = JOBS.get(db, job.id)
        is_current = (
            found is not None
            and found.attempt == job.attempt
            and found.state in states.RUNNING_STATES
        )
        if is_current:
            self.recover(db, [job.id])
        return is_current

    def recover(self, db: Connection, job_ids: Iterable[str]) -> None:
        """Queue jobs again whose attempts were lost with what ran them.

        Args:
            db: A writing transaction.
            job_ids: The jobs, which are running as far as the database knows.
        """
        for job in JOBS.get_many(db, job_ids).values():
            losses = job.losses + 1
            JOBS.update(db, job.id, losses=losses)
            if losses < MAX_LOSSES:
                self.requeue(db, job)
                continue
            reason = (
                f"What ran the job ended {losses} times before the job did, so it is not retried."
            )
            self.finish(db, job, AttemptResult.failure(FailureType.CRASH, reason))

    def claim(
        self,
        db: Connection,
        job_id: str,
        **lease: Any,  # noqa: ANN401 - columns
    ) -> Job | None:
        """Begin an attempt at a job.

        Args:
            db: A writing transaction.
            job_id: A job that can run.
            lease: The columns of the process that carries it out, if there are several.

        Returns:
            The job, with the number of the new attempt; None if it is no longer queued.
        """
        job, now = JOBS.get(db, job_id), self._now()
        if job is None:
            return None
        claimed = self._update_if_current(
            db,
            job,
            (states.CREATED,),
            state=states.KINDS[job.kind].starting_state,
            attempt=job.attempt + 1,
            started=now,
            updated=now,
            **lease,
        )
        if not claimed:
            return None
        publish(db, Topic.CHANGED, [job_id])
        return JOBS.get(db, job_id)

    def advance(self, db: Connection, job: Job) -> bool:
        """Record that the worker of an attempt has started.

        Returns:
            Whether the attempt is still the job's current one; if not, it must be abandoned.
        """
        allowed_states = (states.KINDS[job.kind].starting_state,)
        return self._update_if_current(
            db, job, allowed_states, state=states.KINDS[job.kind].working_state, updated=self._now()
        )

    def requeue(self, db: Connection, job: Job, *, needs: str | None = None) -> bool:
        """Abandon an attempt and queue the job again.

        Args:
            db: A writing transaction.
            job: The job, as it was claimed.
            needs: What it needs, as it is stored, if it turned out to be more than was known.

        Returns:
            Whether it was the job's current attempt: a job that has ended, or is queued, stays as
            it is.
        """
        publish(db, Topic.QUEUED)
        publish(db, Topic.CHANGED, [job.id])
        return self._update_if_current(
            db,
            job,
            states.RUNNING_STATES,
            state=states.CREATED,
            started=None,
            updated=self._now(),
            needs=job.needs if needs is None else needs,
            **_NO_LEASE,
        )

    def finish(self, db: Connection, job: Job, result: AttemptResult) -> list[str]:
        """End a job, and the jobs that wait for a model that it failed to make.

        Args:
            db: A writing transaction.
            job: The job, as it was claimed.
            result: How its attempt ended.

        Returns:
            The jobs that have ended, this one included; none if another attempt has superseded this
            one.
        """
        return self._finish(db, job, result, states.RUNNING_STATES)

    def cancel(self, db: Connection, job: Job, email: str) -> list[str]:
        """Cancel a job on a user's request, whether it is running or queued.

        Its worker, if there is one, is stopped elsewhere; its results no longer count.

        Args:
            db: A writing transaction.
            job: The job, as read in this transaction.
            email: E-mail address of the user who cancels it.

        Returns:
            The jobs that have ended, this one included; none if it had ended before.
        """
        reason, log = f"Cancelled by {email}.", None
        if job.state in states.RUNNING_STATES:
            text = self.read_log(job)
            log = self._results.write_log(db, job.id, f"{text}{self._now()} {reason}\n")
        result = AttemptResult(failure_type=FailureType.CANCELLED, reason=reason, log=log)
        return self._finish(db, job, result, states.UNFINISHED_STATES)

    def read_log(self, job: Job) -> str:
        """Return the log of a job that is running, so far.

        It is empty if the job is not running, or on a machine whose folder this process does not
        see.
        """
        if job.state not in states.RUNNING_STATES:
            return ""
        return self._work.read_log(job.id, job.attempt, job.node_id)

    def fail_dependents(self, db: Connection, cause: Job, dependents: Iterable[str]) -> list[str]:
        """Fail jobs that wait for a model that will not be made, and jobs that wait for theirs.

        There may be many, so they are ended in batches and share one log.

        Args:
            db: A writing transaction.
            cause: The job that has failed.
            dependents: The jobs that wait for its model.

        Returns:
            The jobs that have ended.
        """
        # The reason is read from that job, for users who may see it. In a chain of jobs, it is the
        # first that failed.
        cause_id = cause.cause_id or cause.id
        reason = f"A model that this job needs was not made: the job {cause_id} failed."
        result = AttemptResult.failure(FailureType.DEPENDENCY, reason)
        values = {**self._final_columns(result), "cause_id": cause_id}
        ended, pending = list[str](), list(dependents)
        while pending:
            batch, pending = pending[:_BATCH_SIZE], pending[_BATCH_SIZE:]
            failed = end_jobs(db, batch, jobs.c.state == states.CREATED, **values)
            ended += failed
            pending += get_dependents(db, failed, states.CREATED)
        if ended:
            (first,) = JOBS.get_many(db, ended[:1]).values()
            self._results.save_log(db, ended, first.owner_id, result, f"what needs {cause_id}")
            publish(db, Topic.ENDED, ended)
        return ended

    def _finish(
        self, db: Connection, job: Job, result: AttemptResult, allowed_states: Collection[str]
    ) -> list[str]:
        if not self._end(db, job, result, allowed_states):
            return []
        publish(db, Topic.ENDED, [job.id])
        if result.failure_type == FailureType.SUCCESS:
            mark_ready(db, get_uses(db, [job.id])[job.id].target, states.CREATED)
            publish(db, Topic.QUEUED)
            return [job.id]
        (failed,) = JOBS.get_many(db, [job.id]).values()
        dependents = get_dependents(db, [job.id], states.CREATED)
        return [job.id, *self.fail_dependents(db, failed, dependents)]

    def _end(
        self, db: Connection, job: Job, result: AttemptResult, allowed_states: Collection[str]
    ) -> bool:
        """End one job; False if it has ended, or another attempt has superseded this one."""
        is_current = self._is_current(job, allowed_states)
        if not end_jobs(db, [job.id], *is_current, **self._final_columns(result)):
            return False
        if result.failure_type == FailureType.SUCCESS:
            self._results.save_results(db, job, result)
        self._results.save_log(db, [job.id], job.owner_id, result, job.id)
        return True

    def _final_columns(self, result: AttemptResult) -> dict[str, Any]:
        """Return the columns of a job that change at its end."""
        done, now = result.failure_type == FailureType.SUCCESS, self._now()
        return {
            "state": states.DONE if done else states.FAILED,
            "started": func.coalesce(jobs.c.started, now),
            "completed": now,
            "updated": now,
            "failure_type": result.failure_type,
            "failure_reason": None if done else result.reason,
            "notices": result.report.get("notices"),
            **_NO_LEASE,
        }

    def _update_if_current(
        self,
        db: Connection,
        job: Job,
        allowed_states: Collection[str],
        **values: Any,  # noqa: ANN401 - columns of any type
    ) -> bool:
        """Change a job if its attempt and state match; return whether they did."""
        return JOBS.update_if(db, job.id, *self._is_current(job, allowed_states), **values)

    def _is_current(self, job: Job, allowed_states: Collection[str]) -> Conditions:
        return (jobs.c.attempt == job.attempt, jobs.c.state.in_(allowed_states))

    def _now(self) -> str:
        return rfc3339(self._clock())
