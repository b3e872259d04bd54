"""Submitting inference jobs, which profile jobs are too."""

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
        """Submits an inference job that profiles the model on inputs drawn at random.

        Deprecated: call `submit_inference_job`, which profiles unless it is told not to.

        Args:
            model: A target model: a `Model`, or whatever `upload_model` takes.
            device: Device to profile on, or several.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line: `"--max_profiler_iterations 20"`.
            retry: Whether to wait and try again when the service is asked too often; else
                `RateLimitedError` is raised.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device.

        Raises:
            FileNotFoundError: If there is nothing at a path.
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
        """Submits an inference job, uploading model and inputs where they are not on the hub yet.

        Args:
            model: A target model: a `Model`, or whatever `upload_model` takes.
            device: Device to run on, or several.
            inputs: A `Dataset`, its identifier, or whatever `upload_dataset` takes. None profiles
                on inputs drawn at random, and gives no outputs.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line: `"--compute_unit cpu"`.
            retry: Whether to wait and try again when the service is asked too often; else
                `RateLimitedError` is raised.
            profile: Whether to profile the model layer by layer as well.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device.

        Raises:
            FileNotFoundError: If there is nothing at a path.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> inputs = {"x": [np.ones((1, 3, 48, 192), np.float32)]}
            >>> job = hub.submit_inference_job(target_model, device, inputs)
            >>> job.download_output_data()["y"][0].ravel()
            array([1., 1., 1.], dtype=float32)
        """
        given = model, device, inputs, name, options, retry, profile, project
        return one_or_all(run_blocking(inference_jobs(self._driver, self, *given)))
