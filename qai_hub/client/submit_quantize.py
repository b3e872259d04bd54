"""Submitting quantize jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.client.submissions import quantize_job
from qai_hub.client.submit_inference import InferenceClient
from qai_hub.coroutines import run_blocking
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries


class QuantizeClient(InferenceClient):
    """A client that submits quantize jobs."""

    def submit_quantize_job(
        self,
        model: Any,  # noqa: ANN401 (a path, a Model, or an onnx.ModelProto)
        calibration_data: Dataset | DatasetEntries | str,
        weights_dtype: QuantizeDtype = QuantizeDtype.INT8,
        activations_dtype: QuantizeDtype = QuantizeDtype.INT8,
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> QuantizeJob:
        """Submits a quantize job, uploading model and data if they are not on the hub yet.

        Args:
            model: An ONNX model: a `Model`, or anything that `upload_model` accepts.
            calibration_data: A `Dataset`, its identifier, or anything that `upload_dataset`
                accepts.
            weights_dtype: Type to quantize weights to.
            activations_dtype: Type to quantize activations to: INT8 with INT8 weights, or INT16
                with INT8 or INT4 weights.
            name: Display name; None uses the model's name.
            options: Options, as on a command line.
            project: Project of the job; None uses the client's default.

        Returns:
            The job, whose target model is ONNX with quantize and dequantize operators.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> samples = [np.full((1, 3, 48, 192), value, np.float32) for value in (0, 0.5, 1)]
            >>> job = hub.submit_quantize_job(
            ...     "model.onnx", {"x": samples}, activations_dtype=hub.QuantizeDtype.INT16
            ... )
            >>> quantized = job.get_target_model()
        """
        given = model, calibration_data, weights_dtype, activations_dtype, name, options, project
        return run_blocking(quantize_job(self._driver, self, *given))
