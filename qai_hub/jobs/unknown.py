"""Jobs of types that this client does not know: a newer service may have them.

What all job types have in common is read by way of the link job, which has nothing else that a
payload must have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qai_hub.errors import InternalError
from qai_hub.jobs.base import Job
from qai_hub.jobs.results import JobResult

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

        key, details = _only_object(payload.additional_properties)
        common = {"user_id": 0, "name": "", "options": "", "job_state": "JOB_STATE_UNSPECIFIED"}
        return LinkJob.from_dict({**common, **details, "link_job_id": details.get(f"{key}_id", "")})

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
    """What the short forms of all job types have in common."""
    from qai_hub_api.models import LinkJobSummary

    _, summary = _only_object(payload.additional_properties)
    common = {"name": "", "job_state": "JOB_STATE_UNSPECIFIED"}
    names = {"device_name": "", "device_os_version": ""}
    return LinkJobSummary.from_dict({**common, **names, **summary})


def _only_object(properties: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for key, value in properties.items():
        if isinstance(value, Mapping) and "creation_time" in value:
            return key, value
    raise InternalError("The service answered a job without saying anything about it.")
