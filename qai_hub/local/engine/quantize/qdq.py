"""Quantizes float models with ONNX Runtime, with checks before and after."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize
from onnxruntime.quantization.execution_providers.qnn import get_qnn_qdq_config

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.onnx.edit import name_nodes
from qai_hub.local.engine.onnx.model_files import iter_tensors
from qai_hub.local.engine.onnx.prepare import (
    EXTERNAL_DATA_THRESHOLD,
    clean_up_model,
    iter_nodes,
)
from qai_hub.local.engine.option_table import INT16_ACTIVATIONS, LITE_MP
from qai_hub.local.engine.options import MSE_MINIMIZER
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.engine.quantize.calibrated_ranges import Ranges, keeping_ranges
from qai_hub.local.engine.quantize.calibration import (
    CalibrationData,
    CalibrationSamples,
)
from qai_hub.local.engine.quantize.compare import FloatModel, compare_here, compare_isolated
from qai_hub.local.engine.quantize.first_operators import (
    FORCE_OPTION,
    quantizing_first_operators,
)
from qai_hub.local.engine.quantize.hidden_names import HiddenNames
from qai_hub.local.engine.quantize.mixed_precision import (
    build_overrides,
    iter_float_values,
)
from qai_hub.local.engine.quantize.mse_ranges import override_ranges
from qai_hub.local.engine.quantize.overrides import Overrides
from qai_hub.local.engine.quantize.prepare import PreparedModel, prepare_model
from qai_hub.local.engine.quantize.psnr import check_finite_outputs
from qai_hub.local.engine.quantize.raised_layers import (
    NO_LAYERS,
    RaisedLayers,
    convert_to_half,
    find_nodes,
    override_weights,
)
from qai_hub.local.engine.quantize.references import ReferenceOutputs
from qai_hub.local.engine.steps import Step, begin_step

_QUANTIZED_OPS = {
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "ConvInteger",
    "MatMulInteger",
}
_HALF_TYPES = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


def is_quantized(model: onnx.ModelProto) -> bool:
    """Return whether a model computes with quantized tensors anywhere."""
    return any(
        node.op_type in _QUANTIZED_OPS or node.op_type.startswith("QLinear")
        for node in iter_nodes(model)
    )


def check_quantizable(model: onnx.ModelProto) -> None:
    """Check that a model computes in 32-bit floats and is not quantized yet.

    Args:
        model: The model, with or without its external tensors.

    Raises:
        JobFailure: It does not, or is.
    """
    if is_quantized(model):
        reason = "The model is already quantized: submit its float model, or compile this one."
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    ports = [*model.graph.input, *model.graph.output]
    typed = [(port.name, port.type.tensor_type.elem_type) for port in ports]
    typed += [(tensor.name, tensor.data_type) for tensor in iter_tensors(model)]
    for name, elem_type in typed:
        if elem_type in _HALF_TYPES:
            dtype = onnx.TensorProto.DataType.Name(elem_type).lower()
            reason = (
                f"The tensor {quote_name(name)} of the model is {dtype}: only float32 models can "
                "be quantized. Export the model in float32."
            )
            raise JobFailure(FailureType.UNSUPPORTED, reason)


def check_ranges(model: onnx.ModelProto) -> None:
    """Check that all ranges that a model was quantized with are finite.

    Args:
        model: The quantized model.

    Raises:
        JobFailure: A range is not finite.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        if not np.isfinite(onnx.numpy_helper.to_array(constants[node.input[1]])).all():
            name = node.input[0].removesuffix("_QuantizeLinear_Input")
            reason = (
                f"The tensor {quote_name(name)} of the model contains NaN or infinity on the "
                "calibration data: it has no range that can be quantized."
            )
            raise JobFailure(FailureType.RUNTIME_UNKNOWN, reason)


logger = logging.getLogger(__name__)

