"""Compiles an ONNX model for a target runtime."""

import logging
from collections.abc import Sequence
from pathlib import Path

import onnx

from qai_hub.local.execution.archive import pack
from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.host import tool_versions
from qai_hub.local.execution.messages import (
    WORK_FOLDER,
    AttemptRequest,
    Report,
    TensorSpec,
    notice,
)
from qai_hub.local.execution.model_files import ModelFile, open_model
from qai_hub.local.execution.options import COMPILE_OPTIONS, TARGET_RUNTIME, parse_options
from qai_hub.local.execution.pinning import drop_defaults, pin_inputs
from qai_hub.local.execution.sessions import Level, Session
from qai_hub.local.execution.signature import inputs_of, outputs_of
from qai_hub.local.execution.verification import verify

logger = logging.getLogger(__name__)

# One protobuf message cannot exceed 2 GiB, and folding constants makes models grow.
EXTERNAL_FROM = 3 * 2**29


def compile_model(
    request: AttemptRequest, folder: Path, *, external_from: int = EXTERNAL_FROM
) -> Report:
    """Make the target model of a compile job.

    The inputs are fixed to the job's shapes, the graph is folded and simplified without regard
    to any hardware, and the result is run once and compared with the model that came in.

    Args:
        request: The request.
        folder: The attempt's folder, which takes the target model.
        external_from: Size in bytes from which on weights go into a file beside the graph, and
            the target model is a zipped directory.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    options = parse_options(request.options, COMPILE_OPTIONS)
    notices = []
    if TARGET_RUNTIME not in options:
        message = f"No {TARGET_RUNTIME} given: compiled for onnx."
        notices.append(notice("INFO", "USER", message))
    work = folder / WORK_FOLDER
    model = open_model(request.model, request.model_type, work)
    _check(model.path)
    pinned, inputs, was_dynamic = _pin(model, request.input_specs, work)
    del model
    logger.info("Optimising for the inputs %s", ", ".join(map(str, inputs)))
    target = work / "target" / "model.onnx"
    target.parent.mkdir()
    _optimise(pinned, target, inputs, was_dynamic=was_dynamic)
    apart = sum(path.stat().st_size for path in target.parent.iterdir()) >= external_from
    _tidy(target, apart=apart)
    outputs, differences = verify(pinned, target, inputs)
    return Report(
        result={
            "target_model_type": "MODEL_TYPE_ONNX",
            "input_spec": [spec.to_json() for spec in inputs],
            "output_spec": [spec.to_json() for spec in outputs],
            "tool_versions": tool_versions(),
            "notices": notices + differences,
        },
        files={"target_model": _publish(target, folder, apart=apart)},
    )


def _check(path: Path) -> None:
    try:
        onnx.checker.check_model(path)
    except UnicodeDecodeError as error:
        reason = f"The model is damaged: it holds text that is not UTF-8 ({error.reason})."
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    except onnx.checker.ValidationError as error:
        text = " ".join(str(error).split())[:1500]
        reason = f"The model is not valid ONNX: {text}"
        raise JobFailure(FailureType.MODEL_INVALID, reason) from None


def _pin(
    model: ModelFile, specs: Sequence[TensorSpec], work: Path
) -> tuple[Path, list[TensorSpec], bool]:
    """Return the model with all dimensions fixed, its inputs, and whether any was dynamic."""
    outputs_of(model.proto)
    was_dynamic = pin_inputs(model.proto, specs)
    inputs = [port.fixed() for port in inputs_of(model.proto)]
    if not drop_defaults(model.proto) and not was_dynamic:
        return model.path, inputs, was_dynamic
    path = model.path if model.unpacked else work / "pinned.onnx"
    path.write_bytes(model.proto.SerializeToString())
    return path, inputs, was_dynamic


def _optimise(
    pinned: Path, target: Path, inputs: Sequence[TensorSpec], *, was_dynamic: bool
) -> None:
    settings = {"session.optimized_model_external_initializers_file_name": "model.data"}
    try:
        # The levels above would insert nodes for this machine's CPU.
        Session(pinned, level=Level.ORT_ENABLE_BASIC, settings=settings, optimised=target)
    except JobFailure as failure:
        if not was_dynamic or failure.failure_type is not FailureType.MODEL_INVALID:
            raise
        shapes = ", ".join(map(str, inputs))
        reason = f"The model cannot take the shapes of input_specs ({shapes}): {failure.reason}"
        raise JobFailure(FailureType.INVALID_INPUTS, reason) from failure


def _tidy(target: Path, *, apart: bool) -> None:
    """Drop the operator sets that ONNX Runtime lists without need, and state all shapes."""
    model = onnx.load(target, load_external_data=not apart)
    used = _domains(model.graph) | {node.domain for f in model.functions for node in f.node} | {""}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    target.write_bytes(model.SerializeToString())
    onnx.shape_inference.infer_shapes_path(target, target)


def _domains(graph: onnx.GraphProto) -> set[str]:
    domains = set()
    for node in graph.node:
        domains.add(node.domain)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                domains |= _domains(inner)
    return domains


def _publish(target: Path, folder: Path, *, apart: bool) -> str:
    if not apart:
        name = "target_model.onnx"
        target.replace(folder / name)
        return name
    name = "target_model.onnx.zip"
    files = {f"model.onnx/{path.name}": path for path in sorted(target.parent.iterdir())}
    pack(files, folder / name)
    return name
