"""What there is to know of a type of job, and where payloads hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.summary import JobSummary
    from qai_hub.status import JobStatus, JobType

J = TypeVar("J")


class Member(NamedTuple):
    """Where the payloads of the API hold a type of job.

    Attributes:
        name: Member of a job's payload, such as `"compile_job"`; in summaries and results its name
            is followed by `_summary` and `_result`, and the identifier is `NAME_id`.
        detail: Member of the result that says how the job was carried out.
    """

    name: str
    detail: str


@dataclass(frozen=True)
class JobKind(Generic[J]):
    """What there is to know of a type of job: one row of `qai_hub.resources.kinds.KINDS`.

    Attributes:
        job_type: The type.
        states: States that such jobs pass through between CREATED and their end.
        job: Class of the jobs.
        summary: Class of their short forms.
        members: Where payloads hold it. An older service has other names for some.
    """

    job_type: JobType
    states: tuple[JobStatus.State, ...]
    job: type[J]
    summary: type[JobSummary]
    members: tuple[Member, ...]

    def find(self, payload: api.Job) -> tuple[str, Any] | None:
        """The part of a payload that is about this type of job.

        Returns:
            Its name and the part; None if the payload is about another type.
        """
        for member in self.members:
            details = known(getattr(payload, member.name))
            if details is not None:
                return member.name, details
        return None

    def result_detail(self, payload: api.JobResult) -> Any | None:  # noqa: ANN401 - by type
        """How a job of this type was carried out; None if the service does not say."""
        for member in self.members:
            result = known(getattr(payload, f"{member.name}_result"))
            if result is not None:
                return known(getattr(result, member.detail))
        return None
