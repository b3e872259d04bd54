"""Opens the input model of a compile job, and converts other formats to ONNX."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import onnx

from qai_hub.local.engine.compile_options import read_compile_options
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.handover import hand_on, require_engine
from qai_hub.local.engine.importers.aimet import open_aimet
from qai_hub.local.engine.importers.torch import open_exported_program, open_torchscript
from qai_hub.local.engine.machine import tool_versions
from qai_hub.local.engine.onnx.branches import has_branches, take_known_branches
from qai_hub.local.engine.onnx.integer_ports import make_integer_ports
from qai_hub.local.engine.onnx.io_options import apply_port_options
from qai_hub.local.engine.onnx.model_files import ModelFile, open_model
from qai_hub.local.engine.onnx.prepare import (
    EXTERNAL_DATA_THRESHOLD,
    INTERMEDIATE_THRESHOLD,
    clean_up_model,
    fix_input_shapes,
    match_specs,
    optimise,
    publish_model,
    remove_initializer_inputs,
)
from qai_hub.local.engine.onnx.session import OptimizationLevel, Session
from qai_hub.local.engine.onnx.signature import get_inputs, get_outputs
from qai_hub.local.engine.onnx.standardize import standardize_model
from qai_hub.local.engine.onnx.verify import Verified, verify_target
from qai_hub.local.engine.option_table import FULL_TYPE, QUANTIZE_IO
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    Report,
    TensorSpec,
    build_notice,
    specs_to_json,
)
from qai_hub.local.engine.qnn.checked_build import build_checked
from qai_hub.local.engine.qnn.link import wrap_context_binary
from qai_hub.local.engine.qnn.opsets import convert_for_provider
from qai_hub.local.engine.qnn.target_check import check_compiled, find_why_not_checked
from qai_hub.local.engine.qnn.targets import check_control_flow
from qai_hub.local.engine.quantize.job import quantize_for_compile
from qai_hub.local.engine.steps import Step, begin_step
from qai_hub.local.enums import ModelType
from qai_hub.option_string import TARGET_RUNTIME

_TORCH_IMPORTERS: dict[str, Callable[[Path, Sequence[TensorSpec], Path], ModelFile]] = {
    ModelType.TORCHSCRIPT: open_torchscript,
    ModelType.TORCH_EXPORTED_PROGRAM: open_exported_program,
}


def open_input_model(request: AttemptRequest, work: Path) -> ModelFile:
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
    if model.model_type in _TORCH_IMPORTERS:
        return _TORCH_IMPORTERS[model.model_type](model.path, request.input_specs, work)
    if model.model_type == ModelType.AIMET_ONNX:
        return open_aimet(model.path, work)
    return open_model(model.path, model.model_type, work)


logger = logging.getLogger(__name__)

_UNKNOWN_OPERATOR = "is not a registered function/op"
_CONTEXT_BINARY = ModelType.QNN_CONTEXT_BINARY


def compile_model(
    request: AttemptRequest, folder: Path, *, external_data_threshold: int = EXTERNAL_DATA_THRESHOLD
) -> Report:
    """Make the target model of a compile job.

    The inputs and outputs are changed to those that the job requests, and the graph is folded and
    simplified without regard to any hardware. Then the result is run once and compared with the
    model before simplification. For a runtime that an engine makes models for, that is the first
    stage, and the report names the next one.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the target model.
        external_data_threshold: Size in bytes from which weights are stored in a file beside the
            graph, and the target model is a zipped directory.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    started = time.monotonic()
    if request.model.model_type == _CONTEXT_BINARY:
        return wrap_context_binary(request, folder)
    options, qnn = read_compile_options(request)
    engine = require_engine(options.values.get(TARGET_RUNTIME), request)
    notices = list(options.notices)
    work = folder / WORK_FOLDER
    begin_step(Step.OPENING)
    model = open_input_model(request, work)
    begin_step(Step.CHECKING)
    model = standardize_model(model, work)
    values = options.values
    # Calibration data uses the input names of input_specs and the model's original layout.
    port_options = {} if FULL_TYPE in values else values
    begin_step(Step.SETTING_PORTS)
    fixed, inputs, was_dynamic, port_notices = _fix_ports(
        model, request.input_specs, port_options, work
    )
    if qnn is not None:
        qnn.check_layers(fixed)
    notices += [*model.notices, *port_notices]
    tools = model.tools
    del model
    fixed, inputs, reference, port_notices = _quantize(
        fixed, inputs, request, values, work, external_data_threshold
    )
    notices += port_notices
    logger.info("Optimising for the inputs %s", ", ".join(map(str, inputs)))
    begin_step(Step.OPTIMISING)
    target = work / "target" / "model.onnx"
    target.parent.mkdir()
    source = fixed if qnn is None else _convert_for_qnn(fixed, work)
    threshold = external_data_threshold if qnn is None else INTERMEDIATE_THRESHOLD
    _optimise(source, target, inputs, threshold, was_dynamic=was_dynamic, for_qnn=qnn is not None)
    has_external_data = clean_up_model(target, threshold)
    if qnn is not None:
        check_control_flow(onnx.load(target, load_external_data=False))

    def verify(optimised: Path) -> Verified:
        begin_step(Step.VERIFYING)
        return verify_target(fixed, optimised, inputs, work / "verify")

    if qnn is not None:
        made, check, outputs, target_notices = build_checked(
            qnn,
            target,
            inputs,
            folder,
            verify,
            lambda made: check_compiled(made, request, values, target, reference, folder, started),
            will_check=find_why_not_checked(request, values) is None,
        )
        report = Report(result=made.result | {"target_check": check.to_json()}, files=made.files)
    else:
        outputs, target_notices = verify(target)
        float_model = reference if FULL_TYPE in values else None
        report = (
            _publish(target, folder, has_external_data=has_external_data)
            if engine is None
            else hand_on(request, engine, target, float_model, inputs)
        )
    result = {
        **report.result,
        "tool_versions": [*report.result["tool_versions"], *tools],
        **specs_to_json(inputs, outputs),
        "notices": notices + target_notices,
    }
    return replace(report, result=result)


