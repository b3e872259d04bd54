"""Tells which operators of a model QNN does not have."""

from collections.abc import Mapping
from pathlib import Path

from qai_hub.local.execution.failures import FailureType, JobFailure, resource_failure
from qai_hub.local.execution.qnn.naming import told
from qai_hub.local.execution.qnn.probe import check_works
from qai_hub.local.execution.qnn.provider import ASSIGNED, PROVIDER, QnnSession


def explained(failure: JobFailure, source: Path, options: Mapping[str, str]) -> JobFailure:
    """Tell why a model cannot be compiled in terms of its operators, where they are the cause.

    Args:
        failure: What compiling it ended with.
        source: The .onnx file.
        options: Options of the provider, as they were.

    Returns:
        The failure, with the operators that QNN does not have if there are any.

    Raises:
        MemoryError: QNN does not work, in a process whose memory is limited.
    """
    if resource_failure(failure.reason):
        return failure
    try:
        trial = QnnSession(source, options, settings={ASSIGNED: "1"})
    except JobFailure:
        return failure
    if all(provider != PROVIDER for provider, _ in trial.assignment()):
        check_works(options, source.parent.parent)
    left = [
        node for provider, nodes in trial.assignment() if provider != PROVIDER for node in nodes
    ]
    if not left:
        return failure
    reason = (
        f"QNN does not have these operators of the model: {told(left)}. Replace them, or "
        "compile with --target_runtime precompiled_qnn_onnx, where the CPU runs what the HTP "
        "cannot."
    )
    return JobFailure(FailureType.UNSUPPORTED, reason)
