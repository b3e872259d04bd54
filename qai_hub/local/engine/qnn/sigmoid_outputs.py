"""A rewrite of Sigmoids whose results a model returns, which QNN's HTP computes in coarse steps."""

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex

# Operators whose results are as small as what they take.
_PASSING_OPS = frozenset(
    {
        *("Concat", "Flatten", "Identity", "ReduceMean", "Reshape", "Squeeze", "Transpose"),
        "Unsqueeze",
    }
)
# Below, 16-bit floats have no e^x but 0, and the HTP computes arbitrary values from -88 on.
_LOWEST = -80.0


def refine_sigmoid_outputs(graph: GraphIndex) -> bool:
    """Replace each Sigmoid of floats whose results are outputs, in place.

    The HTP's Sigmoid has steps of 0.00024 near 0, where 16-bit floats have far smaller ones: the
    probabilities of what is rare would be 0 or wrong by their own size. With
    `e^min(x, 0) * Sigmoid(|x|)`, which is the same, the error is relative. Other Sigmoids are left,
    as it takes more time, and what follows them hardly tells such numbers from 0.

    Args:
        graph: The graph, with types and shapes of all tensors, which is changed.

    Returns:
        Whether there were any.
    """
    found = [
        node
        for node in graph.list_nodes()
        if node.op_type == "Sigmoid"
        and graph.computes_floats(node)
        and _is_returned(graph, node.output[0])
    ]
    for node in found:
        graph.replace_nodes([node], _refine(graph, node))
    return bool(found)


def _is_returned(graph: GraphIndex, name: str) -> bool:
    """Return whether a tensor is an output, or is passed on into one."""
    if name in graph.outputs:
        return True
    users = [node for node in graph.users(name) if node.op_type in _PASSING_OPS]
    return any(_is_returned(graph, node.output[0]) for node in users)


def _refine(graph: GraphIndex, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    source, output = node.input[0], node.output[0]
    dtype = helper.tensor_dtype_to_np_dtype(graph.elem_type(source))
    limits = [
        graph.add_constant(f"{node.name}_{name}", np.array(value, dtype))
        for name, value in (("lowest", _LOWEST), ("zero", 0.0))
    ]

    def build(op: str, what: str, *inputs: str) -> onnx.NodeProto:
        result = graph.declare_like(f"{output}_{what}", output)
        return helper.make_node(op, inputs, [result], name=graph.name(f"{node.name}_{what}"))

    negative = build("Clip", "negative", source, *limits)
    power = build("Exp", "power", *negative.output)
    magnitude = build("Abs", "magnitude", source)
    sigmoid = build("Sigmoid", "sigmoid", *magnitude.output)
    factors = [*power.output, *sigmoid.output]
    product = helper.make_node("Mul", factors, [output], name=node.name)
    return [negative, power, magnitude, sigmoid, product]
