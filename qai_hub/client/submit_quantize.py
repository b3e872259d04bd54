"""Submitting quantize jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.client.submit_inference import InferenceClient
from qai_hub.errors import InvalidValueError
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob
from qai_hub.submit.checks import check_options, check_text, quantize_body
from qai_hub.submit.model_checks import check_quantizes

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries

# Weights and activations that go together.
_PAIRS = (
    (QuantizeDtype.INT8, QuantizeDtype.INT8),
    (QuantizeDtype.INT8, QuantizeDtype.INT16),
    (QuantizeDtype.INT4, QuantizeDtype.INT16),
)


def check_dtypes(weights_dtype: QuantizeDtype, activations_dtype: QuantizeDtype) -> None:
    """Checks the types that a model is to be quantized to.

    Raises:
        InvalidValueError: If they do not go together.
    """
    if (weights_dtype, activations_dtype) not in _PAIRS:
        pairs = ", ".join(f"{w.name} with {a.name}" for w, a in _PAIRS)
        raise InvalidValueError(
            f"Weights of {weights_dtype} and activations of {activations_dtype} do not go"
            f" together: these do, weights with activations: {pairs}."
        )


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
        """Submits a quantize job, uploading model and data where they are not on the hub yet.

        Args:
            model: An ONNX model: a `Model`, or whatever `upload_model` takes.
            calibration_data: A `Dataset`, its identifier, or whatever `upload_dataset` takes.
            weights_dtype: Type to quantize weights to.
            activations_dtype: Type to quantize activations to: INT8 with INT8 weights, or INT16
                with INT8 or INT4 weights.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job, whose target model is ONNX with quantize and dequantize operators.

        Raises:
            FileNotFoundError: If there is nothing at a path.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> samples = [np.full((1, 3, 48, 192), value, np.float32) for value in (0, 0.5, 1)]
            >>> job = hub.submit_quantize_job(
            ...     "model.onnx", {"x": samples}, activations_dtype=hub.QuantizeDtype.INT16
            ... )
            >>> quantized = job.get_target_model()
        """
        check_dtypes(weights_dtype, activations_dtype)
        options, title = check_options("options", options), check_text("name", name)
        check_quantizes(model)
        checked = self._checked_data(calibration_data)
        source = self.upload_model(model, project=project)
        data = self._upload_dataset(checked, project=project)
        body = quantize_body(
            source, data, weights_dtype, activations_dtype, title or source.name, options
        )
        (job,) = self._create([body], project, True, QuantizeJob)
        return job
