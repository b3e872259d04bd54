"""Replaces operators that the quantizer of TensorFlow Lite models leaves in floats."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of

_Nodes = list[onnx.NodeProto]
_DEFAULT_SLOPE = 0.01


def decompose_for_integers(model: onnx.ModelProto) -> None:
    """Replace operators by others that compute the same and have integer kernels, in place.

    Args:
        model: The float model.
    """
    index = GraphIndex(model)
    nodes: _Nodes = []
    for node in index.list_nodes():
        rule = _RULES.get(node.op_type)
        nodes += (rule(index, node) if rule else None) or [node]
    index.set_nodes(nodes)


def _scale(node: onnx.NodeProto, factor: str, output: str) -> onnx.NodeProto:
    return helper.make_node("Mul", [node.input[0], factor], [output], name=output)


def _negate(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """`-x` is `-1 x`."""
    if not index.computes_floats(node):
        return None
    factor = index.add_constant("minus_one", np.array(-1, np.float32))
    return [_scale(node, factor, node.output[0])]


def _leak(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """`LeakyRelu(x)` is `max(x, a x)` for a slope of at most 1."""
    slope = attributes_of(node).get("alpha", _DEFAULT_SLOPE)
    if slope > 1:
        return None
    factor = index.add_constant("slope", np.array(slope, np.float32))
    return _take_larger(index, node, factor)


def _leak_by_channel(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """`PRelu(x)` is `max(x, a x)` for constant slopes of at most 1."""
    slopes = index.value(node.input[1])
    if slopes is None or bool(np.any(slopes > 1)):
        return None
    return _take_larger(index, node, node.input[1])


def _take_larger(index: GraphIndex, node: onnx.NodeProto, factor: str) -> _Nodes | None:
    if not index.is_float(node.output[0]):
        return None
    scaled = index.declare_like(f"{node.output[0]}_scaled", node.output[0])
    larger = helper.make_node("Max", [node.input[0], scaled], node.output, name=node.output[0])
    return [_scale(node, factor, scaled), larger]


_RULES: dict[str, Callable[[GraphIndex, onnx.NodeProto], _Nodes | None]] = {
    "LeakyRelu": _leak,
    "Neg": _negate,
    "PRelu": _leak_by_channel,
}
