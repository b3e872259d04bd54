"""Attempts on the workers of a Dask cluster, which share the hub's data folder.

The hub has the inputs of an attempt in that folder before it hands the attempt out. So workers need
no access to another storage of files.
"""

import logging
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from distributed import Future, KilledWorker
from distributed.client import ClosedClientError

from qai_hub.local.core.attempt_resources import get_resources
from qai_hub.local.core.dask_client import CONNECTION_ERRORS, DaskConnection
from qai_hub.local.core.dask_task import END_MARK, START_MARK, TaskAnswer, TaskCall, run_task
from qai_hub.local.core.executor import AttemptId, AttemptLost, AttemptSpec, CannotStartError
from qai_hub.local.engine.attempt import AttemptCancelled, AttemptOutcome
from qai_hub.local.executor_address import DaskAddress
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.work import WorkFolders

# How long a task may wait for a worker before the log tells of it.
_LONG_WAIT = 60.0
# How long to wait for a worker to end an attempt that it is no longer to run.
_END_SECONDS = 5.0
_POLL_SECONDS = 0.05
_MAX_PRIORITY = 10

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Running:
    """An attempt that was handed to Dask.

    Attributes:
        folder: Its folder.
        needs: The resources that it asks for.
        cancelled: Set to cancel it.
        future: Its task; None until it is submitted.
        may_run: Whether it may still be running although its task is over.
    """

    folder: Path
    needs: dict[str, float]
    cancelled: threading.Event = field(default_factory=threading.Event)
    future: Future[str] | None = None
    may_run: bool = False

    @property
    def has_started(self) -> bool:
        return (self.folder / START_MARK).exists()

    def ends_within(self, seconds: float) -> bool:
        """Wait for the mark by which the worker tells that it writes no more."""
        deadline = time.monotonic() + seconds
        while not (self.folder / END_MARK).exists():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


class DaskExecutor:
    """An `Executor` that makes each attempt a task of a Dask cluster.

    A task is never repeated by Dask: if its worker dies, the hub starts another attempt.

    Args:
        address: The cluster.
        storage: The files.
        work: The folders of attempts, within the hub's data folder, which all workers find under
            the same path.
        warm: Whether attempts are forked from a process that has imported everything.
    """

    def __init__(
        self, address: DaskAddress, storage: FileStore, work: WorkFolders, *, warm: bool
    ) -> None:
        self._resources = address.resources
        self._storage = storage
        self._work = work
        self._warm = warm
        self._connection = DaskConnection(address.scheduler)
        self._lock = threading.Lock()
        self._running: dict[AttemptId, _Running] = {}

    def open(self) -> None:
        """Connect to the scheduler; jobs wait if it cannot be reached.

        Raises:
            DaskSettingError: The scheduler has a setting that the hub cannot work with.
        """
        self._connection.open()

    def close(self) -> None:
        """Disconnect; attempts that are still running end."""
        self._connection.close()

    def start(self, spec: AttemptSpec) -> None:
        """Hand an attempt to Dask, with a new folder."""
        found = get_resources(spec)
        needs = {name: need for name, need in found.items() if name in self._resources}
        folder = self._work.create(*spec.id)
        running = _Running(folder, needs)
        with self._lock:
            self._running[spec.id] = running
        request = spec.request.with_paths(
            lambda path: self._storage.localize(str(path), folder).absolute()
        )
        call = TaskCall(
            spec=replace(spec, request=request), folder=folder.absolute(), warm=self._warm
        )
        client = self._connection.get(running.cancelled)
        try:
            running.future = client.submit(
                run_task,
                call.to_json(),
                # Dask guesses from its first part how long a task takes.
                key=(f"qai-hub-{spec.request.kind}", *spec.id, secrets.token_hex(8)),
                pure=False,
                retries=0,
                resources=needs or None,
                # Who has lost an attempt has waited longest.
                priority=min(spec.id.attempt - 1, _MAX_PRIORITY),
            )
        except CONNECTION_ERRORS as error:
            raise CannotStartError(str(error)) from error
        if running.cancelled.is_set():
            running.future.cancel()

    def poll(self, attempt: AttemptId) -> AttemptOutcome | None:
        """Return the outcome of an attempt; None while it is queued or running."""
        future = self._running[attempt].future
        return self.wait(attempt) if future is not None and future.done() else None

    def wait(self, attempt: AttemptId) -> AttemptOutcome:
        """Wait until an attempt ends, and return its outcome."""
        running = self._running[attempt]
        try:
            answer = TaskAnswer.from_json(self._get_result(attempt, running))
        except Exception as error:
            running.may_run = not isinstance(error, KilledWorker)
            raise _explain(error, running) from error
        outcome = answer.get_outcome(running.folder)
        if outcome is not None:
            return outcome
        if answer.cancelled:
            raise AttemptCancelled
        if answer.refusal:
            running.may_run = True
            raise CannotStartError(answer.refusal)
        if answer.errno is not None:
            raise OSError(answer.errno, answer.error)
        raise RuntimeError(answer.error)

    def cancel(self, attempt: AttemptId) -> None:
        """Cancel an attempt: its worker kills the attempt's processes."""
        with self._lock:
            running = self._running.get(attempt)
        if running is None:
            return
        running.cancelled.set()
        if running.future is not None and not running.future.done():
            with suppress(ClosedClientError):
                running.future.cancel()

    def release(self, attempt: AttemptId) -> None:
        """Delete the folder of an attempt, once nothing is written to it any more."""
        with self._lock:
            running = self._running.pop(attempt, None)
        if running is None:
            return
        if running.future is not None:
            running.future.release()
        if running.may_run and running.has_started:
            running.ends_within(_END_SECONDS)
        self._work.remove(*attempt)

    def _get_result(self, attempt: AttemptId, running: _Running) -> str:
        future = running.future
        assert future is not None  # noqa: S101 - only started attempts are waited for
        try:
            return future.result(timeout=_LONG_WAIT)
        except TimeoutError:
            if not running.has_started:
                _log.warning(
                    "attempt %d of the job %s waits for a Dask worker%s",
                    attempt.attempt,
                    attempt.job_id,
                    f" with the resources {running.needs}" if running.needs else "",
                )
            return future.result()


def _explain(error: Exception, running: _Running) -> Exception:
    """Return what an error of Dask means for an attempt."""
    if running.cancelled.is_set():
        return AttemptCancelled()
    if not running.has_started:
        return CannotStartError(f"no Dask worker has started it: {error}")
    if isinstance(error, KilledWorker):
        where = f"the Dask worker at {error.last_worker.address}"
        if running.ends_within(_END_SECONDS):
            return CannotStartError(f"{where} was stopped")
        return AttemptLost(f"{where} died")
    if isinstance(error, CONNECTION_ERRORS):
        return CannotStartError(f"Dask tells no more of it: {error}")
    return error
