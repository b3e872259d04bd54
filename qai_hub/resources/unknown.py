"""Jobs of types that this client does not know, as a newer service may have.

What all job types have in common is read as if it were a link job: that payload requires no other
fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.coroutines import run_blocking
from qai_hub.resources.job import Job
from qai_hub.resources.payload import job_in
from qai_hub.resources.results import JobResult

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver


class UnknownJob(Job):
    """A job of a type that this client does not know.

    It can be waited for, renamed and shared, and its logs can be downloaded.
    """

    def _find(self, payload: api.Job) -> tuple[str, Any]:
        from qai_hub_api.models import LinkJob

        job_id, details = job_in(payload.additional_properties)
        return "link_job", LinkJob.from_dict({**details, "link_job_id": job_id})

    def download_results(self, artifacts_dir: str) -> JobResult:
        """Downloads the logs of the job, after waiting for its end.

        Args:
            artifacts_dir: Folder to write to; created if missing.

        Returns:
            The final status, without results: this client does not know their form.
        """
        return run_blocking(self._results(self._driver, artifacts_dir))

    async def _results(self, driver: Driver, artifacts_dir: str) -> JobResult:
        status = await driver.wait(self)
        await self._download_artifacts(driver, artifacts_dir)
        return JobResult(status, self.url, artifacts_dir)

    def __repr__(self) -> str:
        return f"UnknownJob(job_id={self.job_id!r}, name={self.name!r})"
