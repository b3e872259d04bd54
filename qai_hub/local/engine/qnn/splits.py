"""Keeps the HTP from computing an activation together with what splits its result."""

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
    if activation is None or not graph.shape(tensor):
        return False
    if activation.op_type in _ACTIVATIONS:
        source = activation.input[0]
    elif activation.op_type == "Mul":
        first, second = (graph.producers.get(name) for name in activation.input)
        if first is not None and _is_sigmoid_of(first, activation.input[1]):
            source = activation.input[1]
        elif second is not None and _is_sigmoid_of(second, activation.input[0]):
            source = activation.input[0]
        else:
            return False
    else:
        return False
    producer = graph.producers.get(source)
    return producer is not None and producer.op_type == "Add"


def _is_sigmoid_of(node: onnx.NodeProto, tensor: str) -> bool:
    return node.op_type == "Sigmoid" and node.input[0] == tensor


def _multiply_by_one(graph: GraphIndex, source: str) -> onnx.NodeProto:
    # A factor for each channel: a single one would be optimized away.
    shape = [
        size if axis == 1 and size else 1 for axis, size in enumerate(graph.shape(source) or ())
    ]
    ones = graph.add_constant(f"{source}_ones", np.ones(shape, graph.dtype(source)))
    product = graph.declare_like(f"{source}_product", source)
    return helper.make_node("Mul", [source, ones], [product], name=graph.name(f"{source}_Mul"))
