"""Quantize jobs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from qai_hub.driver import run_blocking
from qai_hub.resources.compile import LoadableTargetJob
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.job_request import (
    JobRequest,
    dataset_attribute,
    dataset_reference,
    model_attribute,
    model_reference,
)
from qai_hub.resources.model import Model
from qai_hub.resources.payload import input_specs, on_demand
from qai_hub.resources.results import JobResult
from qai_hub.resources.summary import JobSummary
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.resources.layer_accuracy import LayerAccuracyReport
    from qai_hub.resources.tensor_ranges import TensorRangeReport
    from qai_hub.tensors import InputSpecs


class QuantizeDtype(Enum):
    """Integer type that weights or activations are quantized to.

    Examples:
        >>> job = hub.submit_quantize_job(
        ...     model, dataset, hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT16
        ... )
    """

    INT8 = 1
    INT16 = 3
    INT4 = 5


class QuantizeJob(LoadableTargetJob):
    """Quantizes an ONNX model with calibration data.

    Attributes:
        model: Input model.
        shapes: Shapes and dtypes of its inputs.
        calibration_dataset: Calibration data.
        weights_dtype: Type of quantized weights; None if this client does not know it.
        activations_dtype: Type of quantized activations; None if this client does not know it.

    Examples:
        >>> quantize_job.weights_dtype, quantize_job.calibration_dataset.name
        (<QuantizeDtype.INT8: 1>, 'calibration')
    """

    model: Model = on_demand()
    shapes: InputSpecs = on_demand()
    calibration_dataset: Dataset | None = on_demand()
    weights_dtype: QuantizeDtype | None = on_demand()
    activations_dtype: QuantizeDtype | None = on_demand()

    def _set_fixed_attributes(self, details: api.QuantizeJob) -> None:
        data = value_or_none(details.calibration_dataset)
        self.model = Model._from_api(details.model, self._owner)
        self.shapes = input_specs(details.tensor_type_list)
        self.calibration_dataset = Dataset._from_api(data, self._owner) if data else None
        self.weights_dtype = _parse_dtype(details.weights_dtype)
        self.activations_dtype = _parse_dtype(details.activations_dtype)

    def download_results(self, artifacts_dir: str) -> QuantizeJobResult:
        """Downloads the quantized model and the logs, after waiting for the job's end.

        Args:
            artifacts_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            The results; for a failed job, its status with the reason.

        Examples:
            >>> result = quantize_job.download_results("quantized")
            >>> result.status.success
            True
        """
        return run_blocking(self._download_results(self._driver, artifacts_dir))

    async def _download_results(self, driver: Driver, artifacts_dir: str) -> QuantizeJobResult:
        status = await self._download_target_and_logs(driver, artifacts_dir)
        return QuantizeJobResult(status, self.url, artifacts_dir)

    @staticmethod
    def _build_request(
        model: Model,
        calibration_data: Dataset,
        weights_dtype: QuantizeDtype,
        activations_dtype: QuantizeDtype,
        name: str,
        options: str,
    ) -> JobRequest:
        """Builds the request that creates a quantize job."""
        from qai_hub_api.models import JobSubmit, QuantizeJobSubmit
        from qai_hub_api.models import QuantizeDtype as ApiDtype

        body = QuantizeJobSubmit(
            model=model_reference(model),
            calibration_dataset=dataset_reference(calibration_data),
            weights_dtype=ApiDtype(f"QUANTIZE_DTYPE_{weights_dtype.name}"),
            activations_dtype=ApiDtype(f"QUANTIZE_DTYPE_{activations_dtype.name}"),
            name=name,
            options=options,
        )
        attributes = {
            "model": model_attribute(model),
            "calibration_dataset": dataset_attribute(calibration_data),
            "weights_dtype": weights_dtype,
            "activations_dtype": activations_dtype,
        }
        return JobRequest(JobSubmit(quantize_job=body), name, attributes)

    def get_psnr(self) -> dict[str, float] | None:
        """Returns how close the quantized model is to the float model, after waiting for the job.

        The measure is the peak signal-to-noise ratio of each output on the calibration data: higher
        is closer. An increase of about 6 decibels halves the error.

        Returns:
            The ratios in decibels, by output name, without outputs that have no ratio. None if the
            job failed, or the service does not report them.

        Examples:
            >>> for name, decibels in (quantize_job.get_psnr() or {}).items():
            ...     print(f"{name}: {decibels:.1f} dB")
            y: ... dB
        """
        return run_blocking(self._fetch_losses(self._driver))[0] if self.wait().success else None

    async def _fetch_losses(
        self, driver: Driver
    ) -> tuple[dict[str, float] | None, TensorRangeReport | None]:
        """Fetches the ratios and the ranges of a job that has succeeded."""
        detail = await self._fetch_detail(driver)
        if detail is None:
            return None, None
        return dict(detail.psnr.additional_properties), _read_ranges(detail)

    def get_layer_accuracy(self) -> LayerAccuracyReport | None:
        """Returns which layers of the quantized model lose accuracy, after waiting for the job.

        A local hub compares each computed tensor with the float model's, on the CPU and, with its
        extra `qnn`, in simulation of an HTP.

        Returns:
            The report. None if the job failed, or the service does not report it.

        Examples:
            >>> accuracy = quantize_job.get_layer_accuracy()
            >>> for layer in accuracy.layers:
            ...     print(layer.tensor, f"{layer.psnr:.0f} dB")
            x ... dB
            y ... dB
        """
        from qai_hub.resources.layer_accuracy import LayerAccuracyReport

        detail = run_blocking(self._fetch_detail(self._driver)) if self.wait().success else None
        report = value_or_none(detail.layer_accuracy) if detail else None
        return LayerAccuracyReport._from_api(report) if report else None

    def get_tensor_ranges(self) -> TensorRangeReport | None:
        """Returns which values quantized tensors have and can represent, after waiting for the job.

        A local hub measures the values of the float model on the calibration data.

        Returns:
            The report. None if the job failed, or the service does not report it.

        Examples:
            >>> ranges = quantize_job.get_tensor_ranges()
            >>> [tensor.tensor for tensor in ranges.find_saturated()]
            []
        """
        return run_blocking(self._fetch_losses(self._driver))[1] if self.wait().success else None

    async def _fetch_detail(self, driver: Driver) -> api.QuantizeDetail | None:
        from qai_hub_api.api.jobs import get_job_result

        answer = await driver.call(get_job_result.sync, self.job_id)
        result = value_or_none(answer.quantize_job_result)
        return value_or_none(result.quantize_detail) if result else None


@dataclass(frozen=True, repr=False)
class QuantizeJobSummary(JobSummary):
    """Summary of a quantize job.

    Examples:
        >>> for summary in hub.get_job_summaries(limit=1, type=hub.JobType.QUANTIZE):
        ...     print(summary.username)
        you@example.com
    """


@dataclass(repr=False)
class QuantizeJobResult(JobResult):
    """Results of a quantize job: the quantized model.

    Examples:
        >>> result = quantize_job.download_results("quantized")
        >>> result.status.success
        True
    """


def _parse_dtype(dtype: api.QuantizeDtype) -> QuantizeDtype | None:
    return QuantizeDtype.__members__.get(str(dtype).removeprefix("QUANTIZE_DTYPE_"))


def _read_ranges(detail: api.QuantizeDetail) -> TensorRangeReport | None:
    from qai_hub.resources.tensor_ranges import TensorRangeReport

    report = value_or_none(detail.tensor_ranges)
    return TensorRangeReport._from_api(report) if report else None
