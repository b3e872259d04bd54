"""Compiles an ONNX model for a target runtime."""

import logging
from collections.abc import Sequence
from pathlib import Path

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
from qai_hub.local.execution.option_table import TARGET_RUNTIME, options_of
from qai_hub.local.execution.pinning import drop_defaults, pin_inputs
from qai_hub.local.execution.preparation import (
    EXTERNAL_FROM,
    check,
    is_large,
    optimise,
    publish,
    tidy,
)
from qai_hub.local.execution.signature import inputs_of, outputs_of
from qai_hub.local.execution.verification import verify

logger = logging.getLogger(__name__)


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
    options = options_of(request.options, "compile")
    notices = list(options.notices)
    if TARGET_RUNTIME not in options.values:
        message = f"No {TARGET_RUNTIME} given: compiled for onnx."
        notices.append(notice("INFO", "USER", message))
    work = folder / WORK_FOLDER
    model = open_model(request.model, request.model_type, work)
    check(model.path)
    pinned, inputs, was_dynamic = _pin(model, request.input_specs, work)
    del model
    logger.info("Optimising for the inputs %s", ", ".join(map(str, inputs)))
    target = work / "target" / "model.onnx"
    target.parent.mkdir()
    _optimise(pinned, target, inputs, was_dynamic=was_dynamic)
    apart = is_large(target, external_from)
    tidy(target, apart=apart)
    outputs, differences = verify(pinned, target, inputs)
    return Report(
        result={
            "target_model_type": "MODEL_TYPE_ONNX",
            "input_spec": [spec.to_json() for spec in inputs],
            "output_spec": [spec.to_json() for spec in outputs],
            "tool_versions": tool_versions(),
            "notices": notices + differences,
        },
        files={"target_model": publish(target, folder, apart=apart)},
    )


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
    try:
        optimise(pinned, target)
    except JobFailure as failure:
        if not was_dynamic or failure.failure_type is not FailureType.MODEL_INVALID:
            raise
        shapes = ", ".join(map(str, inputs))
        reason = f"The model cannot take the shapes of input_specs ({shapes}): {failure.reason}"
        raise JobFailure(FailureType.INVALID_INPUTS, reason) from failure
