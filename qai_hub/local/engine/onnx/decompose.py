"""Decomposes operators into those that ONNX defines them by."""

from collections.abc import Collection

import onnx
from onnx import inliner


def decompose(model: onnx.ModelProto, operators: Collection[str]) -> onnx.ModelProto:
    """Replace operators by the functions that define them.

    Args:
        model: The model.
        operators: The operators, all of them functions of ONNX's own operator set.

    Returns:
        The model itself if it has none of them, otherwise a copy without them.
    """
    found = {node.op_type for node in model.graph.node if not node.domain} & set(operators)
    if not found:
        return model
    functions = [("", op) for op in sorted(found)]
    return inliner.inline_selected_functions(model, functions, inline_schema_functions=True)