def _publish(target: Path, folder: Path, *, has_external_data: bool) -> Report:
    """Publish a target model for ONNX Runtime."""
    name = publish_model(target, folder, has_external_data=has_external_data)
    result = {"target_model_type": ModelType.ONNX, "tool_versions": tool_versions()}
    return Report(result=result, files={"target_model": name})


def _apply_output_options(path: Path, values: Mapping[str, Any]) -> list[TensorSpec]:
    """Give a quantized model the outputs and layouts that options request; return its inputs."""
    model = onnx.load(path, load_external_data=False)
    if apply_port_options(model, (), get_outputs(model), values)[0]:
        path.write_bytes(model.SerializeToString())
    return [port.to_spec() for port in get_inputs(model)]


def _copy_with_output_options(source: Path, work: Path, values: Mapping[str, Any]) -> Path:
    """Return a copy of a float model with the outputs and layouts that options request."""
    copy = _choose_folder(source, work) / "reference.onnx"
    copy.write_bytes(source.read_bytes())
    _apply_output_options(copy, values)
    return copy


class _Quantized(NamedTuple):
    """A model that is quantized as the options request.

    Attributes:
        path: The .onnx file.
        inputs: Its inputs.
        reference: The .onnx file of the model to compare the target model with.
        notices: Notices for the user.
    """

    path: Path
    inputs: list[TensorSpec]
    reference: Path
    notices: list[dict[str, str]]


