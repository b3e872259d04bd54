"""The class of job summaries, as lists of jobs return them, which each job type extends."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from qai_hub.resources.job_view import JobView, format_job, name_type
from qai_hub.resources.model_types import SourceModelType
from qai_hub.resources.payload import User
from qai_hub.status import JobStatus, JobType
from qai_hub.transport.values import (
    has_ended,
    to_local_time,
    to_utc,
    unexpected_response,
    valid_id_or_empty,
    value_or_none,
)

if TYPE_CHECKING:
    from qai_hub.owner import Owner


@dataclass(frozen=True, repr=False)
class JobSummary(ABC):
    """Summary of a job.

    Attributes:
        job_id: Identifier; starts with `j`.
        name: Display name.
        date: When it was submitted, as a naive local datetime; 1970 if the service does not report
            it.
        username: E-mail address of the submitter; empty if the service does not report it.
        status: Status when the list was fetched.
        job_type: Type of the job.
        url: URL of the job's page.
        device_name: Name of the device; None for jobs without one.
        created_at: When it was submitted, in UTC; None if the service does not report it.
        queued_at: When it was queued, in UTC.
        started_at: When it started to run, in UTC; None before.
        completed_at: When it ended, in UTC; None before.
        owner: Who submitted it; None if the service does not report it.
        device_os_version: Version of the device's operating system; None for jobs without one.
        project_id: Project that it belongs to, if any.
        target_model_type: Format of the model that it produces or runs; None if not known.

    Examples:
        >>> summary = next(hub.iter_job_summaries())
        >>> hub.get_job(summary.job_id).name == summary.name
        True
    """

    job_id: str
    name: str
    date: datetime
    username: str
    status: JobStatus
    job_type: JobType
    url: str
    device_name: str | None
    created_at: datetime | None = field(default=None, kw_only=True)
    queued_at: datetime | None = field(default=None, kw_only=True)
    started_at: datetime | None = field(default=None, kw_only=True)
    completed_at: datetime | None = field(default=None, kw_only=True)
    owner: User | None = field(default=None, kw_only=True)
    device_os_version: str | None = field(default=None, kw_only=True)
    project_id: str | None = field(default=None, kw_only=True)
    target_model_type: SourceModelType | None = field(default=None, kw_only=True)

    @classmethod
    def _from_api(cls, summary: Any, job_type: JobType, owner: Owner) -> Self:  # noqa: ANN401
        """Creates a summary from a payload.

        The fields are set all at once: a frozen dataclass sets them one by one, which takes longer
        than everything else in a list of summaries.

        Raises:
            InternalError: If there is no identifier.
        """
        if not valid_id_or_empty(summary.job_id):
            raise unexpected_response("the summary of a job")
        user = User._from_api(summary.user)
        model_type = value_or_none(summary.target_model_type)
        completed = to_utc(summary.completion_time)
        instance = object.__new__(cls)
        instance.__dict__.update(
            job_id=summary.job_id,
            name=summary.name,
            date=to_local_time(summary.creation_time),
            username=user.email if user else "",
            status=JobStatus._from_wire(summary.job_state.value, ended=has_ended(completed)),
            job_type=job_type,
            url=f"{owner.config.web_url}/jobs/{summary.job_id}/",
            device_name=getattr(summary, "device_name", None) or None,
            created_at=to_utc(summary.creation_time),
            queued_at=to_utc(summary.queued_time),
            started_at=to_utc(summary.start_time),
            completed_at=completed,
            owner=user,
            device_os_version=getattr(summary, "device_os_version", None) or None,
            project_id=value_or_none(summary.project_id),
            target_model_type=SourceModelType._from_api(model_type) if model_type else None,
            **cls._extra_fields(summary),
        )
        return instance

    @classmethod
    def _extra_fields(cls, summary: Any) -> dict[str, object]:  # noqa: ANN401 - by type
        """Returns the fields that only summaries of this type have."""
        return {}

    def __repr__(self) -> str:
        return format_job(type(self).__name__, self.status, vars(self))

    def _repr_html_(self) -> str:
        return self._view.to_html()

    def _html_row(self) -> dict[str, str]:
        return self._view.to_row()

    @property
    def _type_name(self) -> str:
        """What people read as its type."""
        return name_type(self.job_type, vars(self))

    @property
    def _view(self) -> JobView:
        return JobView(self.job_type, self.url, self.status, vars(self))
