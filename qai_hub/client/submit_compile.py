"""Submitting compile jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.client.submissions import compile_jobs
from qai_hub.client.submit import SubmittingClient, one_or_all
from qai_hub.coroutines import run_blocking

if TYPE_CHECKING:
    from qai_hub.resources.compile import CompileJob
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs


class CompileClient(SubmittingClient):
    """A client that submits compile jobs."""

    def submit_compile_job(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetEntries | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> CompileJob | list[CompileJob]:
        """Submits a compile job, uploading the model if it is not on the hub yet.

        Args:
            model: A `Model`, or anything that `upload_model` accepts.
            device: One or more devices to compile for.
            name: Display name; None uses the model's name.
            input_specs: For each input a shape, or a shape and a dtype: `{"x": (1, 3, 224, 224)}`
                or `{"x": ((1, 3, 224, 224), "float32")}`. This fixes the model's dynamic
                dimensions.
            options: Options, as on a command line: `"--target_runtime onnx"`.
            single_compile: Whether several devices share one job and hence one target model.
            calibration_data: A `Dataset`, its identifier, or anything that `upload_dataset`
                accepts.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            project: Project of the job; None uses the client's default.

        Returns:
            The job; a list of jobs if more than one device was given without `single_compile`.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> job = hub.submit_compile_job(
            ...     "model.onnx",
            ...     hub.Device("Samsung Galaxy S24"),
            ...     input_specs={"x": (1, 3, 48, 192)},
            ...     options="--target_runtime onnx",
            ... )
            >>> job.wait().success
            True
        """
        given = model, device, name, input_specs, options, single_compile, calibration_data
        return one_or_all(run_blocking(compile_jobs(self._driver, self, *given, retry, project)))
