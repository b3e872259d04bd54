"""The `Executor` protocol: carries out attempts at jobs, on this machine or on another."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol, Self

from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest


class AttemptId(NamedTuple):
    """Identifies an attempt. Its number fences it: a job ignores all attempts but the latest."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSpec:
    """The complete description of an attempt: JSON that identifies files by their content.

    Attributes:
        id: The attempt.
        request: The request for the worker; its paths are ids of files.
        digests: The SHA-256 digest of each of these files, in hex, by id.
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
        """Create it from what `to_json` returned."""
        fields = json.loads(text)
        request = AttemptRequest.from_json(json.dumps(fields["request"]))
        return cls(**{**fields, "id": AttemptId(*fields["id"]), "request": request})


class CannotStartError(Exception):
    """An attempt cannot be started now, but may be later."""


class AttemptLost(Exception):  # noqa: N818 - it may be a fault of the attempt's
    """What carried out an attempt ended before it did."""


class Executor(Protocol):
    """Carries out attempts. Its methods may be called from any thread."""

    def start(self, spec: AttemptSpec) -> None:
        """Start an attempt.

        Args:
            spec: The attempt.

        Raises:
            CannotStartError: It cannot start now; try again later.
            FileNotFoundError: One of its files is missing.
        """

    def poll(self, attempt: AttemptId) -> AttemptOutcome | None:
        """Return the outcome of a started attempt; None while it is running.

        The files of the outcome are on this machine until `release`. A failed job is an outcome,
        too.

        Raises:
            AttemptCancelled: It was cancelled.
            AttemptLost: The machine or process that carried it out is lost.
            CannotStartError: It never started, or nobody will tell how it ends; try again later.
            Exception: It could not be carried out, through a fault of the hub.
        """

    def wait(self, attempt: AttemptId) -> AttemptOutcome:
        """Wait until a started attempt ends, and return what `poll` would."""

    def cancel(self, attempt: AttemptId) -> None:
        """Cancel an attempt; does nothing if it is not running."""

    def release(self, attempt: AttemptId) -> None:
        """Delete the files of an attempt that has ended; does nothing if it never started."""
