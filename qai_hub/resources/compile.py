"""Jobs that produce a target model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from qai_hub.driver import run_blocking
from qai_hub.errors import warn_deprecated
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device
from qai_hub.resources.downloads import download_file, download_into_folder, load_bytes
from qai_hub.resources.job import Job
from qai_hub.resources.job_request import (
    JobRequest,
    dataset_attribute,
    dataset_reference,
    model_attribute,
    model_reference,
)
from qai_hub.resources.model import Model
from qai_hub.resources.payload import input_specs, on_demand, specs_to_api
from qai_hub.resources.results import JobResult
from qai_hub.resources.summary import JobSummary
from qai_hub.transfer.s3 import s3_support_parameter
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

    from qai_hub.driver import Driver
    from qai_hub.resources.target_check import TargetCheck
    from qai_hub.status import JobStatus
    from qai_hub.tensors import InputSpecs, ParsedSpecs


class TargetModelJob(Job):
    """A job that produces a target model."""

    _target_model: Model | None = None

    def get_target_model(self) -> Model | None:
        """Returns the target model, which other jobs can use before this one has ended.

        Returns:
            The target model; None if the service did not name one and the job failed.

        Examples:
            >>> target_model = compile_job.get_target_model()
            >>> inference_job = hub.submit_inference_job(target_model, device, dataset)
        """
        return run_blocking(self._fetch_target(self._driver))

    async def _fetch_target(self, driver: Driver) -> Model | None:
        """Returns the target model; waits for the job's end if it is not known before."""
        if self._target_model is None and self._is_partial:
            await self._fetch(driver)
        if self._target_model is None:
            await driver.wait(self)
        return self._target_model

    async def _save_target(self, driver: Driver, filename: str) -> str | None:
        """Downloads the target model to a path; None if the job failed."""
        if not (await driver.wait(self)).success:
            return None
        return await download_file(driver, lambda: self._fetch_target_file(driver), filename)

    async def _load_target(self, driver: Driver) -> bytes | None:
        """Loads the target model into memory; None if the job failed."""
        if not (await driver.wait(self)).success:
            return None
        return await load_bytes(driver, lambda: self._fetch_target_file(driver))

    async def _download_target_and_logs(self, driver: Driver, artifacts_dir: str) -> JobStatus:
        """Downloads the target model, if there is one, and the logs into a folder."""
        status = await driver.wait(self)
        await self._download_artifacts(driver, artifacts_dir)
        if status.success:
            await download_into_folder(
                driver, lambda: self._fetch_target_file(driver), artifacts_dir
            )
        return status

    async def _fetch_target_file(self, driver: Driver) -> api.FileDownloadResponse:
        from qai_hub_api.api.jobs import get_compiled_model_download

        return await driver.call(
            get_compiled_model_download.sync,
            self.job_id,
            supports_s3_credentials=s3_support_parameter(),
        )

    def _set_changing_attributes(self, payload: api.Job, details: Any) -> JobStatus:  # noqa: ANN401 - by type
        """Updates the target model too: the service reports more about it when the job is done."""
        status = super()._set_changing_attributes(payload, details)
        self._update_target(details.target_model)
        return status

    def _update_target(self, target: api.Model | Unset) -> None:
        model = value_or_none(target)
        if model is None:
            return
        if self._target_model is None:
            self._target_model = Model._from_api(model, self._owner, producer=self)
        else:
            self._target_model._update(model)


class LoadableTargetJob(TargetModelJob):
    """A job whose target model can also be downloaded into memory."""

    @overload
    def download_target_model(self, filename: None = None) -> bytes | None: ...

    @overload
    def download_target_model(self, filename: str) -> str | None: ...

    def download_target_model(self, filename: str | None = None) -> bytes | str | None:
        """Downloads the target model, after waiting for the job's end.

        Args:
            filename: Path to write; the model's suffix is added if missing. An existing file is
                replaced. None loads the file into memory.

        Returns:
            Path of the file, or its bytes; None if the job failed.

        Examples:
            >>> link_job.download_target_model("linked")
            'linked.bin'
        """
        if filename is None:
            return run_blocking(self._load_target(self._driver))
        return run_blocking(self._save_target(self._driver, filename))


