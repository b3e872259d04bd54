"""Quantizes a model within a compile job, as `--quantize_full_type` requests."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import onnx

from qai_hub.local.engine.datasets import OutputDataset
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import call_isolated
from qai_hub.local.engine.machine import tool_versions
from qai_hub.local.engine.onnx.model_files import open_model
from qai_hub.local.engine.onnx.plausible import PlausibleInputs
from qai_hub.local.engine.onnx.prepare import (
    EXTERNAL_DATA_THRESHOLD,
    publish_model,
    remove_initializer_inputs,
)
from qai_hub.local.engine.onnx.signature import Port, get_inputs, get_outputs
from qai_hub.local.engine.onnx.standardize import standardize_model
from qai_hub.local.engine.option_table import (
    FULL_TYPE,
    INT16_ACTIVATIONS,
    LITE_MP,
    RANGE_SCHEME,
    SKIP_TARGET_CHECK,
    parse_job_options,
)
from qai_hub.local.engine.options import HALF
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    Report,
    TensorSpec,
    build_notice,
    quote_name,
    specs_to_json,
)
from qai_hub.local.engine.quantize.accuracy import NO_RANGES, TURNED_OFF, AccuracyAnalysis
from qai_hub.local.engine.quantize.budget import TimeBudget
from qai_hub.local.engine.quantize.calibration import MAX_CALIBRATION_SAMPLES, CalibrationData
from qai_hub.local.engine.quantize.compare import FloatModel
from qai_hub.local.engine.quantize.pins import pin_to_data
from qai_hub.local.engine.quantize.proposal import check_mixed_options
from qai_hub.local.engine.quantize.qdq import (
    QuantizedModel,
    check_float_model,
    check_quantizable,
    get_quant_types,
    quantize_file,
)
from qai_hub.local.engine.quantize.raised_layers import RaisedLayers, get_raised_kind
from qai_hub.local.engine.steps import Step, begin_step
from qai_hub.local.enums import ModelType
from qai_hub.option_string import TARGET_RUNTIME


def check_calibration(
    request: AttemptRequest, values: Mapping[str, Any], *, makes_half: bool
) -> list[dict[str, str]]:
    """Check, before any work is done, that calibration data and options match.

    Args:
        request: The request.
        values: The values of the job's options, by flag, without those of floats.
        makes_half: Whether the options request floats of 16 bits, which need no data.

    Returns:
        A notice if the model is not quantized with the data.

    Raises:
        JobFailure: The data is missing.
    """
    if FULL_TYPE in values and request.dataset is None and request.kind != "check":
        reason = (
            f"{FULL_TYPE} needs calibration_data: with ranges from random data, the model would "
            "be useless."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    if FULL_TYPE in values or request.dataset is None:
        return []
    why = f"{FULL_TYPE} {HALF} needs none" if makes_half else f"no {FULL_TYPE} was given"
    is_checked = request.check_target and SKIP_TARGET_CHECK not in values
    if is_checked and values.get(TARGET_RUNTIME, "onnx") != "onnx":
        message = f"calibration_data was used for the check of the target model only: {why}."
        return [build_notice("INFO", "USER", message)]
    return [build_notice("WARNING", "USER", f"calibration_data was not used: {why}.")]


def quantize_for_compile(
    source: Path,
    request: AttemptRequest,
    values: Mapping[str, Any],
    work: Path,
    *,
    external_data_threshold: int = EXTERNAL_DATA_THRESHOLD,
) -> tuple[Path, list[dict[str, str]]]:
    """Quantize a model with the calibration data of a compile job.

    A check, which has none, takes random inputs: they decide on ranges, not on what QNN supports.

    Args:
        source: The .onnx file, whose inputs are those of the data.
        request: The request.
        values: The values of the job's options, by flag.
        work: Folder for generated files.
        external_data_threshold: Size in bytes from which weights are stored in a file beside the
            graph.

    Returns:
        The .onnx file of the quantized model, and notices.

    Raises:
        JobFailure: The model or the data cannot be used.
    """
    model = onnx.load(source, load_external_data=False)
    check_quantizable(model)
    ports = get_inputs(model)
    is_check = request.kind == "check"
    path = _write_random_data(model, ports, work) if is_check else _get_calibration_data(request)
    data = CalibrationData(path=path, ports=ports)
    try:
        original, notices = check_float_model(source, data, work)
        quantized = quantize_file(
            original, values[FULL_TYPE], work, external_data_threshold=external_data_threshold
        )
    except JobFailure as failure:
        if not is_check or failure.failure_type not in _FAILURES_OF_DATA:
            raise
        reason = (
            "The model cannot be quantized on the random inputs that stand for the calibration "
            f"data in a check: {failure.reason} Check the target model of a quantize job instead."
        )
        raise JobFailure(failure.failure_type, reason) from failure
    if is_check:
        message = (
            f"Quantized on random inputs: a compile job with {FULL_TYPE} needs calibration_data."
        )
        return quantized.path, [build_notice("INFO", "USER", message)]
    psnr = ", ".join(f"{quote_name(name)} {ratio:.1f} dB" for name, ratio in quantized.psnr.items())
    message = (
        f"Quantized on {quantized.sample_count} samples. PSNR of the model's outputs: "
        f"{psnr or 'none'}."
    )
    return quantized.path, [*notices, *quantized.notices, build_notice("INFO", "MODEL", message)]


# How quantizing fails if data does not suit the model.
_FAILURES_OF_DATA = {FailureType.INVALID_INPUTS, FailureType.RUNTIME_UNKNOWN}
_RANDOM_SAMPLES = 4


def _write_random_data(model: onnx.ModelProto, ports: Sequence[Port], work: Path) -> Path:
    """Write samples with which the model computes something, in place of calibration data."""
    inputs = PlausibleInputs(model, [port.to_spec() for port in ports])
    path = work / "random.h5"
    names = [port.name for port in ports]
    with closing(OutputDataset(path, names, _RANDOM_SAMPLES)) as dataset:
        for number in range(_RANDOM_SAMPLES):
            sample = inputs.sample(number)
            dataset.write(number, [sample[name] for name in names])
    return path


def quantize_model(
    request: AttemptRequest,
    folder: Path,
    *,
    external_data_threshold: int = EXTERNAL_DATA_THRESHOLD,
    max_samples: int = MAX_CALIBRATION_SAMPLES,
) -> Report:
    """Make the target model of a quantize job.

    The graph is folded and simplified, the ranges of its tensors are measured on the calibration
    data, and Q and DQ nodes are inserted. The result is compared with the input model. Dynamic
    dimensions are fixed to those of the samples, if they all have the same.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the target model.
        external_data_threshold: Size in bytes from which weights are stored in a file beside the
            graph, and the target model is a zipped directory.
        max_samples: Maximum number of samples to calibrate on.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    options = parse_job_options(request.options, "quantize")
    dtypes = request.weights_dtype, request.activations_dtype
    get_quant_types(*dtypes)
    check_mixed_options(options.values, request.activations_dtype)
    work = folder / WORK_FOLDER
    began = time.monotonic()
    source, ports, notices = _open_float_model(request, work)
    data = CalibrationData(
        path=_get_calibration_data(request), ports=ports, max_samples=max_samples
    )
    original, data_notices = check_float_model(source, data, work)

    range_scheme = options.values.get(RANGE_SCHEME, "auto")

    def quantize(name: str, raised: RaisedLayers) -> QuantizedModel:
        return quantize_file(
            original,
            dtypes,
            work / name,
            external_data_threshold=external_data_threshold,
            raised=raised,
            range_scheme=range_scheme,
        )

    def try_again(int16: Sequence[str], folder: Path, time_limit: float) -> dict[str, float]:
        arguments = {
            "original": original.to_json(),
            "dtypes": dtypes,
            "int16": int16,
            "range_scheme": range_scheme,
        }
        psnr: dict[str, float] = call_isolated(_TRY, arguments, folder, time_limit)["psnr"]
        return psnr

    asked = RaisedLayers(options.values.get(INT16_ACTIVATIONS, ()), "activations")
    quantized = quantize("first", asked)
    budget = TimeBudget(
        spent=time.monotonic() - began,
        deadline=math.inf if request.time_limit is None else began + request.time_limit,
    )
    accuracy = AccuracyAnalysis(data, request.soc, work, budget)
    mixed = options.values.get(LITE_MP)
    if mixed is not None:
        kind = get_raised_kind(mixed.kind, request.activations_dtype)
        quantized = quantize("mixed", accuracy.choose(quantized, kind, mixed.percentage))
    layers, ranges = TURNED_OFF, NO_RANGES
    if request.analyze_layers:
        begin_step(Step.ANALYZING)
        ranges = accuracy.report_ranges(quantized)
        layers = accuracy.report(quantized)
        if request.activations_dtype == "INT8" and not options.values.keys() & _MIXED_OPTIONS:
            layers = accuracy.add_proposal(layers, quantized, try_again)
    inputs, outputs = _build_specs(ports, quantized)
    return Report(
        result={
            "target_model_type": ModelType.ONNX,
            **specs_to_json(inputs, outputs),
            "tool_versions": tool_versions(),
            "psnr": quantized.psnr,
            "layer_accuracy": layers.to_json(),
            "tensor_ranges": ranges.to_json(),
            "notices": [
                *options.notices,
                *notices,
                *data_notices,
                *quantized.notices,
                *layers.notices,
                *ranges.notices,
            ],
        },
        files={
            "target_model": publish_model(
                quantized.path, folder, has_external_data=quantized.has_external_data
            )
        },
    )


