"""What carries out attempts at jobs: on this machine, or, by the same description, on another."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol, Self

from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest


class AttemptId(NamedTuple):
    """Names an attempt. Its number is the fence: what a job is at a later one, it ignores."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSpec:
    """All that it takes to carry out an attempt: it is JSON, and names files by their content.

    Attributes:
        id: The attempt.
        request: What to do; where it has paths, these are ids of files.
        digests: The SHA-256 of each of these files, in hex, by id.
        time_limit: Seconds that the attempt may take.
        memory_limit: Address space that its worker may use, in bytes; None for no limit.
    """

    id: AttemptId
    request: AttemptRequest
    digests: Mapping[str, str]
    time_limit: float
    memory_limit: int | None

    def to_json(self) -> str:
        """Return it as JSON text."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` returned."""
        fields = json.loads(text)
        request = AttemptRequest.from_json(json.dumps(fields["request"]))
        return cls(**{**fields, "id": AttemptId(*fields["id"]), "request": request})


class CannotStartError(Exception):
    """An attempt cannot be started now, and may be later."""


class Executor(Protocol):
    """Carries out attempts. Its methods may be called from any thread."""

    def start(self, spec: AttemptSpec) -> None:
        """Start an attempt.

        Args:
            spec: What to do.

        Raises:
            CannotStartError: It is to be tried again later.
            FileNotFoundError: One of its files is gone.
        """

    def poll(self, attempt: AttemptId) -> AttemptOutcome | None:
        """Return how a started attempt ended; None as long as it is under way.

        The files of the outcome are on this machine, until `release`. A failed job is an outcome.

        Raises:
            AttemptCancelled: It was cancelled.
            Exception: It could not be carried out, by a fault of the hub.
        """

    def wait(self, attempt: AttemptId) -> AttemptOutcome:
        """Wait for the end of a started attempt, and return what `poll` would."""

    def cancel(self, attempt: AttemptId) -> None:
        """Ask an attempt to end; does nothing if it is not under way."""

    def release(self, attempt: AttemptId) -> None:
        """Delete what a started attempt has left, once it has ended; does nothing if none was."""
