"""Link jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qai_hub.driver import run_blocking
from qai_hub.resources.compile import LoadableTargetJob
from qai_hub.resources.device import Device
from qai_hub.resources.job_request import JobRequest, model_attribute, model_reference
from qai_hub.resources.model import Model
from qai_hub.resources.payload import on_demand
from qai_hub.resources.results import JobResult
from qai_hub.resources.summary import JobSummary
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver


class LinkJob(LoadableTargetJob):
    """Links several models into one context binary.

    Attributes:
        device: Device that it links for.
        models: Input models, in order.

    Examples:
        >>> [model.name for model in link_job.models]
        ['model']
    """

    device: Device = on_demand()
    models: list[Model] = on_demand()

    def _set_fixed_attributes(self, details: api.LinkJob) -> None:
        models = value_or_none(details.models)
        self.device = Device._from_api(details.device)
        self.models = [
            Model._from_api(m, self._owner)
            for m in (value_or_none(models.models) if models else None) or ()
        ]

    def download_results(self, artifacts_dir: str) -> LinkJobResult:
        """Downloads the context binary and the logs, after waiting for the job's end.

        Args:
            artifacts_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            The results; for a failed job, its status with the reason.

        Examples:
            >>> result = link_job.download_results("linked")
            >>> result.status.success
            True
        """
        return run_blocking(self._download_results(self._driver, artifacts_dir))

    async def _download_results(self, driver: Driver, artifacts_dir: str) -> LinkJobResult:
        status = await self._download_target_and_logs(driver, artifacts_dir)
        return LinkJobResult(status, self.url, artifacts_dir)

    @staticmethod
    def _build_request(models: list[Model], device: Device, name: str, options: str) -> JobRequest:
        """Builds the request that creates a link job."""
        from qai_hub_api.models import JobSubmit, LinkJobSubmit, ModelReferenceList

        body = LinkJobSubmit(
            models=ModelReferenceList(models=[model_reference(model) for model in models]),
            device=device._to_api(),
            name=name,
            options=options,
        )
        attributes = {"device": device, "models": [model_attribute(model) for model in models]}
        return JobRequest(JobSubmit(link_job=body), name, attributes)


@dataclass(frozen=True, repr=False)
class LinkJobSummary(JobSummary):
    """Summary of a link job.

    Examples:
        >>> for summary in hub.get_job_summaries(limit=1, type=hub.JobType.LINK):
        ...     print(summary.device_name)
        Samsung Galaxy S24
    """


@dataclass(repr=False)
class LinkJobResult(JobResult):
    """Results of a link job: the linked context binary.

    Examples:
        >>> result = link_job.download_results("linked")
        >>> result.status.success
        True
    """
