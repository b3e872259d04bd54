"""What becomes of jobs: each method is one step in the database, within a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from qai_hub.local import states
from qai_hub.local.storage import Storage, file_digest
from qai_hub.local.store.files import add_file
from qai_hub.local.store.ids import new_id
from qai_hub.local.store.records import Artifact, File, Job
from qai_hub.local.store.relations import (
    add_artifact,
    add_result,
    add_uses,
    ready_jobs,
    uses_of,
    waiting_for,
)
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS
from qai_hub.local.store.tables import jobs
from qai_hub.local.times import Clock, rfc3339

MAX_LOSSES = 3
DATASET_LIFETIME = timedelta(days=30)
_REASON_LIMIT = 2000
# What the results of jobs that make models tell.
_DETAIL = ("tool_versions", "psnr")


@dataclass(frozen=True, slots=True)
class Output:
    """A file that an attempt has left, measured and ready to be published."""

    file: File
    path: Path

    @classmethod
    def of(cls, path: Path) -> "Output":
        """Measure a file. It takes time: not for within a transaction."""
        return cls(File(new_id("f"), path.stat().st_size, file_digest(path)), path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an attempt has ended.

    Attributes:
        failure_type: A JobFailureType; that of success if the job is done.
        reason: Why it failed, for its user; empty on success.
        result: What the attempt has found out.
        outputs: The files that it has made: `target_model`, `output_data`.
        log: Its log; None for an attempt that never began.
    """

    failure_type: str
    reason: str = ""
    result: Mapping[str, Any]
    outputs: Mapping[str, Output]
    log: Output | None = None

    @classmethod
    def failure(cls, failure_type: str, reason: str) -> "Verdict":
        """Return the verdict of an attempt that has left nothing."""
        return cls(failure_type=failure_type, reason=reason, result={}, outputs={})


class Lifecycle:
    """The steps that a job goes through.

    Args:
        storage: Where files are published.
        clock: Tells the time.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
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
            self._keep_results(db, job, verdict)
        self._keep_log(db, job, verdict)
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

    def _keep_results(self, db: Connection, job: Job, verdict: Verdict) -> None:
        result, uses = verdict.result, uses_of(db, [job.id])[job.id]
        profile = result.get("profile")
        for name, output in verdict.outputs.items():
            add_file(db, output.file)
            self._storage.publish(output.path, output.file.id)
            if name == "target_model":
                MODELS.change(
                    db,
                    uses.target[0],
                    file_id=output.file.id,
                    model_type=result["target_model_type"],
                    is_directory=output.path.suffix == ".zip",
                    producer_attempt=job.attempt,
                    input_spec=_tensors(result["input_spec"]),
                    output_spec=_tensors(result["output_spec"]),
                )
            else:
                self._add_output_dataset(db, job, output)
        if job.kind in ("inference", "profile"):
            add_result(db, job.id, {} if profile is None else {"detail": profile})
        else:
            add_result(db, job.id, {name: result[name] for name in _DETAIL if name in result})
        if profile is not None:
            memory = profile.get("execution_memory", {}).get("peak")
            JOBS.change(db, job.id, execution_time=profile["execution_time"], peak_memory=memory)

    def _add_output_dataset(self, db: Connection, job: Job, output: Output) -> None:
        key = new_id("d")
        DATASETS.add(
            db,
            id=key,
            owner_id=job.owner_id,
            project_id=job.project_id,
            name=f"{job.name} outputs",
            created=self._now(),
            expires=rfc3339(self._clock() + DATASET_LIFETIME),
            file_id=output.file.id,
        )
        add_uses(db, job.id, "output", [key])

    def _keep_log(self, db: Connection, job: Job, verdict: Verdict) -> None:
        log = verdict.log
        if log is None:
            line = f"{self._now()} The job did not run: {verdict.failure_type}: {verdict.reason}\n"
            log = Output.of(self._storage.scratch_file(line))
        add_file(db, log.file)
        self._storage.publish(log.path, log.file.id)
        add_artifact(db, Artifact(job.id, states.HUB_LOG, "hub.log", log.file.id))

    def fail_behind(self, db: Connection, dependent: Job, producer: Job) -> None:
        """End a job that waits for a model which its producer has failed to make.

        Args:
            db: A writing transaction.
            dependent: The job that waits.
            producer: The job that has failed.
        """
        reason = (
            f"The job {producer.id}, which was to make the input model, failed: "
            f"{(producer.failure_reason or '')[:_REASON_LIMIT]}"
        )
        self._end(db, dependent, Verdict.failure(states.DEPENDENCY, reason))

    def _fail_dependents(self, db: Connection, job_id: str) -> list[str]:
        (producer,) = JOBS.get_many(db, [job_id]).values()
        targets = uses_of(db, [job_id])[job_id].target
        waiting = JOBS.get_many(db, waiting_for(db, targets, states.CREATED))
        for dependent in waiting.values():
            self.fail_behind(db, dependent, producer)
        return list(waiting)

    def _now(self) -> str:
        return rfc3339(self._clock())


def _tensors(specs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn what the execution tells of tensors into the contract's form."""
    return [
        {
            "name": spec["name"],
            "tensor_type": {
                "shape": list(spec["shape"]),
                "dtype": f"TENSOR_DTYPE_{spec['dtype'].upper()}",
            },
        }
        for spec in specs
    ]
