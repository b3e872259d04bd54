"""Submitting compile jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.client.submit import SubmittingClient, one_or_all
from qai_hub.resources.compile import CompileJob
from qai_hub.submit.checks import (
    check_devices,
    check_options,
    check_specs,
    check_text,
)
from qai_hub.submit.drafts import Draft, compile_draft
from qai_hub.submit.model_checks import check_compiles

if TYPE_CHECKING:
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
        """Submits a compile job, uploading the model where it is not on the hub yet.

        Args:
            model: A `Model`, or whatever `upload_model` takes.
            device: Device to compile for, or several.
            name: Name that people will see; None takes the model's.
            input_specs: For each input a shape, or a shape and a dtype: `{"x": (1, 3, 224, 224)}`
                or `{"x": ((1, 3, 224, 224), "float32")}`. It fixes dimensions that the model
                leaves open.
            options: Options, as on a command line: `"--target_runtime onnx"`.
            single_compile: Whether several devices share one job, and so one target model.
            calibration_data: A `Dataset`, its identifier, or whatever `upload_dataset` takes.
            retry: Whether to wait and try again when the service is asked too often; else
                `RateLimitedError` is raised.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device without `single_compile`.

        Raises:
            FileNotFoundError: If there is nothing at a path.
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
        devices = check_devices(device)
        options, title = check_options("options", options), check_text("name", name)
        specs = check_specs(input_specs)
        check_compiles(model, specs, options)
        checked = None if calibration_data is None else self._checked_data(calibration_data)
        choices = self._choose(devices)
        source = self.upload_model(model, project=project)
        data = None if checked is None else self._upload_dataset(checked, project=project)
        groups = [choices] if single_compile else [[choice] for choice in choices]

        def draft(devices: list[Device]) -> Draft:
            return compile_draft(source, devices, title or source.name, specs, options, data)

        planned = [(group, draft) for group in groups]
        return one_or_all(self._create(CompileJob, planned, project, retry))
