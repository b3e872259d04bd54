"""Submitting inference jobs; a profile job is an inference job with profiling on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.client.submissions import inference_jobs
from qai_hub.client.submit import one_or_all
from qai_hub.client.submit_compile import CompileClient
from qai_hub.coroutines import run_blocking
from qai_hub.errors import warn_deprecated

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.inference import InferenceJob
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries


class InferenceClient(CompileClient):
    """A client that submits inference and profile jobs."""

    def submit_profile_job(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]:
        """Submits an inference job that profiles the model on random inputs.

        Deprecated: call `submit_inference_job`, which profiles by default.

        Args:
            model: A target model: a `Model`, or anything that `upload_model` accepts.
            device: One or more devices to profile on.
            name: Display name; None uses the model's name.
            options: Options, as on a command line: `"--max_profiler_iterations 20"`.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            project: Project of the job; None uses the client's default.

        Returns:
            The job; a list of jobs if more than one device was given.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> # Use this instead.
            >>> job = hub.submit_inference_job(target_model, device)
            >>> [layer.name for layer in job.get_profile().layers]
            ['averaging']
        """
        warn_deprecated(
            "submit_profile_job is deprecated: call submit_inference_job, which profiles as well."
        )
        return self.submit_inference_job(
            model, device, None, name, options, retry, profile=True, project=project
        )

    def submit_inference_job(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        inputs: Dataset | DatasetEntries | str | None = None,
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        profile: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]:
        """Submits an inference job, uploading model and inputs if they are not on the hub yet.

        Args:
            model: A target model: a `Model`, or anything that `upload_model` accepts.
            device: One or more devices to run on.
            inputs: A `Dataset`, its identifier, or anything that `upload_dataset` accepts. None
                profiles on random inputs and produces no outputs.
            name: Display name; None uses the model's name.
            options: Options, as on a command line: `"--compute_unit cpu"`.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            profile: Whether to profile the model layer by layer as well.
            project: Project of the job; None uses the client's default.

        Returns:
            The job; a list of jobs if more than one device was given.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> inputs = {"x": [np.ones((1, 3, 48, 192), np.float32)]}
            >>> job = hub.submit_inference_job(target_model, device, inputs)
            >>> job.download_output_data()["y"][0].ravel()
            array([1., 1., 1.], dtype=float32)
        """
        given = model, device, inputs, name, options, retry, profile, project
        return one_or_all(run_blocking(inference_jobs(self._driver, self, *given)))
