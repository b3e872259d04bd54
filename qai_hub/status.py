"""Job types, job states and artifact types."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from enum import Enum
from typing import Any

from qai_hub.display import html
from qai_hub.display.text import format_fields, one_line

__all__ = ["JobStatus"]


class JobType(Enum):
    """Type of a job. A profile job is an inference job with profiling on.

    Examples:
        >>> hub.get_job(inference_job.job_id, hub.JobType.INFERENCE).job_type
        'inference'
    """

    COMPILE = 3
    INFERENCE = 2
    PROFILE = 2  # noqa: PIE796 (an alias: a profile job is an inference job)
    QUANTIZE = 4
    LINK = 5
    UNSPECIFIED = 0

    @property
    def display_name(self) -> str:
        """Name in lower case, such as `"compile"`."""
        return self.name.lower()


class JobArtifactType(Enum):
    """Type of an artifact: a file that a job writes besides its result.

    Examples:
        >>> hub.JobArtifactType.HUB_LOG in job.get_available_artifacts()
        True
    """

    DEVICE_LOG = 1
    HUB_LOG = 5
    PROFILE_TRACE = 6
    QHAS_SUMMARY = 8


_logger = logging.getLogger("qai_hub")

_WIRE_PREFIX = "JOB_STATE_"


@dataclass(frozen=True, eq=False)
class JobStatus:
    """State of a job when it was fetched, with the server's message.

    A status equals another status in the same state, that state, and the state's name as a string:
    `status == JobStatus.State.SUCCESS` and `status == "SUCCESS"` are equivalent. All three have the
    same hash. The message is ignored: two failures are equal whatever their reasons.

    Attributes:
        state: The state.
        message: Why the job failed, or the server's report of its progress.

    Examples:
        >>> status = job.wait()
        >>> status == hub.JobStatus.State.SUCCESS, status == "SUCCESS", status.success
        (True, True, True)
    """

    class State(Enum):
        """States of jobs, with their numbers on the wire.

        A state that this release does not know gets a member too: its name is the server's, or
        `UNKNOWN_` and the number, and its value is what the server sent.

        Examples:
            >>> ended = [hub.JobStatus.State.SUCCESS, hub.JobStatus.State.FAILED]
            >>> job.get_status().state in ended
            True
        """

        SUCCESS = 10
        FAILED = 30
        CREATED = 1
        UNSPECIFIED = 0
        OPTIMIZING_MODEL = 50
        PROVISIONING_DEVICE = 60
        MEASURING_PERFORMANCE = 70
        RUNNING_INFERENCE = 80
        QUANTIZING_MODEL = 90
        LINKING_MODELS = 100

        def __eq__(self, other: object) -> bool:
            if isinstance(other, str):
                return self.name == other
            if isinstance(other, JobStatus.State):
                return self.name == other.name
            return NotImplemented

        def __hash__(self) -> int:
            return hash(self.name)

        def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
            return _parse_state, (self.value,)

    state: State
    message: str | None = None

    # Whether the server reports that the job has ended although its state does not imply that.
    _has_ended = False

    @classmethod
    def _from_wire(
        cls, value: str | int, message: str | None = None, *, ended: bool = False
    ) -> JobStatus:
        """Creates a status from what the server sent.

        Args:
            value: Name or number of the state, whether this release knows it or not.
            message: The server's message.
            ended: Whether the server reports an end time: then the job has ended, whatever its
                state.

        Returns:
            The status.
        """
        if message is None:
            return _cached_status(value, ended)
        status = cls(_parse_state(value), message)
        if not ended or status.finished:
            return status
        reason = f"The job ended in the state {status.code}"
        status = cls(status.state, f"{reason}: {message}" if message else f"{reason}.")
        object.__setattr__(status, "_has_ended", True)
        return status

    @staticmethod
    def all_running_states() -> list[State]:
        """Returns the states in which a job is neither queued nor finished.

        Returns:
            The states, including `UNSPECIFIED`.

        Examples:
            >>> running = hub.get_job_summaries(state=hub.JobStatus.all_running_states())
        """
        return [state for state in JobStatus.State if JobStatus(state).running]

    @property
    def code(self) -> str:
        """Name of the state."""
        return self.state.name

    @property
    def success(self) -> bool:
        """Whether the job has ended successfully."""
        return self.state is JobStatus.State.SUCCESS

    @property
    def failure(self) -> bool:
        """Whether the job has failed, or ended in any state other than success."""
        return self.state is JobStatus.State.FAILED or (self._has_ended and not self.success)

    @property
    def finished(self) -> bool:
        """Whether the job has ended, successfully or not."""
        return self.success or self.failure

    @property
    def pending(self) -> bool:
        """Whether the job is queued."""
        return self.state is JobStatus.State.CREATED and not self._has_ended

    @property
    def running(self) -> bool:
        """Whether the job has started and not ended; an unknown state counts as running."""
        return not self.finished and not self.pending

    @property
    def symbol(self) -> str:
        """Symbol for the state."""
        return "✅" if self.success else "❌" if self.failure else "⏳"

    def __eq__(self, obj: object) -> bool:
        if isinstance(obj, JobStatus):
            return self.state == obj.state
        if isinstance(obj, JobStatus.State | str):
            return self.state == obj
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.state)

    def __repr__(self) -> str:
        return format_fields("JobStatus", {"code": self.code, "message": self.message})

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code

    def _repr_html_(self) -> str:
        return html.card(self._to_markup())

    def _html_row(self) -> dict[str, str]:
        return {"status": self._to_badge(), "reason": self.message or ""}

    def _to_markup(self) -> html.Markup:
        """Returns the state, with the message below."""
        return html.join([self._to_badge(), html.paragraph(self.message or "")])

    def _to_badge(self) -> html.Markup:
        return html.badge(one_line(self.code, 60).replace("_", " ").lower(), self._colour)

    @property
    def _colour(self) -> str:
        if self.success:
            return html.GREEN
        if self.failure:
            return html.RED
        return html.GREY if self.pending else html.BLUE


# Members for states that this release does not know, by name: one per state and process.
_unknown: dict[str, JobStatus.State] = {}


@functools.cache
def _cached_status(value: str | int, ended: bool) -> JobStatus:
    """Returns a status without a message: cached, since lists have many equal ones."""
    status = JobStatus(_parse_state(value))
    if ended and not status.finished:
        object.__setattr__(status, "_has_ended", True)
    return status


@functools.cache
def _parse_state(value: str | int) -> JobStatus.State:
    if isinstance(value, str):
        name = value.removeprefix(_WIRE_PREFIX) or "UNSPECIFIED"
        name = "SUCCESS" if name == "DONE" else name
    elif value in JobStatus.State._value2member_map_:
        return JobStatus.State(value)
    else:
        name = f"UNKNOWN_{value}"
    if name in JobStatus.State.__members__:
        return JobStatus.State[name]
    if name not in _unknown:
        member: Any = object.__new__(JobStatus.State)
        member._name_, member._value_ = name, value
        if _unknown.setdefault(name, member) is member:
            _logger.warning(
                "The server reports the job state %r, which this release does not know: the job "
                "counts as running until the server reports its end. A newer release of "
                "qai-hub-openapi may know the state.",
                value,
            )
    return _unknown[name]
