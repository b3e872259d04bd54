"""What is inside stored files, as worker processes have read them, for people who look at them."""

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from qai_hub.local.core.turns import Turns
from qai_hub.local.engine.attempt import (
    AttemptCancelled,
    AttemptOutcome,
    AttemptRequest,
    InputModel,
    run_attempt,
)
from qai_hub.local.engine.workers import Workers
from qai_hub.local.enums import FailureType
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.work import WorkFolders

_log = logging.getLogger(__name__)

_PARALLEL: Final = 2
# Files that are read or wait for it: of all users, and of one, so that nobody takes all places.
_MAX_WAITING: Final = 100
_MAX_WAITING_OF_USER: Final = 20
_TIME_LIMIT: Final = 60.0
_MEMORY_LIMIT: Final = 4 << 30
# The answers that are kept, in characters of their JSON.
_MAX_KEPT: Final = 32 << 20
# Seconds after which a file is read again that could not be read for a reason that may pass, such
# as a busy machine.
_RETRY_AFTER: Final = 120.0
_MAX_REASON: Final = 500
_STOP_SECONDS: Final = 10.0
_LASTING: Final = frozenset({FailureType.INVALID_INPUTS, FailureType.MODEL_CORRUPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to tell of a file.

    Attributes:
        file_id: The file.
        model_type: Its format, such as "MODEL_TYPE_ONNX"; empty for a dataset.
        reference_id: The file of another dataset to compare it with; empty for none.
    """

    file_id: str
    model_type: str = ""
    reference_id: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a file so far.

    Attributes:
        result: What the worker told; None while it has not, and if it failed.
        problem: Why the file cannot be read; empty if it can.
    """

    result: Mapping[str, Any] | None = None
    problem: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether the file is being read."""
        return self.result is None and not self.problem


@dataclass(frozen=True, slots=True)
class _Kept:
    inspection: Inspection
    size: int
    until: float = field(default=float("inf"))


class Inspections:
    """Has files read by workers, a few at once, and keeps what they tell, as files never change.

    Users take turns. Workers have the sandbox of jobs, and limits of their own.

    Args:
        storage: The files.
        work: Where workers have their folders.
        workers: Starts them.
        memory_limit: Address space that a job may use, in bytes; None for no limit.
    """

    def __init__(
        self, storage: FileStore, work: WorkFolders, workers: Workers, memory_limit: int | None
    ) -> None:
        self._storage = storage
        self._work = work
        self._workers = workers
        self._memory_limit = min(memory_limit or _MEMORY_LIMIT, _MEMORY_LIMIT)
        self._changed = threading.Condition()
        self._kept: OrderedDict[Question, _Kept] = OrderedDict()
        # What is read or waits for it, and who asked for it first.
        self._asked: dict[Question, int] = {}
        self._turns: Turns[Question] = Turns()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def ask(self, question: Question, user_id: int) -> Inspection:
        """Return what is known of a file, and have it read if nothing is. It never waits.

        Args:
            question: The file.
            user_id: Who asks, and is allowed to read it.
        """
        with self._changed:
            kept = self._kept.get(question)
            if kept is not None and time.monotonic() < kept.until:
                self._kept.move_to_end(question)
                return kept.inspection
            if question in self._asked:
                return Inspection()
            if len(self._asked) >= _MAX_WAITING or self._stopping.is_set():
                return Inspection(problem="Many files are being read. Look again in a minute.")
            if list(self._asked.values()).count(user_id) >= _MAX_WAITING_OF_USER:
                problem = "Many files are being read for you. Look again in a minute."
                return Inspection(problem=problem)
            self._asked[question] = user_id
            self._turns.add(user_id, question)
            self._changed.notify()
            if len(self._threads) < min(_PARALLEL, len(self._asked)):
                name = f"inspection {len(self._threads)}"
                thread = threading.Thread(target=self._serve, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        return Inspection()

    def stop(self) -> None:
        """End the workers."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def _serve(self) -> None:
        while (question := self._take()) is not None:
            try:
                inspection, until = self._inspect(question)
            except AttemptCancelled:
                return
            except FileNotFoundError:
                inspection, until = Inspection(problem="The file no longer exists."), 0.0
            except Exception:  # noqa: BLE001 - whoever looks at the file is told
                _log.exception("the file %s cannot be read now", question.file_id)
                until = time.monotonic() + _RETRY_AFTER
                inspection = Inspection(problem="The hub cannot read it at the moment.")
            self._keep(question, inspection, until)

    def _take(self) -> Question | None:
        """Return what to read next, once there is something; None at the end."""
        with self._changed:
            while not self._stopping.is_set():
                question = self._turns.take()
                if question is not None:
                    return question
                self._changed.wait()
        return None

    def _inspect(self, question: Question) -> tuple[Inspection, float]:
        """Have a file read; return what is known of it, and until when that holds."""
        with self._work.temporary() as folder:
            path = self._storage.localize(question.file_id, folder)
            if question.model_type:
                model = InputModel(path=path, model_type=question.model_type)
                request = AttemptRequest(kind="inspect", inputs=(model,), options="")
            else:
                other = question.reference_id
                reference = self._storage.localize(other, folder) if other else None
                request = AttemptRequest(
                    kind="inspect", inputs=(), options="", dataset=path, reference=reference
                )
            outcome = run_attempt(
                request,
                folder,
                time_limit=_TIME_LIMIT,
                memory_limit=self._memory_limit,
                cancelled=self._stopping,
                workers=self._workers,
            )
            if not outcome.succeeded and not all(file.exists() for file in request.files):
                # It has been deleted since.
                raise FileNotFoundError
        if outcome.succeeded:
            return Inspection(outcome.result), float("inf")
        lasts = outcome.failure_type in _LASTING
        until = float("inf") if lasts else time.monotonic() + _RETRY_AFTER
        return Inspection(problem=self._describe_failure(outcome)), until

    def _describe_failure(self, outcome: AttemptOutcome) -> str:
        match outcome.failure_type:
            case FailureType.TIMEOUT:
                return f"Reading it takes longer than {_TIME_LIMIT:.0f} s."
            case FailureType.OUT_OF_MEMORY:
                return f"Reading it takes more than {self._memory_limit >> 20} MiB of memory."
            case FailureType.OUT_OF_DISK:
                return "The disk of this hub is full."
            case FailureType.CRASH | FailureType.INTERNAL:
                _log.warning("reading a file failed: %s", outcome.reason)
                return "The process that read it has failed."
        # It may quote names of the file's, which can be of any length.
        reason = outcome.reason
        return reason if len(reason) <= _MAX_REASON else f"{reason[:_MAX_REASON]}…"

    def _keep(self, question: Question, inspection: Inspection, until: float) -> None:
        size = len(json.dumps(inspection.result)) + len(inspection.problem)
        # A problem that is gone at once is still shown to those who wait for the answer.
        until = max(until, time.monotonic() + 1.0)
        with self._changed:
            del self._asked[question]
            self._kept[question] = _Kept(inspection, size, until)
            self._kept.move_to_end(question)
            while sum(each.size for each in self._kept.values()) > _MAX_KEPT:
                self._kept.popitem(last=False)
