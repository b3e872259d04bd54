"""Quantizes an ONNX model with calibration data: static, with Q and DQ nodes in the graph."""

import logging
import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize
from onnxruntime.quantization.execution_providers.qnn import get_qnn_qdq_config
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from qai_hub.local.execution.calibration import MOST_SAMPLES, CalibrationSamples, Reader
from qai_hub.local.execution.dataset_files import InputDataset
from qai_hub.local.execution.failures import FailureType, JobFailure, resource_failure_of
from qai_hub.local.execution.host import tool_versions
from qai_hub.local.execution.messages import (
    WORK_FOLDER,
    AttemptRequest,
    Report,
    TensorSpec,
    notice,
)
from qai_hub.local.execution.model_files import open_model
from qai_hub.local.execution.option_table import options_of
from qai_hub.local.execution.pinning import drop_defaults, pin_inputs
from qai_hub.local.execution.preparation import (
    EXTERNAL_FROM,
    check,
    is_large,
    optimise,
    publish,
    tidy,
)
from qai_hub.local.execution.psnr import Comparison, check_runs, compare
from qai_hub.local.execution.quantizable import (
    check_quantizable,
    check_ranges,
    flatten_biases,
    is_quantized,
)
from qai_hub.local.execution.sessions import explained
from qai_hub.local.execution.signature import Port, inputs_of, outputs_of

logger = logging.getLogger(__name__)

# Weights are symmetric around 0. Activations are unsigned with a zero point, which is what
# Qualcomm's runtime takes.
_WEIGHTS = {"INT8": QuantType.QInt8, "INT4": QuantType.QInt4}
_ACTIVATIONS = {"INT8": QuantType.QUInt8, "INT16": QuantType.QUInt16}
# From these operator sets on, Q and DQ nodes take a scale per channel, and 4 and 16 bits.
_OPSET_PER_CHANNEL = 13
_OPSET_ALL_TYPES = 21
# What the quantizer marks a model with, for itself.
_MARKS = {"onnx.infer", "onnx.quant.pre_process"}


