"""The description of a job type, and where payloads hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.summary import JobSummary
    from qai_hub.status import JobStatus, JobType

J = TypeVar("J")


class PayloadField(NamedTuple):
    """Where API payloads hold a job type.

    Attributes:
        name: Member of a job's payload, such as `"compile_job"`; in summaries and results its name
            is followed by `_summary` and `_result`, and the identifier is `NAME_id`.
        detail: Member of the result that describes how the job ran.
    """

    name: str
    detail: str


@dataclass(frozen=True)
class JobKind(Generic[J]):
    """The description of a job type: one row of `qai_hub.resources.kinds.KINDS`.

    Attributes:
        job_type: The type.
        states: States of such jobs between CREATED and their end.
        job: Class of the jobs.
        summary: Class of their summaries.
        members: Where payloads hold it; some have other names in an older service.
    """

    job_type: JobType
    states: tuple[JobStatus.State, ...]
    job: type[J]
    summary: type[JobSummary]
    fields: tuple[PayloadField, ...]

    def get_details(self, payload: api.Job) -> tuple[str, Any] | None:
        """Returns the part of a payload that is specific to this job type.

        Returns:
            Its name and the part; None if the payload describes a job of another type.
        """
        for field in self.fields:
            details = value_or_none(getattr(payload, field.name))
            if details is not None:
                return field.name, details
        return None

    def result_tools(self, payload: api.JobResult) -> Sequence[api.ToolVersion]:
        """Returns the tools that a job of this type used; none if the service does not report them.

        Local hubs report those of inference jobs without profiling, too, beside the missing detail.
        """
        for field in self.fields:
            result = value_or_none(getattr(payload, f"{field.name}_result"))
            if result is not None:
                detail = value_or_none(getattr(result, field.detail)) or result
                return value_or_none(getattr(detail, "tool_versions", None)) or ()
        return ()
