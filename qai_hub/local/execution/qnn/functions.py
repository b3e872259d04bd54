"""Operators that ONNX defines by others, such as Mish, which QNN has only in pieces."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import onnx
from onnx import defs, inliner

from qai_hub.local.execution.failures import JobFailure
from qai_hub.local.execution.qnn.adapting import adapt
from qai_hub.local.execution.qnn.provider import ASSIGNED, PROVIDER, QnnSession

_T = TypeVar("_T")


def compiled(make: Callable[[Path], _T], source: Path, options: Mapping[str, str]) -> _T:
    """Compile a model, and where that fails over such operators, again with their pieces.

    ONNX Runtime takes them to pieces while it looks who runs them, after which its compiler for
    contexts refuses the model.

    Args:
        make: Compiles the model, in a folder that it makes.
        source: The .onnx file, which is changed if need be.
        options: Options of the provider.

    Returns:
        What `make` returned.

    Raises:
        JobFailure: The model cannot be compiled.
    """
    try:
        return make(source.parent.parent / "qnn")
    except JobFailure as failure:
        if not _take_to_pieces(source, options):
            raise
        try:
            return make(source.parent.parent / "qnn-pieces")
        except JobFailure:
            # Which names the operators as they are in the model.
            raise failure from None


def _take_to_pieces(source: Path, options: Mapping[str, str]) -> bool:
    """Put their pieces in place of operators that QNN does not have; False if there are none."""
    model = onnx.load(source, load_external_data=False)
    try:
        parts = QnnSession(source, options, settings={ASSIGNED: "1"}).assignment()
    except JobFailure:
        return False
    taken = {op for provider, nodes in parts if provider == PROVIDER for _, op in nodes}
    left = {node.op_type for node in model.graph.node if not node.domain} - taken
    functions = [("", op) for op in sorted(left) if _is_function(op)]
    if not functions:
        return False
    inlined = inliner.inline_selected_functions(model, functions, inline_schema_functions=True)
    adapt(inlined)
    source.write_bytes(onnx.shape_inference.infer_shapes(inlined).SerializeToString())
    return True


def _is_function(op: str) -> bool:
    if not defs.has(op):
        return False
    return bool(defs.get_schema(op).has_function)  # type: ignore[attr-defined]  # not in its stubs
