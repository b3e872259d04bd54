"""Runs jobs: the database says which, a bounded number of threads carry out attempts."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from qai_hub.local import states
from qai_hub.local.execution.attempt import (
    AttemptCancelled,
    AttemptOutcome,
    AttemptRequest,
    RequestKind,
    TensorSpec,
)
from qai_hub.local.lifecycle import Lifecycle, Output, Verdict
from qai_hub.local.storage import Storage
from qai_hub.local.store import Store
from qai_hub.local.store.records import Dataset, Job, Model
from qai_hub.local.store.relations import ready_jobs, uses_of
from qai_hub.local.store.rows import DATASETS, MODELS
from qai_hub.local.times import Clock

_log = logging.getLogger(__name__)
_RUN_HERE = ("compile", "quantize", "inference", "profile")
_KINDS: Mapping[str, RequestKind] = {"compile": "compile", "quantize": "quantize"}
_RETRY_AFTER = 1.0


class RunAttempt(Protocol):
    """Carries out one attempt and returns its outcome; `run_attempt` of the execution does."""

    def __call__(
        self,
        request: AttemptRequest,
        folder: Path,
        *,
        time_limit: float,
        memory_limit: int | None,
        cancelled: threading.Event,
    ) -> AttemptOutcome:
        """Carry out an attempt."""


class Scheduler:
    """Runs what is queued in the database, oldest first, as soon as its input is there.

    Args:
        store: The database.
        storage: The files.
        clock: Tells the time.
        run_attempt: Carries out one attempt.
        ended: Told, from any thread, which jobs have ended.
        max_parallel: Attempts at once.
        time_limit: Seconds that one attempt may take.
        memory_limit: Address space that its worker may use, in bytes; None for no limit.
    """

    def __init__(
        self,
        store: Store,
        storage: Storage,
        clock: Clock,
        run_attempt: RunAttempt,
        ended: Callable[[Iterable[str]], None],
        *,
        max_parallel: int,
        time_limit: float,
        memory_limit: int | None = None,
    ) -> None:
        self._store = store
        self._storage = storage
        self._lifecycle = Lifecycle(storage, clock)
        self._run_attempt = run_attempt
        self._ended = ended
        self._max_parallel = max_parallel
        self._time_limit = time_limit
        self._memory_limit = memory_limit
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._busy: dict[str, threading.Thread] = {}
        self._dispatcher = threading.Thread(target=self._dispatch, name="scheduler", daemon=True)

    def start(self) -> None:
        """Take up what an earlier process has left, and begin to run jobs."""
        self._storage.clear_work()
        with self._store.write() as db:
            self._lifecycle.recover(db)
        self._awake.set()
        self._dispatcher.start()

    def wake(self) -> None:
        """Look for jobs that can run; from any thread."""
        self._awake.set()

    def stop(self) -> None:
        """Cancel what is running, which is queued again for the next process, and end."""
        self._stopping.set()
        self._awake.set()
        if self._dispatcher.ident is not None:
            self._dispatcher.join()
        for thread in tuple(self._busy.values()):
            thread.join()

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._awake.wait()
            self._awake.clear()
            try:
                self._begin_ready()
            except Exception:  # noqa: BLE001 - without the scheduler no job would ever run
                _log.exception("the scheduler cannot look for jobs")
                self._stopping.wait(_RETRY_AFTER)
                self._awake.set()

    def _begin_ready(self) -> None:
        while not self._stopping.is_set():
            free = self._max_parallel - len(self._busy)
            if free == 0 or not self._any_ready():
                return
            with self._store.write() as db:
                claimed = self._lifecycle.claim(db, free)
            for job in claimed:
                # Daemons: a process that forgets to stop its hub must still be able to end.
                thread = threading.Thread(target=self._run, args=(job,), name=job.id, daemon=True)
                self._busy[job.id] = thread
                thread.start()

    def _any_ready(self) -> bool:
        with self._store.read() as db:
            return bool(ready_jobs(db, states.CREATED, 1))

    def _run(self, job: Job) -> None:
        try:
            self._carry_out(job)
        except Exception:  # noqa: BLE001 - whatever it is, the next process takes the job up again
            _log.exception("the job %s could not be queued again", job.id)
        finally:
            self._busy.pop(job.id)
            self._awake.set()

    def _carry_out(self, job: Job) -> None:
        try:
            with self._storage.work_folder(job.id, job.attempt) as folder:
                self._settle(job, self._attempt(job, folder))
        except AttemptCancelled:
            with self._store.write() as db:
                self._lifecycle.requeue(db, job)
        except Exception:  # noqa: BLE001 - a fault of the hub must not leave the job running
            _log.exception("attempt %d of the job %s failed in the hub", job.attempt, job.id)
            self._give_up(job)

    def _give_up(self, job: Job) -> None:
        """Fail a job through a fault of the hub, as soon as its database, or disk, lets it."""
        reason = "The hub could not carry out the job. The log of the hub tells more."
        while True:
            try:
                self._settle(job, Verdict.failure(states.INTERNAL, reason))
            except Exception:  # noqa: BLE001 - the next process takes up what this one cannot end
                _log.exception("the end of the job %s cannot be stored", job.id)
                if self._stopping.wait(_RETRY_AFTER):
                    return
            else:
                return

    def _settle(self, job: Job, verdict: Verdict) -> None:
        with self._store.write() as db:
            ended = self._lifecycle.finish(db, job, verdict)
        self._ended(ended)

    def _attempt(self, job: Job, folder: Path) -> Verdict:
        if job.kind not in _RUN_HERE:
            reason = f"This hub cannot run {job.kind} jobs. It runs {', '.join(_RUN_HERE)} jobs."
            return Verdict.failure(states.UNSUPPORTED, reason)
        with self._store.read() as db:
            uses = uses_of(db, [job.id])[job.id]
            model = MODELS.get_many(db, uses.input)[uses.input[0]]
            dataset = next(iter(DATASETS.get_many(db, uses.dataset).values()), None)
        request = self._request(job, model, dataset)
        if request.dataset is not None and not request.dataset.exists():
            reason = "The dataset expired before the job could run: upload its data again."
            return Verdict.failure(states.INVALID_INPUTS, reason)
        with self._store.write() as db:
            self._lifecycle.advance(db, job)
        outcome = self._run_attempt(
            request,
            folder,
            time_limit=self._time_limit,
            memory_limit=self._memory_limit,
            cancelled=self._stopping,
        )
        return Verdict(
            failure_type=outcome.failure_type,
            reason=outcome.reason,
            result=outcome.result,
            outputs={name: Output.of(path) for name, path in outcome.files.items()},
            log=Output.of(outcome.log),
        )

    def _request(self, job: Job, model: Model, dataset: Dataset | None) -> AttemptRequest:
        data = None if dataset is None else self._storage.file(dataset.file_id or "")
        return AttemptRequest(
            kind=_KINDS.get(job.kind, "run"),
            model=self._storage.file(model.file_id or ""),
            model_type=model.model_type or "",
            options=job.options,
            input_specs=tuple(
                TensorSpec(
                    name=spec["name"],
                    shape=tuple(spec["tensor_type"]["shape"]),
                    dtype=spec["tensor_type"]["dtype"].removeprefix("TENSOR_DTYPE_").lower(),
                )
                for spec in job.input_specs or ()
            ),
            dataset=None if job.kind == "compile" else data,
            profile=job.kind == "profile",
            weights_dtype=_short(job.weights_dtype),
            activations_dtype=_short(job.activations_dtype),
        )


def _short(dtype: str | None) -> str:
    return (dtype or "").removeprefix("QUANTIZE_DTYPE_")
