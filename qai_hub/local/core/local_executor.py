"""Carries out attempts in processes of this machine."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from qai_hub.local.core.executor import AttemptId, AttemptSpec, CannotStartError
from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.work import WorkFolders


class RunAttempt(Protocol):
    """Carries out one attempt and returns its outcome; `run_attempt` of the engine does."""

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
class _Running:
    """An attempt that has been started.

    Attributes:
        cancelled: Set to ask it to end.
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
    """Runs a worker process for each attempt, watched by a thread. It is an `Executor`.

    Args:
        storage: The files.
        work: Where attempts work.
        run_attempt: Carries out one attempt in a folder, and returns at its end.
    """

    def __init__(self, storage: FileStore, work: WorkFolders, run_attempt: RunAttempt) -> None:
        self._storage = storage
        self._work = work
        self._run_attempt = run_attempt
        self._lock = threading.Lock()
        self._running: dict[AttemptId, _Running] = {}

    def start(self, spec: AttemptSpec) -> None:
        """Start an attempt in a folder of its own."""
        folder = self._work.make(*spec.id)
        running = _Running()
        with self._lock:
            self._running[spec.id] = running
        request = spec.request.located(lambda path: self._storage.localize(str(path), folder))

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

        # A daemon: a process that forgets to stop its hub must still be able to end.
        thread = threading.Thread(target=carry_out, name=f"attempt {spec.id.job_id}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise CannotStartError(str(error)) from error

    def poll(self, attempt: AttemptId) -> AttemptOutcome | None:
        """Return how an attempt ended; None as long as it is under way."""
        running = self._running[attempt]
        return running.result() if running.ended.is_set() else None

    def wait(self, attempt: AttemptId) -> AttemptOutcome:
        """Wait for the end of an attempt, and return how it ended."""
        running = self._running[attempt]
        running.ended.wait()
        return running.result()

    def cancel(self, attempt: AttemptId) -> None:
        """Ask an attempt to end."""
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
