"""Tells a QNN that does not work from one that does not have a model's operators."""

import resource
from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx import helper

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.qnn.provider import ASSIGNED, PROVIDER, QnnSession


def check_works(options: Mapping[str, str], work: Path) -> None:
    """Check that QNN takes an addition of integers, which it has for each chip.

    Where memory is short it loads, and then refuses every operator.

    Args:
        options: Options of the provider.
        work: Folder for the model of it.

    Raises:
        MemoryError: It does not, in a process whose memory is limited.
        JobFailure: It does not.
    """
    path = work / "addition.onnx"
    path.write_bytes(_addition().SerializeToString())
    parts = QnnSession(path, options, settings={ASSIGNED: "1"}).assignment()
    if any(provider == PROVIDER for provider, _ in parts):
        return
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        raise MemoryError("QNN takes no operator, as it does where memory is short")
    reason = "The QNN of this hub does not work on this machine: it takes not even an addition."
    raise JobFailure(FailureType.RUNTIME_UNKNOWN, reason)


def _addition() -> onnx.ModelProto:
    x, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.INT32, [1, 4]) for name in ("x", "y")
    )
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "addition", [x], [y])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)
