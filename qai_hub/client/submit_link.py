"""Submitting link jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.client.submissions import link_jobs
from qai_hub.client.submit import one_or_all
from qai_hub.client.submit_quantize import QuantizeClient
from qai_hub.coroutines import run_blocking

if TYPE_CHECKING:
    from qai_hub.resources.device import Device
    from qai_hub.resources.link import LinkJob
    from qai_hub.resources.project import Project


class LinkClient(QuantizeClient):
    """A client that submits link jobs."""

    def submit_link_job(
        self,
        models: Any,  # noqa: ANN401 (paths, or models of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> LinkJob | list[LinkJob]:
        """Submits a link job, uploading the models if they are not on the hub yet.

        Args:
            models: QNN DLC models, each given once: a `Model`, or anything that `upload_model`
                accepts.
            device: One or more devices to link for.
            name: Display name; None uses the last model's name.
            options: Options, as on a command line.
            project: Project of the job; None uses the client's default.

        Returns:
            The job, whose target model is a context binary with one graph for each model; a list of
            jobs if more than one device was given.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> compile_jobs = [
            ...     hub.submit_compile_job(model, device, name, options="--target_runtime qnn_dlc")
            ...     for name in ("prefill", "decode")
            ... ]
            >>> models = [job.get_target_model() for job in compile_jobs]
            >>> job = hub.submit_link_job(models, device, name="both")
        """
        given = models, device, name, options, project
        return one_or_all(run_blocking(link_jobs(self._driver, self, *given)))
