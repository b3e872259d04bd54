"""Opens the input model of a compile job, and converts other formats to ONNX."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.importers.aimet import open_aimet
from qai_hub.local.engine.importers.torch import open_exported_program, open_torchscript
from qai_hub.local.engine.machine import tool_versions
from qai_hub.local.engine.onnx.io_options import change_ports
from qai_hub.local.engine.onnx.model_files import ModelFile, open_model
from qai_hub.local.engine.onnx.prepare import (
    EXTERNAL_FROM,
    check,
    drop_defaults,
    fit_specs,
    is_large,
    optimise,
    pin_inputs,
    publish,
    tidy,
    verify,
)
from qai_hub.local.engine.onnx.signature import inputs_of, outputs_of
from qai_hub.local.engine.option_table import FULL_TYPE, parse_job_options
from qai_hub.local.engine.options import Options
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    Report,
    TensorSpec,
    build_notice,
    specs_to_json,
)
from qai_hub.local.engine.qnn.link import embed_binary
from qai_hub.local.engine.qnn.targets import QnnTarget
from qai_hub.local.engine.quantize.job import check_calibration, quantized
from qai_hub.local.enums import ModelType
from qai_hub.option_string import QNN_OPTIONS, TARGET_RUNTIME

_FROM_TORCH: dict[str, Callable[[Path, Sequence[TensorSpec], Path], ModelFile]] = {
    ModelType.TORCHSCRIPT: open_torchscript,
    ModelType.TORCH_EXPORTED_PROGRAM: open_exported_program,
}


def open_source(request: AttemptRequest, work: Path) -> ModelFile:
    """Open the input model of a compile job.

    Args:
        request: The request.
        work: Folder for unpacked and generated files.

    Returns:
        The model, as ONNX.

    Raises:
        JobFailure: Its format is not supported, the file is not a readable model, or it cannot be
            converted to ONNX.
    """
    model = request.model
    if model.model_type in _FROM_TORCH:
        return _FROM_TORCH[model.model_type](model.path, request.input_specs, work)
    if model.model_type == ModelType.AIMET_ONNX:
        return open_aimet(model.path, work)
    return open_model(model.path, model.model_type, work)


logger = logging.getLogger(__name__)

_NO_OPERATOR = "is not a registered function/op"
_CONTEXT_BINARY = ModelType.QNN_CONTEXT_BINARY


def compile_model(
    request: AttemptRequest, folder: Path, *, external_from: int = EXTERNAL_FROM
) -> Report:
    """Make the target model of a compile job.

    The inputs and outputs are changed to those that the job requests, and the graph is folded and
    simplified without regard to any hardware. Then the result is run once and compared with the
    model before simplification.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the target model.
        external_from: Size in bytes from which weights are stored in a file beside the graph, and
            the target model is a zipped directory.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    if request.model.model_type == _CONTEXT_BINARY:
        return embed_binary(request, folder)
    options = parse_job_options(request.options, "compile")
    options.notices.extend(check_calibration(request, options.values))
    qnn = _qnn_target(options, request)
    notices = list(options.notices)
    if TARGET_RUNTIME not in options.values:
        message = f"No {TARGET_RUNTIME} given: compiled for onnx."
        notices.append(build_notice("INFO", "USER", message))
    work = folder / WORK_FOLDER
    model = open_source(request, work)
    check(model)
    values = options.values
    # Calibration data uses the input names of input_specs and the model's original layout.
    early = {} if FULL_TYPE in values else values
    pinned, inputs, was_dynamic, changes = _pin(model, request.input_specs, early, work)
    notices += [*model.notices, *changes]
    tools = model.tools
    del model
    if FULL_TYPE in values:
        pinned, changes = quantized(pinned, request, values, work, external_from=external_from)
        inputs = _change_quantized(pinned, values)
        notices += changes
    logger.info("Optimising for the inputs %s", ", ".join(map(str, inputs)))
    target = work / "target" / "model.onnx"
    target.parent.mkdir()
    _optimise(pinned, target, inputs, was_dynamic=was_dynamic)
    apart = is_large(target, external_from)
    tidy(target, apart=apart)
    outputs, differences = verify(pinned, target, inputs)
    if qnn is None:
        made = {"target_model_type": ModelType.ONNX, "tool_versions": tool_versions()}
        files = {"target_model": publish(target, folder, apart=apart)}
        more: list[dict[str, str]] = []
    else:
        made, files, more = qnn.make(target, inputs, outputs, folder)
    made["tool_versions"] = [*made["tool_versions"], *tools]
    return Report(
        result={**made, **specs_to_json(inputs, outputs), "notices": notices + differences + more},
        files=files,
    )


def _qnn_target(options: Options, request: AttemptRequest) -> QnnTarget | None:
    """Return the target of a job for QNN, once it is certain to be supported; None for others."""
    runtime = options.values.get(TARGET_RUNTIME, "onnx")
    if runtime != "onnx":
        given = options.values.get(QNN_OPTIONS, {})
        return QnnTarget.of(runtime, request.soc, given, request.other_socs)
    if QNN_OPTIONS in options.values:
        message = f"The option {QNN_OPTIONS} was ignored: it is for target runtimes of QNN."
        options.notices.append(build_notice("INFO", "USER", message))
    return None


def _change_quantized(path: Path, values: Mapping[str, Any]) -> list[TensorSpec]:
    """Give a quantized model the outputs and layouts that options request; return its inputs."""
    model = onnx.load(path, load_external_data=False)
    if change_ports(model, (), outputs_of(model), values)[0]:
        path.write_bytes(model.SerializeToString())
    return [port.fixed() for port in inputs_of(model)]


def _pin(
    model: ModelFile, given: Sequence[TensorSpec], values: Mapping[str, Any], work: Path
) -> tuple[Path, list[TensorSpec], bool, list[dict[str, str]]]:
    """Give the model the inputs and outputs that the target model must have.

    Returns:
        The model with all dimensions fixed, its inputs, whether any was dynamic, and notices.
    """
    outputs = outputs_of(model.proto)
    specs = fit_specs(model.proto, given)
    was_dynamic = pin_inputs(model.proto, specs)
    for port in inputs_of(model.proto):
        port.fixed()
    has_defaults = drop_defaults(model.proto)
    is_changed, notices = change_ports(model.proto, specs, outputs, values)
    inputs = [port.fixed() for port in inputs_of(model.proto)]
    path = model.path
    if was_dynamic or has_defaults or is_changed:
        path = model.path if model.unpacked else work / "pinned.onnx"
        path.write_bytes(model.proto.SerializeToString())
    return path, inputs, was_dynamic, notices


def _optimise(
    pinned: Path, target: Path, inputs: Sequence[TensorSpec], *, was_dynamic: bool
) -> None:
    try:
        optimise(pinned, target)
    except JobFailure as failure:
        invalid = failure.failure_type is FailureType.MODEL_INVALID
        if not was_dynamic or not invalid or _NO_OPERATOR in failure.reason:
            raise
        shapes = ", ".join(map(str, inputs))
        reason = f"The model cannot take the shapes of input_specs ({shapes}): {failure.reason}"
        raise JobFailure(FailureType.INVALID_INPUTS, reason) from failure
