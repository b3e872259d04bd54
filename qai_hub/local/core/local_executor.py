"""Attempts in processes of this machine."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from qai_hub.local.core.executor import AttemptId, AttemptSpec, CannotStartError
from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store.records import Job


@dataclass(eq=False, slots=True)
class _AttemptThread:
    job: Job
    cancelled: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def id(self) -> AttemptId:
        return AttemptId(self.job.id, self.job.attempt)


class RunningAttempts:
    """The running attempts, and how they are cancelled.

    Args:
        on_ended: Called, in its thread, when an attempt has ended.
        on_cancel: Called with the job of an attempt that is being cancelled.
    """

    def __init__(self, on_ended: Callable[[], None], on_cancel: Callable[[Job], None]) -> None:
        self._on_cancel = on_cancel
        self._on_ended = on_ended
        self._lock = threading.Lock()
        self._running: set[_AttemptThread] = set()

    def start(self, job: Job, run: Callable[[Job, threading.Event], None]) -> None:
        """Start an attempt.

        Args:
            job: The job, as it was claimed.
            run: Carries it out; returns early once the event is set.

        Raises:
            RuntimeError: This process cannot start another thread.
        """
        attempt = _AttemptThread(job)

        def carry_out() -> None:
            try:
                run(job, attempt.cancelled)
            finally:
                self._remove(attempt)
                self._on_ended()

        # Daemons, so that a process that forgets to stop its hub can still exit.
        attempt.thread = threading.Thread(target=carry_out, name=job.id, daemon=True)
        with self._lock:
            self._running.add(attempt)
        try:
            attempt.thread.start()
        except RuntimeError:
            self._remove(attempt)
            raise

    def count_by_owner(self) -> Counter[int]:
        """Return the number of running attempts by the owner of their jobs."""
        with self._lock:
            return Counter(attempt.job.owner_id for attempt in self._running)

    def get_ids(self) -> set[AttemptId]:
        """Return the running attempts."""
        with self._lock:
            return {attempt.id for attempt in self._running}

    def cancel(self, attempts: Collection[AttemptId]) -> None:
        """Cancel some of the attempts."""
        self._cancel(lambda attempt: attempt.id in attempts)

    def cancel_jobs(self, job_ids: Collection[str]) -> None:
        """Cancel all attempts at some jobs."""
        self._cancel(lambda attempt: attempt.job.id in job_ids)

    def join(self, seconds: float) -> None:
        """Wait until the attempts that are running now have ended, for some seconds at most."""
        with self._lock:
            running = tuple(self._running)
        deadline = time.monotonic() + seconds
        for attempt in running:
            if attempt.thread is not None:
                attempt.thread.join(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Cancel all attempts and wait for their end; no more may be started."""
        with self._lock:
            running = tuple(self._running)
        for attempt in running:
            self._request_cancel(attempt)
        for attempt in running:
            if attempt.thread is not None:
                attempt.thread.join()

    def _cancel(self, is_meant: Callable[[_AttemptThread], bool]) -> None:
        with self._lock:
            asked = [attempt for attempt in self._running if is_meant(attempt)]
        for attempt in asked:
            self._request_cancel(attempt)

    def _request_cancel(self, attempt: _AttemptThread) -> None:
        # In this order, because the thread that starts the attempt checks the event afterwards.
        attempt.cancelled.set()
        self._on_cancel(attempt.job)

    def _remove(self, attempt: _AttemptThread) -> None:
        with self._lock:
            self._running.discard(attempt)


class RunAttempt(Protocol):
    """Carries out one attempt and returns its outcome, as the engine's `run_attempt` does."""

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


@dataclass(eq=False, slots=True)
class _RunningAttempt:
    """An attempt that has been started.

    Attributes:
        cancelled: Set to cancel it.
        ended: Set once it has ended, with an outcome or an error.
    """

    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    outcome: AttemptOutcome | None = None
    error: BaseException | None = None

    def result(self) -> AttemptOutcome:
        if self.error is not None:
            raise self.error
        assert self.outcome is not None  # noqa: S101 - for the type checker
        return self.outcome


class LocalExecutor:
    """An `Executor` that runs a worker process for each attempt, supervised by a thread.

    Args:
        storage: The files.
        work: The folders of attempts.
        run_attempt: Carries out one attempt in a folder, and returns when it has ended.
    """

    def __init__(self, storage: FileStore, work: WorkFolders, run_attempt: RunAttempt) -> None:
        self._storage = storage
        self._work = work
        self._run_attempt = run_attempt
        self._lock = threading.Lock()
        self._running: dict[AttemptId, _RunningAttempt] = {}

    def start(self, spec: AttemptSpec) -> None:
        """Start an attempt in a new folder."""
        folder = self._work.create(*spec.id)
        running = _RunningAttempt()
        with self._lock:
            self._running[spec.id] = running
        request = spec.request.with_paths(lambda path: self._storage.localize(str(path), folder))

        def carry_out() -> None:
            try:
                running.outcome = self._run_attempt(
                    request,
                    folder,
                    time_limit=spec.time_limit,
                    memory_limit=spec.memory_limit,
                    cancelled=running.cancelled,
                )
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                running.error = error
            finally:
                running.ended.set()

        # A daemon, so that a process that forgets to stop its hub can still exit.
        thread = threading.Thread(target=carry_out, name=f"attempt {spec.id.job_id}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise CannotStartError(str(error)) from error

    def poll(self, attempt: AttemptId) -> AttemptOutcome | None:
        """Return the outcome of an attempt; None while it is running."""
        running = self._running[attempt]
        return running.result() if running.ended.is_set() else None

    def wait(self, attempt: AttemptId) -> AttemptOutcome:
        """Wait until an attempt ends, and return its outcome."""
        running = self._running[attempt]
        running.ended.wait()
        return running.result()

    def cancel(self, attempt: AttemptId) -> None:
        """Cancel an attempt."""
        with self._lock:
            running = self._running.get(attempt)
        if running is not None:
            running.cancelled.set()

    def release(self, attempt: AttemptId) -> None:
        """Delete the folder of an attempt."""
        with self._lock:
            started = self._running.pop(attempt, None)
        if started is not None:
            self._work.remove(*attempt)