def _quantize(
    source: Path,
    inputs: list[TensorSpec],
    request: AttemptRequest,
    values: Mapping[str, Any],
    work: Path,
    external_data_threshold: int,
) -> _Quantized:
    """Quantize a model, and make its inputs and outputs integers, where options request it."""
    path = reference = source
    notices: list[dict[str, str]] = []
    if FULL_TYPE in values:
        path, notices = quantize_for_compile(
            source, request, values, work, external_data_threshold=external_data_threshold
        )
        inputs = _apply_output_options(path, values)
        reference = _copy_with_output_options(source, work, values)
    if QUANTIZE_IO in values:
        model = onnx.load(path, load_external_data=False)
        notices = [*notices, *make_integer_ports(model)]
        inputs = [port.to_spec() for port in get_inputs(model)]
        path = _choose_folder(path, work) / "integer_ports.onnx"
        path.write_bytes(model.SerializeToString())
    return _Quantized(path, inputs, reference, notices)


def _convert_for_qnn(source: Path, work: Path) -> Path:
    """Return a model in an operator set that QNN's provider understands."""
    model = onnx.load(source, load_external_data=False)
    converted = convert_for_provider(model)
    if converted is model:
        return source
    path = _choose_folder(source, work) / "converted.onnx"
    path.write_bytes(converted.SerializeToString())
    return path


def _choose_folder(source: Path, work: Path) -> Path:
    """Return a folder for a copy of a model, whose weights may be in files beside it."""
    return source.parent if source.is_relative_to(work) else work


def _fix_ports(
    model: ModelFile, specs_given: Sequence[TensorSpec], values: Mapping[str, Any], work: Path
) -> tuple[Path, list[TensorSpec], bool, list[dict[str, str]]]:
    """Give the model the inputs and outputs that the target model must have.

    Returns:
        The model with all dimensions fixed, its inputs, whether any was dynamic, and notices.
    """
    outputs = get_outputs(model.proto)
    specs = match_specs(model.proto, specs_given)
    original = None
    if has_branches(model.proto):
        original = onnx.ModelProto()
        original.CopyFrom(model.proto)
    was_dynamic = fix_input_shapes(model.proto, specs)
    for port in get_inputs(model.proto):
        port.to_spec()
    taken = take_known_branches(model.proto)
    has_defaults = remove_initializer_inputs(model.proto)
    is_changed, notices = apply_port_options(model.proto, specs, outputs, values)
    inputs = [port.to_spec() for port in get_inputs(model.proto)]
    path = model.path
    if was_dynamic or has_defaults or is_changed or taken:
        path = model.path if model.is_unpacked else work / "pinned.onnx"
        path.write_bytes(model.proto.SerializeToString())
    if original and was_dynamic and has_branches(model.proto) and not _can_load(path):
        remove_initializer_inputs(original)
        apply_port_options(original, specs, outputs, values)
        path.write_bytes(original.SerializeToString())
        message = (
            "Dynamic dimensions of the inputs stay dynamic in the target model: a branch of its "
            "If does not accept the shapes in input_specs."
        )
        notices.append(build_notice("INFO", "MODEL", message))
    return path, inputs, was_dynamic, notices


def _can_load(path: Path) -> bool:
    """Return whether ONNX Runtime loads a model as it is."""
    try:
        Session(path, level=OptimizationLevel.ORT_DISABLE_ALL)
    except JobFailure:
        return False
    return True


def _optimise(
    source: Path,
    target: Path,
    inputs: Sequence[TensorSpec],
    external_data_threshold: int,
    *,
    was_dynamic: bool,
    for_qnn: bool,
) -> None:
    try:
        optimise(source, target, external_data_threshold)
    except JobFailure as failure:
        if for_qnn:
            # The branch that is not taken need not fit the shapes, but no branch can be compiled.
            check_control_flow(onnx.load(source, load_external_data=False))
        invalid = failure.failure_type is FailureType.MODEL_INVALID
        if not was_dynamic or not invalid or _UNKNOWN_OPERATOR in failure.reason:
            raise
        shapes = ", ".join(map(str, inputs))
        reason = f"The model does not accept the shapes in input_specs ({shapes}): {failure.reason}"
        raise JobFailure(FailureType.INVALID_INPUTS, reason) from failure
