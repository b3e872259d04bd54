"""Keeps the HTP from computing an activation together with what splits its result."""

from itertools import permutations

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of

_ACTIVATIONS = {"PRelu", "LeakyRelu"}
_CONVOLUTIONS = {"Conv", "ConvTranspose"}


def keep_splits_apart(graph: GraphIndex) -> bool:
    """Multiply by one what is split after a sum and an activation, in place.

    Of floats, the HTP computes the parts of PRelu, LeakyRelu and x * Sigmoid(x) of a sum wrongly:
    those of a Split, and those of the groups of a convolution, which QNN splits too. Not after a
    product, though.

    Args:
        graph: The graph, with types and shapes of all tensors, which is changed.

    Returns:
        Whether there were any.
    """
    products: dict[str, str] = {}
    added: dict[int, list[onnx.NodeProto]] = {}
    for place, node in enumerate(graph.graph.node):
        if not (_is_splitting(graph, node) and _is_activated_sum(graph, node.input[0])):
            continue
        source = node.input[0]
        if source not in products:
            added[place] = [_multiply_by_one(graph, source)]
            products[source] = added[place][0].output[0]
        node.input[0] = products[source]
    graph.insert_nodes(added)
    return bool(added)


def _is_splitting(graph: GraphIndex, node: onnx.NodeProto) -> bool:
    if node.op_type == "Split":
        return len(node.output) > 1
    if node.op_type not in _CONVOLUTIONS:
        return False
    shape = graph.shape(node.input[0])
    # Depthwise convolutions are not split.
    return shape is not None and 1 < attributes_of(node).get("group", 1) != shape[1]


def _is_activated_sum(graph: GraphIndex, tensor: str) -> bool:
    activation = graph.producers.get(tensor)
    source = None if activation is None else _find_activated(graph, activation)
    producer = None if source is None else graph.producers.get(source)
    return producer is not None and producer.op_type == "Add" and bool(graph.shape(tensor))


def _find_activated(graph: GraphIndex, node: onnx.NodeProto) -> str | None:
    """Return what a node is the activation of; None if it is no such activation."""
    if node.op_type in _ACTIVATIONS:
        return str(node.input[0])
    if node.op_type == "Mul":
        for source, factor in permutations(node.input):
            sigmoid = graph.producers.get(factor)
            if sigmoid is not None and sigmoid.op_type == "Sigmoid" and sigmoid.input[0] == source:
                return str(source)
    return None


def _multiply_by_one(graph: GraphIndex, source: str) -> onnx.NodeProto:
    # A factor for each channel: a single one would be optimized away.
    shape = [
        size if axis == 1 and size else 1 for axis, size in enumerate(graph.shape(source) or ())
    ]
    ones = graph.add_constant(f"{source}_ones", np.ones(shape, graph.dtype(source)))
    product = graph.declare_like(f"{source}_product", source)
    return helper.make_node("Mul", [source, ones], [product], name=graph.name(f"{source}_Mul"))