class CompileJob(TargetModelJob):
    """Compiles a model for a device and a runtime.

    Attributes:
        device: Device that it compiles for.
        compatible_devices: Devices that the target model runs on.
        model: Input model.
        shapes: Shapes and dtypes of the inputs, as submitted.
        calibration_dataset: Calibration data; None if there is none.

    Examples:
        >>> compile_job.device.name, compile_job.model.name
        ('Samsung Galaxy S24', 'model')
    """

    device: Device = on_demand()
    compatible_devices: list[Device] = on_demand()
    model: Model = on_demand()
    shapes: InputSpecs = on_demand()
    calibration_dataset: Dataset | None = on_demand()

    _target_shapes: InputSpecs | None = None

    def _set_fixed_attributes(self, details: api.CompileJob) -> None:
        devices, data = value_or_none(details.devices), value_or_none(details.calibration_dataset)
        self.device = Device._from_api(details.device)
        self.compatible_devices = [
            Device._from_api(d) for d in (value_or_none(devices.devices) if devices else None) or ()
        ]
        self.model = Model._from_api(details.model, self._owner)
        self.shapes = input_specs(details.tensor_type_list)
        self.calibration_dataset = Dataset._from_api(data, self._owner) if data else None

    def _set_changing_attributes(self, payload: api.Job, details: api.CompileJob) -> JobStatus:
        status = super()._set_changing_attributes(payload, details)
        if status.success:
            self._target_shapes = input_specs(details.target_tensor_type_list)
        return status

    def download_target_model(self, filename: str) -> str | None:
        """Downloads the target model, after waiting for the job's end.

        Args:
            filename: Path to write; the model's suffix is added if missing. An existing file is
                replaced.

        Returns:
            Path of the file, or None if the job failed.

        Examples:
            >>> compile_job.download_target_model("compiled")
            'compiled.onnx'
        """
        return run_blocking(self._save_target(self._driver, filename))

    @property
    def target_shapes(self) -> InputSpecs:
        """Shapes and dtypes of the target model's inputs, after waiting for the job's end.

        Empty if the job failed. Deprecated: call `get_target_shapes`.
        """
        warn_deprecated("CompileJob.target_shapes is deprecated: call get_target_shapes().")
        return self.get_target_shapes() or {}

    def get_target_shapes(self, timeout: float | None = None) -> InputSpecs | None:
        """Shapes and dtypes of the target model's inputs, after waiting for the job's end.

        Args:
            timeout: Maximum seconds to wait; None waits without limit.

        Returns:
            Shape and dtype of each input, in the model's order; None if the job failed.

        Raises:
            TimeoutError: If the job has not ended in time.

        Examples:
            >>> compile_job.get_target_shapes()
            {'x': ((1, 3, 48, 192), 'float32')}
        """
        if self._target_shapes is None:
            self.wait(timeout)
        return self._target_shapes

    def get_target_check(self) -> TargetCheck | None:
        """Returns how close the target model is to the source model, after waiting for the job.

        A local hub runs target models for QNN in simulation, and compares them with their source
        models on the CPU: on the calibration data, or else on random inputs.

        Returns:
            The comparison of each output. None if the job failed, or the service or this target has
            no check.

        Examples:
            >>> check = dlc_job.get_target_check()
            >>> check.status, [output.name for output in check.outputs if output.is_far]
            ('CLOSE', [])
        """
        from qai_hub_api.api.jobs import get_job_result

        if not self.wait().success:
            return None
        from qai_hub.resources.target_check import TargetCheck

        answer = self._owner._connection.call(get_job_result.sync, self.job_id)
        result = value_or_none(answer.compile_job_result)
        detail = value_or_none(result.compile_detail) if result else None
        check = value_or_none(detail.target_check) if detail else None
        return TargetCheck._from_api(check) if check else None

    def download_results(self, artifacts_dir: str) -> CompileJobResult:
        """Downloads the target model and the logs, after waiting for the job's end.

        Args:
            artifacts_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            The results; for a failed job, its status with the reason.

        Examples:
            >>> result = compile_job.download_results("compiled")
            >>> result.status.success
            True
        """
        return run_blocking(self._download_results(self._driver, artifacts_dir))

    async def _download_results(self, driver: Driver, artifacts_dir: str) -> CompileJobResult:
        status = await self._download_target_and_logs(driver, artifacts_dir)
        return CompileJobResult(status, self.url, artifacts_dir)

    @staticmethod
    def _build_request(
        model: Model,
        devices: Sequence[Device],
        name: str,
        input_specs: ParsedSpecs | None,
        options: str,
        calibration_data: Dataset | None,
    ) -> JobRequest:
        """Builds the request that creates a compile job."""
        from qai_hub_api.models import CompileJobSubmit, DeviceQueryList, JobSubmit
        from qai_hub_api.types import UNSET

        body = CompileJobSubmit(
            model=model_reference(model),
            devices=DeviceQueryList(devices=[device._to_api() for device in devices]),
            tensor_type_list=specs_to_api(input_specs) if input_specs else UNSET,
            name=name,
            options=options,
            calibration_dataset=dataset_reference(calibration_data),
        )
        attributes = {
            "device": devices[0],
            "model": model_attribute(model),
            "calibration_dataset": dataset_attribute(calibration_data),
        }
        return JobRequest(JobSubmit(compile_job=body), name, attributes)


@dataclass(frozen=True, repr=False)
class CompileJobSummary(JobSummary):
    """Summary of a compile job.

    Examples:
        >>> for summary in hub.get_job_summaries(limit=1, type=hub.JobType.COMPILE):
        ...     print(summary.device_name)
        Samsung Galaxy S24
    """


@dataclass(repr=False)
class CompileJobResult(JobResult):
    """Results of a compile job: the target model.

    Examples:
        >>> result = compile_job.download_results("compiled")
        >>> print(result.status)
        SUCCESS
    """
