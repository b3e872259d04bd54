"""Makes the .tflite file of a compile job from the ONNX model that was prepared for it."""

import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.model_files import open_model
from qai_hub.local.engine.onnx.signature import Port
from qai_hub.local.engine.option_table import (
    FULL_TYPE,
    QUANTIZE_IO,
    SKIP_TARGET_CHECK,
    parse_job_options,
)
from qai_hub.local.engine.options import HALF
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    InputModel,
    Report,
    TensorSpec,
    build_notice,
    specs_to_json,
)
from qai_hub.local.engine.qnn.target_check import (
    ON_CPU,
    CheckRequest,
    Precision,
    TargetCheck,
    check_target,
    choose_bound,
    find_why_not_checked,
    limit_seconds,
    select_checked,
)
from qai_hub.local.engine.runners.tflite import LiteRtModel
from qai_hub.local.engine.steps import Step, begin_step
from qai_hub.local.engine.tflite.conversion import Conversion
from qai_hub.local.engine.tflite.half import halve_weights
from qai_hub.local.engine.tflite.integers import quantize_conversion
from qai_hub.local.engine.tflite.settings import TfliteSettings
from qai_hub.local.enums import ModelType

_TARGET = "model.tflite"
# Offsets within a flatbuffer do not reach farther.
_MAX_BYTES = 2**31 - 1
# Below this PSNR in decibels, an output in floats is not that of the source model. One in integers
# may be far for want of data: of values that are much smaller than its range, nothing is left.
_LEAST_PSNR = 15.0
# Below these, an output in floats is far. Sound real models have 104 dB and more on the CPU, and 48
# and more with weights of 16 bits.
_FLOAT_BOUND = 60.0
_HALF_BOUND = 40.0
_STATE_NOTICE = (
    "Recurrent layers of the target model keep their state from one inference to the next, while "
    "the source model begins anew: reset the variables before each inference, as "
    "Interpreter.reset_all_variables() does. Jobs on this hub do that."
)
_TOOLS = {
    "onnx2tf": "onnx2tf",
    "AI Edge Quantizer": "ai-edge-quantizer",
    "LiteRT": "ai-edge-litert",
}


def convert_to_tflite(request: AttemptRequest, folder: Path) -> Report:
    """Make the target model of a compile job for TensorFlow Lite.

    The inputs and outputs keep names, order, shapes and layout. A quantized model computes with
    integers.

    Args:
        request: The request, whose model is ONNX with fixed shapes; its source is the float model
            that it was quantized from, if that is known.
        folder: The attempt's folder, which receives the target model.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    started = time.monotonic()
    values = parse_job_options(request.options, "compile").values
    settings = TfliteSettings.from_options(values)
    work = folder / WORK_FOLDER
    begin_step(Step.OPENING)
    _check_size(request.model.path)
    path = open_model(request.model.path, request.model.model_type, work).path
    model = onnx.load(path)
    precision = Precision.of(model)
    port_type = settings.choose_port_type(precision)
    begin_step(Step.CONVERTING_TFLITE)
    conversion = Conversion.begin(model, work / "tflite")
    target = folder / _TARGET
    # What is to say about options, the stage that prepared the model has said.
    notices: list[dict[str, str]] = []
    if settings.quantize_ports and not port_type:
        message = f"{QUANTIZE_IO} changes nothing with {FULL_TYPE} {HALF}: its ports stay float32."
        notices.append(build_notice("INFO", "USER", message))
    if precision.activations:
        begin_step(Step.QUANTIZING)
        data = request.dataset or request.calibration
        notices += quantize_conversion(conversion, path, data, precision, port_type, target)
    elif settings.half_weights:
        halve_weights(conversion.file, target, compute_half=settings.half_activations)
    else:
        conversion.file.write(target)
    if conversion.file.has_state():
        notices.append(build_notice("WARNING", "MODEL", _STATE_NOTICE))
    conversion.restore_names(target)
    reference = request.model.source or path
    if precision.activations:
        bound = choose_bound(precision, is_source_quantized=request.model.source is None)
    else:
        bound = _HALF_BOUND if settings.half_weights else _FLOAT_BOUND
    check = _check(
        request, values, reference, bound, folder, started, is_float=not precision.activations
    )
    made = LiteRtModel(target, threads=1)
    return Report(
        result={
            "target_model_type": ModelType.TFLITE,
            "tool_versions": _list_tools(),
            "target_check": check.to_json(),
            **specs_to_json(_to_specs(made.inputs), _to_specs(made.outputs)),
            "notices": [*notices, check.to_notice()],
        },
        files={"target_model": _TARGET},
    )


def check_conversion(request: AttemptRequest, folder: Path) -> Report:
    """Examine whether a model that was prepared for a check would be converted.

    Args:
        request: The request, as for `convert_to_tflite`.
        folder: The attempt's folder.

    Returns:
        A report whose result adds to that of the check: the reason of a refusal, or the notices,
        tools, inputs and outputs of the target model.
    """
    try:
        converted = convert_to_tflite(request, folder)
    except JobFailure as failure:
        return Report(result={"refusal": failure.reason, "failure_type": failure.failure_type})
    return Report(result=select_checked(converted.result))


def _list_tools() -> list[dict[str, str]]:
    return [{"name": name, "version": version(package)} for name, package in _TOOLS.items()]


def _to_specs(ports: list[Port]) -> list[TensorSpec]:
    return [port.to_spec() for port in ports]


def _check_size(path: Path) -> None:
    """Refuse a model whose weights no .tflite file can hold."""
    size = path.stat().st_size
    if size > _MAX_BYTES:
        reason = (
            f"The model has {size / 2**30:.1f} GiB: a TensorFlow Lite model has less than 2 GiB. "
            "Quantize its weights, or compile it for another runtime."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)


def _check(
    request: AttemptRequest,
    values: Mapping[str, Any],
    reference: Path,
    bound: float,
    folder: Path,
    started: float,
    *,
    is_float: bool,
) -> TargetCheck:
    """Compare the target model with the model that it was made from.

    Raises:
        JobFailure: They have nothing in common, or the target model does not run. Without the
            check, it is loaded all the same.
    """
    skipped = find_why_not_checked(request, values, ON_CPU)
    if skipped is not None:
        try:
            LiteRtModel(folder / _TARGET, threads=1).load()
        except JobFailure as failure:
            raise _refuse_target(failure.reason) from failure
        return skipped
    begin_step(Step.CHECKING_TARGET)
    wanted = CheckRequest(
        target=InputModel(path=folder / _TARGET, model_type=ModelType.TFLITE),
        soc=None,
        reference=reference,
        bound=bound,
        dataset=request.dataset or request.calibration,
    )
    limit = limit_seconds(time.monotonic() - started, request.time_limit)
    check = check_target(wanted, folder / WORK_FOLDER / "check", limit)
    if not check.did_run:
        raise _refuse_target(check.reason)
    is_lost = any(each.get("psnr", _LEAST_PSNR) < _LEAST_PSNR for each in check.outputs)
    if is_lost and is_float:
        reason = (
            f"The converted model computes something else than the model: {check.reason} This is a "
            f"fault of the converter, onnx2tf: {SKIP_TARGET_CHECK} gives the model as it is."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return check


def _refuse_target(reason: str) -> JobFailure:
    return JobFailure(FailureType.UNSUPPORTED, f"LiteRT does not run the converted model: {reason}")
