"""Compile jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.datasets import Dataset
from qai_hub.deprecation import warn_deprecated
from qai_hub.devices import Device
from qai_hub.jobs.payload import expect
from qai_hub.jobs.produced import ProducingJob
from qai_hub.jobs.results import CompileJobResult
from qai_hub.jobs.status import JobStatus
from qai_hub.jobs.types import JobType
from qai_hub.models import Model
from qai_hub.specs import input_specs
from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.client import Client
    from qai_hub.tensors import InputSpecs


class CompileJob(ProducingJob):
    """Compiles a model for a device and a runtime.

    Attributes:
        device: Device that it compiles for.
        compatible_devices: Devices that the target model runs on.
        model: Input model.
        shapes: Shapes and dtypes of the inputs that it was asked for.
        calibration_dataset: Calibration data, if there is any.

    Examples:
        >>> compile_job.device.name, compile_job.model.name
        ('Samsung Galaxy S24', 'model')
    """

    _job_type = JobType.COMPILE
    _states = (JobStatus.State.OPTIMIZING_MODEL,)

    def __init__(self, owner: Client, payload: api.Job) -> None:
        details = self._details(payload)
        self._init_from(owner, payload, details.compile_job_id)
        devices, data = known(details.devices), known(details.calibration_dataset)
        self.device = Device._from_api(details.device)
        self.compatible_devices = [
            Device._from_api(d) for d in (known(devices.devices) if devices else None) or ()
        ]
        self.model = Model._from_api(details.model, owner)
        self.shapes = input_specs(details.tensor_type_list)
        self.calibration_dataset = Dataset._from_api(data, owner) if data else None
        self._target_shapes: InputSpecs | None = None
        self._update(payload)

    @classmethod
    def _details(cls, payload: api.Job) -> api.CompileJob:
        return expect(payload.compile_job, "compile")

    def _update(self, payload: api.Job) -> JobStatus:
        details = self._details(payload)
        status = super()._update(payload)
        self._learn_target(details.target_model)
        if status.success:
            self._target_shapes = input_specs(details.target_tensor_type_list)
        return status

    def download_target_model(self, filename: str) -> str | None:
        """Downloads the target model, after waiting for the job's end.

        Args:
            filename: Path to write; the model's suffix is added where it is missing.

        Returns:
            Path of the file, or None if the job failed.

        Examples:
            >>> compile_job.download_target_model("compiled")
            'compiled.onnx'
        """
        return self._download_target(filename)

    @property
    def target_shapes(self) -> InputSpecs:
        """Shapes and dtypes of the target model's inputs, after waiting for the job's end.

        They are empty if the job failed. Deprecated: call `get_target_shapes`.
        """
        warn_deprecated("CompileJob.target_shapes is deprecated: call get_target_shapes().")
        return self.get_target_shapes() or {}

    def get_target_shapes(self, timeout: float | None = None) -> InputSpecs | None:
        """Shapes and dtypes of the target model's inputs, after waiting for the job's end.

        Args:
            timeout: Seconds to wait at most; None waits for as long as it takes.

        Returns:
            Shape and dtype for each input, in the model's order; None if the job failed.

        Raises:
            TimeoutError: If the job has not ended in time.

        Examples:
            >>> compile_job.get_target_shapes()
            {'x': ((1, 3, 48, 192), 'float32')}
        """
        if self._target_shapes is None:
            self.wait(timeout)
        return self._target_shapes

    def download_results(self, artifacts_dir: str) -> CompileJobResult:
        """Downloads the target model and the logs, after waiting for the job's end.

        Args:
            artifacts_dir: Folder to write to; it is made.

        Returns:
            The results; of a failed job, its status with the reason.

        Examples:
            >>> result = compile_job.download_results("compiled")
            >>> result.status.success
            True
        """
        status = self._download_target_into(artifacts_dir)
        return CompileJobResult(status, self.url, artifacts_dir)

    def __repr__(self) -> str:
        return (
            f"CompileJob(job_id={self.job_id!r}, name={self.name!r},"
            f" model_id={self.model.model_id!r}, device={self.device.name!r})"
        )