# Weights are symmetric around 0. Activations are unsigned with a zero point, as Qualcomm's runtime
# expects.
_WEIGHT_TYPES = {"INT8": QuantType.QInt8, "INT4": QuantType.QInt4}
_ACTIVATION_TYPES = {"INT8": QuantType.QUInt8, "INT16": QuantType.QUInt16}
# Metadata by which the quantizer marks a model for its own use.
_QUANTIZER_METADATA = {"onnx.infer", "onnx.quant.pre_process"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedModel:
    """A quantized model.

    Attributes:
        path: Its .onnx file, in a separate folder.
        source: The .onnx file of the float model.
        original: The .onnx file of the float model, as it was quantized.
        has_external_data: Whether its weights are in a file beside it.
        sample_count: Number of samples that it was calibrated on.
        ranges: The smallest and the largest value of each tensor of the float model on these.
        psnr: PSNR of each output relative to the float model, in decibels.
        shapes: The shape of each output on the first sample.
        notices: Notices for the user.
    """

    path: Path
    source: Path
    original: Path
    has_external_data: bool
    sample_count: int
    ranges: Ranges
    psnr: dict[str, float]
    shapes: dict[str, tuple[int, ...]]
    notices: list[dict[str, str]]


def check_float_model(
    source: Path, data: CalibrationData, work: Path
) -> tuple[FloatModel, list[dict[str, str]]]:
    """Check that a float model runs on its calibration data.

    Args:
        source: The .onnx file.
        data: The data.
        work: Folder for generated files.

    Returns:
        The model, and notices about the data.

    Raises:
        JobFailure: The model or the data cannot be used.
    """
    model = FloatModel(path=source, data=data, references=work / "references")
    begin_step(Step.CALIBRATING)
    with data.open() as samples:
        notices = _build_sample_notices(samples)
        notices += check_finite_outputs(source, samples, ReferenceOutputs(model.references))
    return model, notices


def quantize_file(
    source: FloatModel,
    dtypes: tuple[str, str],
    work: Path,
    *,
    external_data_threshold: int = EXTERNAL_DATA_THRESHOLD,
    raised: RaisedLayers = NO_LAYERS,
    range_scheme: str = "auto",
    is_isolated: bool = False,
) -> QuantizedModel:
    """Quantize a float model, and compare the result with it.

    Args:
        source: The model.
        dtypes: Types of the weights and of the activations, such as "INT8".
        work: Folder for generated files.
        external_data_threshold: Size in bytes from which weights are stored in a file beside the
            graph.
        raised: Layers of the folded model that are kept more precise.
        range_scheme: How the ranges of activations follow from the data, as in `--range_scheme`.
        is_isolated: Whether this is a process of its own already, in which the comparison may run.

    Returns:
        The quantized model.

    Raises:
        JobFailure: The model or the data cannot be used.
    """
    quant_types = get_quant_types(*dtypes)
    with source.data.open() as samples:
        begin_step(Step.PREPARING)
        prepared = prepare_model(
            source.path,
            work,
            samples,
            quant_types,
            external_data_threshold,
            is_mixed=bool(raised.tensors),
        )
        overrides, half = _raise_layers(prepared, raised)
        if range_scheme == MSE_MINIMIZER:
            begin_step(Step.CALIBRATING)
            bits = 8 if quant_types[1] == QuantType.QUInt8 else 16
            overrides = override_ranges(prepared.path, samples, bits, overrides)
        target = work / "quantized" / "model.onnx"
        target.parent.mkdir(parents=True)
        begin_step(Step.QUANTIZING)
        logger.info("Calibrating on %d samples", samples.count)
        ranges = _quantize(prepared, target, samples, quant_types, overrides, half)
        has_external_data = clean_up_model(target, external_data_threshold)
        begin_step(Step.COMPARING)
    logger.info("Comparing both models on %d samples", samples.count)
    if is_isolated:
        comparison = compare_here(source, target)
    else:
        comparison = compare_isolated(source, target, work / "compare")
    logger.info("PSNR in decibels: %s", comparison.psnr)
    return QuantizedModel(
        path=target,
        source=source.path,
        original=prepared.path,
        has_external_data=has_external_data,
        sample_count=samples.count,
        ranges=ranges,
        psnr=comparison.psnr,
        shapes=comparison.shapes,
        notices=prepared.notices + comparison.notices,
    )


def get_quant_types(weights_dtype: str, activations_dtype: str) -> tuple[QuantType, QuantType]:
    """Return ONNX Runtime's types for weights and activations.

    Args:
        weights_dtype: Type of the weights, such as "INT8".
        activations_dtype: Type of the activations.

    Raises:
        JobFailure: This hub does not quantize to these types.
    """
    if weights_dtype in _WEIGHT_TYPES and activations_dtype in _ACTIVATION_TYPES:
        return _WEIGHT_TYPES[weights_dtype], _ACTIVATION_TYPES[activations_dtype]
    raise JobFailure(
        FailureType.UNSUPPORTED,
        f"This hub cannot quantize weights to {weights_dtype} with activations to "
        f"{activations_dtype}. "
        f"Supported: weights {'|'.join(_WEIGHT_TYPES)}, activations {'|'.join(_ACTIVATION_TYPES)}.",
    )


def _build_sample_notices(samples: CalibrationSamples) -> list[dict[str, str]]:
    if samples.total == samples.count:
        return []
    message = (
        f"Calibrated on the first {samples.count} of {samples.total} samples, the maximum of this "
        "hub."
    )
    return [build_notice("INFO", "USER", message)]


def _merge_overrides(first: Overrides, second: Overrides) -> Overrides:
    """Return the overrides of both; where both have one for a tensor, the second goes first."""
    merged = {**first, **second}
    for name in first.keys() & second.keys():
        merged[name] = [{**first[name][0], **second[name][0]}]
    return merged


def _raise_layers(prepared: PreparedModel, raised: RaisedLayers) -> tuple[Overrides, Sequence[str]]:
    """Return the overrides that keep layers more precise, and the nodes of those in floats."""
    if not raised.tensors:
        return prepared.overrides, ()
    if raised.kind == "activations":
        more = _build_int16_overrides(prepared.path, raised.tensors)
        return _merge_overrides(prepared.overrides, more), ()
    model = onnx.load(prepared.path, load_external_data=False)
    nodes = find_nodes(model, raised)
    # Its nodes have names now.
    prepared.path.write_bytes(model.SerializeToString())
    if raised.kind == "floats":
        return prepared.overrides, nodes
    return _merge_overrides(prepared.overrides, override_weights(model, nodes)), ()


def _build_int16_overrides(prepared: Path, int16: Sequence[str]) -> Overrides:
    """Return the overrides that keep tensors at 16 bits; refuse names that the model lacks."""
    model = onnx.load(prepared, load_external_data=False)
    name_nodes(model.graph)
    present = {value.name for value in iter_float_values(model)}
    unknown = [name for name in int16 if name not in present]
    if unknown:
        reason = (
            f"{INT16_ACTIVATIONS} names {quote_name(unknown[0])}, which is no computed tensor of "
            "floats of the model as it is quantized: QuantizeJob.get_layer_accuracy() of a job "
            "without this option lists them."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    overrides = build_overrides(model, int16)
    prepared.write_bytes(model.SerializeToString())
    return overrides


def _quantize(
    prepared: PreparedModel,
    target: Path,
    samples: CalibrationSamples,
    quant_types: tuple[QuantType, QuantType],
    overrides: Overrides,
    half: Sequence[str],
) -> Ranges:
    """Write the quantized model; return what was seen of each tensor."""
    names = HiddenNames(prepared.path)
    try:
        config = get_qnn_qdq_config(
            names.path,
            names.read(samples),
            weight_type=quant_types[0],
            activation_type=quant_types[1],
            per_channel=True,
            weight_symmetric=True,
            init_overrides=names.hide_overrides(overrides),
            nodes_to_exclude=names.hide(half),
            # The overrides have the conversions between types of activations already.
            add_qtype_converts=False,
        )
        config.extra_options[FORCE_OPTION] = True
        with (
            warnings.catch_warnings(),
            quantizing_first_operators(),
            keeping_ranges() as ranges,
        ):
            # Ranges that are not finite are reported below, with the names of their tensors.
            warnings.simplefilter("ignore", RuntimeWarning)
            quantize(names.path, target, config)
    except JobFailure:
        raise
    # The quantizer raises exceptions of any type, assertions included.
    except Exception as error:
        if resource_failure_from_error(error):
            raise
        logger.exception("The quantizer failed")
        words = " ".join(str(error).split())[:1000]
        reason = (
            "ONNX Runtime's quantizer fails on the model"
            f"{f' ({words})' if words else ''}. The hub's log of the job has more."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from error
    model = onnx.load(target, load_external_data=False)
    names.restore(model)
    if half and not is_quantized(model):
        reason = (
            f"With {LITE_MP}, all layers of the model would be floats: give a smaller percentage."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    convert_to_half(model, half)
    if not is_quantized(model):
        reason = "The model has nothing to quantize: none of its layers computes with floats."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    check_ranges(model)
    kept = [entry for entry in model.metadata_props if entry.key not in _QUANTIZER_METADATA]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    target.write_bytes(model.SerializeToString())
    return names.restore_ranges(ranges)
