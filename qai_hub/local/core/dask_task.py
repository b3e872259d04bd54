"""An attempt as a task of Dask: what is sent to one of its workers, and what that does.

Call and answer are JSON. A worker marks the attempt's folder before it starts: Dask repeats tasks
whose worker has gone, and an attempt is carried out once.
"""

import json
import socket
import threading
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from distributed import Status, get_worker

from qai_hub._version import __version__
from qai_hub.local.core.executor import AttemptSpec
from qai_hub.local.disk import sync
from qai_hub.local.engine.attempt import AttemptCancelled, AttemptOutcome, run_attempt
from qai_hub.local.engine.workers import make_workers

START_MARK = "started"
END_MARK = "ended"

_RUNNING = ("executing", "long-running")
_OPEN = (Status.running, Status.paused, Status.closing_gracefully)
_WORKERS = {warm: make_workers(warm=warm) for warm in (False, True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCall:
    """What a worker is told.

    Attributes:
        spec: The attempt, with the paths of its files.
        folder: Its folder, which the hub has created, within the data folder, which must have the
            same path everywhere.
        warm: Whether its process is forked from one that has imported everything.
        version: The version of the hub.
    """

    spec: AttemptSpec
    folder: Path
    warm: bool
    version: str = __version__

    def to_json(self) -> str:
        """Return it as JSON text."""
        fields = {
            "spec": self.spec.to_json(),
            "folder": str(self.folder),
            "warm": self.warm,
            "version": self.version,
        }
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Create it from what `to_json` returned."""
        fields = json.loads(text)
        return cls(
            spec=AttemptSpec.from_json(fields["spec"]),
            folder=Path(fields["folder"]),
            warm=fields["warm"],
            version=fields["version"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAnswer:
    """What a worker answers: one of these.

    Attributes:
        outcome: The outcome, with paths relative to the attempt's folder.
        refusal: Why it did not start the attempt.
        error: What went wrong, with its trace.
        errno: The number of the system's error, if it was one.
        cancelled: Whether the attempt was cancelled.
    """

    outcome: dict[str, Any] | None = None
    refusal: str = ""
    error: str = ""
    errno: int | None = None
    cancelled: bool = False

    def to_json(self) -> str:
        """Return it as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Create it from what `to_json` returned."""
        return cls(**json.loads(text))

    @classmethod
    def from_outcome(cls, outcome: AttemptOutcome, folder: Path) -> Self:
        """Return the answer that tells the outcome of the attempt in a folder."""
        root = folder.resolve()
        fields = asdict(outcome)
        fields["files"] = {
            name: str(path.relative_to(root)) for name, path in outcome.files.items()
        }
        fields["log"] = str(outcome.log.relative_to(root))
        return cls(outcome=fields)

    def get_outcome(self, folder: Path) -> AttemptOutcome | None:
        """Return the outcome that it tells, with paths in the attempt's folder; None if none."""
        if self.outcome is None:
            return None
        files = {name: folder / path for name, path in self.outcome["files"].items()}
        return AttemptOutcome(
            **{**self.outcome, "files": files, "log": folder / self.outcome["log"]}
        )


def run_task(text: str) -> str:
    """Carry out an attempt, in a task of Dask.

    Args:
        text: A `TaskCall`.

    Returns:
        A `TaskAnswer`.
    """
    version = json.loads(text)["version"]
    if version != __version__:
        return _refuse(f"it has version {__version__} of qai-hub-openapi, and the hub {version}")
    call = TaskCall.from_json(text)
    try:
        (call.folder / START_MARK).touch(exist_ok=False)
    except FileExistsError:
        return _refuse("another worker has started it already")
    except OSError as error:
        return _refuse(
            f"it cannot write to {call.folder} ({error.strerror}): all workers need the hub's data "
            "folder, under the same path and as the same user"
        )
    try:
        return _carry_out(call).to_json()
    except AttemptCancelled:
        return TaskAnswer(cancelled=True).to_json()
    except Exception as error:  # noqa: BLE001 - the hub logs it
        number = error.errno if isinstance(error, OSError) else None
        return TaskAnswer(error=traceback.format_exc(), errno=number).to_json()
    finally:
        # The hub has deleted the folder if it was too late.
        with suppress(OSError):
            (call.folder / END_MARK).touch()


def _carry_out(call: TaskCall) -> TaskAnswer:
    outcome = run_attempt(
        call.spec.request,
        call.folder,
        time_limit=call.spec.time_limit,
        memory_limit=call.spec.memory_limit,
        cancelled=_TaskCancelled(),
        workers=_WORKERS[call.warm],
    )
    # On a network file system the hub cannot do this for another machine.
    for path in (outcome.log, *outcome.files.values()):
        sync(path)
    return TaskAnswer.from_outcome(outcome, call.folder)


def _refuse(why: str) -> str:
    return TaskAnswer(
        refusal=f"the Dask worker on {socket.gethostname()} refuses it: {why}"
    ).to_json()


class _TaskCancelled(threading.Event):
    """Is set once nobody waits for the task that creates it, or its Dask worker ends.

    Dask does not interrupt running tasks: it marks them, and its client's end counts, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    def is_set(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state not in _RUNNING or self._worker.status not in _OPEN