def quantize_model(
    request: AttemptRequest,
    folder: Path,
    *,
    external_from: int = EXTERNAL_FROM,
    most_samples: int = MOST_SAMPLES,
) -> Report:
    """Make the target model of a quantize job.

    The graph is folded and simplified, the ranges of its tensors are measured on the calibration
    data, and Q and DQ nodes are put in. The result is compared with the model that came in.
    Dimensions that the model leaves open stay open.

    Args:
        request: The request.
        folder: The attempt's folder, which takes the target model.
        external_from: Size in bytes from which on weights go into a file beside the graph, and
            the target model is a zipped directory.
        most_samples: Most samples to calibrate on.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    options = options_of(request.options, "quantize")
    types = _types(request.weights_dtype, request.activations_dtype)
    work = folder / WORK_FOLDER
    source, ports = _opened(request, work)
    with closing(InputDataset(_data(request), ports)) as dataset:
        samples = CalibrationSamples(dataset, most_samples)
        notices = [*options.notices, *_left_out(dataset.samples, samples.count)]
        check_runs(source, samples)
        prepared = work / "prepared" / "model.onnx"
        _prepare(source, prepared, types, external_from)
        target = work / "target" / "model.onnx"
        target.parent.mkdir()
        logger.info("Calibrating on %d samples", samples.count)
        _quantize(prepared, target, samples, types)
        apart = is_large(target, external_from)
        tidy(target, apart=apart)
        logger.info("Comparing both models on %d samples", samples.count)
        comparison = compare(source, target, samples)
    psnr = comparison.decibels()
    logger.info("PSNR in decibels: %s", psnr)
    inputs, outputs = _specs(ports, target, comparison)
    return Report(
        result={
            "target_model_type": "MODEL_TYPE_ONNX",
            "input_spec": [spec.to_json() for spec in inputs],
            "output_spec": [spec.to_json() for spec in outputs],
            "tool_versions": tool_versions(),
            "psnr": psnr,
            "notices": notices + comparison.notices,
        },
        files={"target_model": publish(target, folder, apart=apart)},
    )


def _types(weights: str, activations: str) -> tuple[QuantType, QuantType]:
    if weights in _WEIGHTS and activations in _ACTIVATIONS:
        return _WEIGHTS[weights], _ACTIVATIONS[activations]
    raise JobFailure(
        FailureType.UNSUPPORTED,
        f"This hub cannot quantize weights to {weights} with activations to {activations}. "
        f"Supported: weights {'|'.join(_WEIGHTS)}, activations {'|'.join(_ACTIVATIONS)}.",
    )


def _data(request: AttemptRequest) -> Path:
    if request.dataset is None:
        raise ValueError("Quantizing needs calibration data.")
    return request.dataset


def _opened(request: AttemptRequest, work: Path) -> tuple[Path, list[Port]]:
    """Return the float model, ready to run, and its inputs."""
    model = open_model(request.model, request.model_type, work)
    check(model.path)
    check_quantizable(model.proto)
    outputs_of(model.proto)
    pinned = pin_inputs(model.proto, request.input_specs)
    ports = inputs_of(model.proto)
    if not drop_defaults(model.proto) and not pinned:
        return model.path, ports
    path = model.path if model.unpacked else work / "pinned.onnx"
    path.write_bytes(model.proto.SerializeToString())
    return path, ports


def _left_out(there: int, taken: int) -> list[dict[str, str]]:
    if there == taken:
        return []
    message = f"Calibrated on the first {taken} of {there} samples, the most that this hub takes."
    return [notice("INFO", "USER", message)]


def _prepare(
    source: Path, prepared: Path, types: tuple[QuantType, QuantType], external_from: int
) -> None:
    """Write a folded model of an operator set that has the Q and DQ nodes which are needed."""
    prepared.parent.mkdir()
    optimise(source, prepared)
    tidy(prepared, apart=is_large(prepared, external_from))
    model = onnx.load(prepared, load_external_data=False)
    needed = (
        _OPSET_PER_CHANNEL
        if types == (_WEIGHTS["INT8"], _ACTIVATIONS["INT8"])
        else _OPSET_ALL_TYPES
    )
    model = _converted(model, needed)
    flatten_biases(model)
    # Without this mark, the quantizer warns that what was done here should be done.
    add_pre_process_metadata(model)
    prepared.write_bytes(model.SerializeToString())


def _converted(model: onnx.ModelProto, needed: int) -> onnx.ModelProto:
    version = max(opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"})
    if version >= needed:
        return model
    logger.info("Converting from the operator set %d to %d", version, needed)
    try:
        return onnx.version_converter.convert_version(model, needed)
    except (RuntimeError, ValueError) as error:
        reason = (
            f"These types need the operator set {needed}, and the model, which has {version}, "
            f"cannot be converted to it ({explained(error)}): export it again with {needed}."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from error


def _quantize(
    prepared: Path,
    target: Path,
    samples: CalibrationSamples,
    types: tuple[QuantType, QuantType],
) -> None:
    try:
        config = get_qnn_qdq_config(
            prepared,
            Reader(samples),
            weight_type=types[0],
            activation_type=types[1],
            per_channel=True,
            weight_symmetric=True,
        )
        with warnings.catch_warnings():
            # Ranges that are not finite are told below, by the names of their tensors.
            warnings.simplefilter("ignore", RuntimeWarning)
            quantize(prepared, target, config)
    except JobFailure:
        raise
    # The quantizer raises whatever comes up in its code, assertions included.
    except Exception as error:
        if resource_failure_of(error):
            raise
        logger.exception("The quantizer failed")
        reason = f"ONNX Runtime cannot quantize the model: {type(error).__name__}: {error}"
        raise JobFailure(FailureType.UNSUPPORTED, reason[:1500]) from error
    model = onnx.load(target, load_external_data=False)
    if not is_quantized(model):
        reason = "The model has nothing to quantize: no layer of it computes with floats."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    check_ranges(model)
    kept = [entry for entry in model.metadata_props if entry.key not in _MARKS]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    target.write_bytes(model.SerializeToString())


def _specs(
    ports: Sequence[Port], target: Path, comparison: Comparison
) -> tuple[list[TensorSpec], list[TensorSpec]]:
    """Return the inputs and outputs of the target model; open dimensions are -1."""
    open_inputs = any(port.shape is None or port.dynamic_dims for port in ports)
    outputs = []
    for port in outputs_of(onnx.load(target, load_external_data=False)):
        shape = comparison.shapes[port.name]
        if open_inputs:
            shape = _open_shape(port, len(shape))
        outputs.append(TensorSpec(name=port.name, shape=shape, dtype=port.dtype))
    inputs = [TensorSpec(name=p.name, shape=_open_shape(p, 0), dtype=p.dtype) for p in ports]
    return inputs, outputs


def _open_shape(port: Port, rank: int) -> tuple[int, ...]:
    if port.shape is None:
        return (-1,) * rank
    return tuple(-1 if isinstance(dim, str) else dim for dim in port.shape)