_MIXED_OPTIONS = {LITE_MP, INT16_ACTIVATIONS}
_TRY = f"{__name__}:try_quantizing"


def try_quantizing(arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Quantize a model with some tensors at 16 bits, in a process of its own.

    Args:
        arguments: The `original`, as JSON of a `FloatModel`; `dtypes`, the types of weights and
            activations; `int16`, the tensors; and `range_scheme`.
        folder: Folder for generated files.

    Returns:
        `psnr`, that of the model's outputs.

    Raises:
        JobFailure: The model cannot be quantized so.
    """
    quantized = quantize_file(
        FloatModel.from_json(arguments["original"]),
        tuple(arguments["dtypes"]),
        folder,
        raised=RaisedLayers(arguments["int16"], "activations"),
        range_scheme=arguments["range_scheme"],
        is_isolated=True,
    )
    return {"psnr": quantized.psnr}


def _get_calibration_data(request: AttemptRequest) -> Path:
    if request.dataset is None:
        raise ValueError("Quantizing needs calibration data.")
    return request.dataset


def _open_float_model(
    request: AttemptRequest, work: Path
) -> tuple[Path, list[Port], list[dict[str, str]]]:
    """Return the float model, ready to run, its inputs, and notices about what was fixed."""
    begin_step(Step.OPENING)
    model = open_model(request.model.path, request.model.model_type, work)
    begin_step(Step.CHECKING)
    model = standardize_model(model, work)
    check_quantizable(model.proto)
    get_outputs(model.proto)
    get_inputs(model.proto)
    before = model.proto.SerializeToString()
    notices = pin_to_data(model.proto, _get_calibration_data(request))
    remove_initializer_inputs(model.proto)
    ports = get_inputs(model.proto)
    changed = model.proto.SerializeToString()
    if changed == before:
        return model.path, ports, notices
    path = model.path if model.is_unpacked else work / "pinned.onnx"
    path.write_bytes(changed)
    return path, ports, notices


def _build_specs(
    ports: Sequence[Port], quantized: QuantizedModel
) -> tuple[list[TensorSpec], list[TensorSpec]]:
    """Return the inputs and outputs of the target model; dynamic dimensions are -1."""
    has_dynamic_inputs = any(port.shape is None or port.dynamic_dims for port in ports)
    outputs = []
    for port in get_outputs(onnx.load(quantized.path, load_external_data=False)):
        shape = quantized.shapes[port.name]
        if has_dynamic_inputs:
            shape = _to_spec_shape(port, len(shape))
        outputs.append(TensorSpec(name=port.name, shape=shape, dtype=port.dtype))
    inputs = [TensorSpec(name=p.name, shape=_to_spec_shape(p, 0), dtype=p.dtype) for p in ports]
    return inputs, outputs


def _to_spec_shape(port: Port, rank: int) -> tuple[int, ...]:
    if port.shape is None:
        return (-1,) * rank
    return tuple(-1 if isinstance(dim, str) else dim for dim in port.shape)
