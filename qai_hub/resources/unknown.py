"""Jobs of types that this client does not know: a newer service may have them.

What all job types have in common is read by way of the link job, which has nothing else that a
payload must have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qai_hub.resources.job import Job
from qai_hub.resources.results import JobResult
from qai_hub.transport.values import identified, not_understood

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.client import Client


class UnknownJob(Job):
    """A job of a type that this client does not know.

    It can be waited for, renamed and shared, and its logs can be downloaded.
    """

    def __init__(self, owner: Client, payload: api.Job) -> None:
        self._init_from(owner, payload, self._details(payload).link_job_id)
        self._update(payload)

    @classmethod
    def _details(cls, payload: api.Job) -> api.LinkJob:
        from qai_hub_api.models import LinkJob

        job_id, details = _job_in(payload.additional_properties)
        return LinkJob.from_dict({**details, "link_job_id": job_id})

    def download_results(self, artifacts_dir: str) -> JobResult:
        """Downloads the logs of the job, after waiting for its end.

        Args:
            artifacts_dir: Folder to write to; it is made.

        Returns:
            The final status; this client does not know what else there is.
        """
        status = self.wait()
        self._download_into(artifacts_dir)
        return JobResult(status, self.url, artifacts_dir)

    def __repr__(self) -> str:
        return f"UnknownJob(job_id={self.job_id!r}, name={self.name!r})"


def unknown_summary(payload: api.JobSummary) -> api.LinkJobSummary:
    """What the short forms of all job types have in common.

    Raises:
        InternalError: If the payload is about no job.
    """
    from qai_hub_api.models import LinkJobSummary

    job_id, summary = _job_in(payload.additional_properties)
    return LinkJobSummary.from_dict({**summary, "job_id": job_id})


def _job_in(properties: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The first property that is about a job: the identifier of that, and what is told of it."""
    for key, value in properties.items():
        if not isinstance(value, dict):
            continue
        for name in ("job_id", f"{key}_id"):
            told = value.get(name)
            if isinstance(told, str) and identified(told):
                return told, value
    raise not_understood("a job")
