"""Rewrites of activations that QNN's HTP computes wrongly or coarsely in 16-bit floats.

These were found by running each operator alone and behind others, on the whole range of its inputs.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, Use


class _Range(NamedTuple):
    low: float
    high: float


_LARGEST = float(np.finfo(np.float16).max)
_UNBOUNDED = _Range(-_LARGEST, _LARGEST)
# The inputs that the HTP computes rightly. In 16-bit floats, results beyond are those at the limit.
_RANGES: Mapping[str, _Range] = {
    # Below -88, it computes arbitrary values of up to 131008 instead of 0.
    **dict.fromkeys(("Exp", "Softplus", "Mish"), _Range(-80.0, _LARGEST)),
    # Its square overflows.
    "Atan": _Range(-30000.0, 30000.0),
}
# The compiler merges these into what computes their input, as operators with errors of up to 0.004
# (Gelu, Sigmoid) and 0.007 (Tanh). Those of the separate ones are 0.0007 (Sigmoid), 0.0003 (Tanh)
# and the rounding of the result (Gelu). An Erf is part of a Gelu, or is not computed by the HTP.
# The product of a Sigmoid and its input is left: after a Conv, it has errors of up to 0.008, but a
# YOLO of 57 of them, which has 56 dB or more, would take five times as long to simulate.
_MERGED_OPS = frozenset({"Erf", "Gelu", "Sigmoid", "Tanh"})
# Whose input may be clamped.
BOUNDED_OPS = _MERGED_OPS | _RANGES.keys()
_MERGING_OPS = frozenset({"Conv", "Gemm", "MatMul"})
# Operators between the two that do not prevent it.
_PASSED_OPS = frozenset(
    {
        *("Add", "BatchNormalization", "Concat", "Div", "Identity", "Mul", "Reshape", "Squeeze"),
        *("Sub", "Transpose", "Unsqueeze"),
    }
)


def bound_activations(model: onnx.ModelProto) -> bool:
    """Bound the inputs of activations to those that the HTP computes rightly, in place.

    A LeakyRelu whose slope is 1 is what keeps the compiler from merging an activation into an
    operator before it. A Clip does that from QAIRT 2.51 on only: before, it makes a Sigmoid of a
    Conv worse, such as those by which networks weigh their channels (43 dB instead of 77, and 20 dB
    after six of them). A Max takes minutes to compile for the feed-forward layers of Whisper.

    Args:
        model: The model, of opset 11 or later, whose nodes are named and whose tensors have
            types.

    Returns:
        Whether there were any.
    """
    graph = GraphIndex(model)
    places = {tuple(node.output): place for place, node in enumerate(graph.graph.node)}
    added: dict[int, list[onnx.NodeProto]] = {}
    for node in graph.graph.node:
        uses = _find_input(graph, node)
        limits = _find_limits(graph, node, uses)
        if limits is None:
            continue
        bounds = _make_bounds(graph, uses[0].name, limits, node.name)
        first = min(places[tuple(use.node.output)] for use in uses)
        added.setdefault(first, []).extend(bounds)
        for use in uses:
            use.node.input[use.place] = bounds[-1].output[0]
    graph.insert_nodes(added)
    return bool(added)


def _find_input(graph: GraphIndex, node: onnx.NodeProto) -> list[Use]:
    """Return where an activation uses its input; none for a node that is no such activation."""
    if node.op_type not in BOUNDED_OPS or not graph.computes_floats(node):
        return []
    if node.op_type != "Erf":
        return [Use(node, 0)]
    # A Gelu scales its input for the Erf, and multiplies it by the result.
    scaling = graph.producers.get(node.input[0])
    if scaling is None or scaling.op_type not in {"Div", "Mul"}:
        return []
    source = next((name for name in scaling.input if name not in graph.constants), "")
    uses = graph.uses.get(source, [])
    return uses if len(uses) == len(("scaling", "product")) else []


def _find_limits(graph: GraphIndex, node: onnx.NodeProto, uses: Sequence[Use]) -> _Range | None:
    """Return the limits that the input of an activation needs; None if it needs none."""
    if not uses:
        return None
    source = uses[0].name
    if node.op_type in _MERGED_OPS:
        is_shared = len(graph.uses[source]) > len(uses) or source in graph.outputs
        return _UNBOUNDED if not is_shared and _is_merged(graph, source) else None
    limits, present = _RANGES[node.op_type], _read_limits(graph, source)
    if limits.low <= present.low and present.high <= limits.high:
        return None
    return limits


def _is_merged(graph: GraphIndex, name: str) -> bool:
    """Return whether the compiler may merge the activation of a tensor into an operator before."""
    names, seen = [name], set[str]()
    while names:
        producer = graph.producers.get(names.pop())
        if producer is None or producer.output[0] in seen:
            continue
        if producer.op_type in _MERGING_OPS:
            return True
        seen.add(producer.output[0])
        if producer.op_type in _PASSED_OPS:
            names += producer.input
    return False


def _read_limits(graph: GraphIndex, name: str) -> _Range:
    """Return the limits that a tensor is bounded by, infinite where they are not constants."""
    producer = graph.producers.get(name)
    if producer is None or producer.op_type not in {"Clip", "Max", "Min"}:
        return _Range(-np.inf, np.inf)
    source, *bounds = producer.input
    values = [graph.scalar(bound) if bound else None for bound in bounds]
    low, high = _read_limits(graph, source)
    for place, value in enumerate(values):
        if value is not None:
            is_lower = producer.op_type == "Max" or (producer.op_type, place) == ("Clip", 0)
            bound = max if is_lower else min
            low, high = bound(low, value), bound(high, value)
    return _Range(low, high)


def _make_bounds(graph: GraphIndex, source: str, limits: _Range, base: str) -> list[onnx.NodeProto]:
    """Return nodes that bound a tensor, whose outputs are declared: the last one has the result."""
    if limits == _UNBOUNDED:
        name, output = graph.name(f"{base}_apart"), graph.declare_like(f"{source}_apart", source)
        return [helper.make_node("LeakyRelu", [source], [output], name=name, alpha=1.0)]
    wanted = [("Max", limits.low)]
    if limits.high < _LARGEST:
        wanted.append(("Min", limits.high))
    dtype = helper.tensor_dtype_to_np_dtype(graph.elem_type(source))
    shape = (1,) * (graph.rank(source) or 0)
    nodes: list[onnx.NodeProto] = []
    for op, limit in wanted:
        name = graph.name(f"{base}_{op.lower()}")
        bound = graph.add_constant(f"{name}_limit", np.full(shape, limit, dtype))
        output = graph.declare_like(f"{source}_bounded", source)
        nodes.append(helper.make_node(op, [source, bound], [output], name=name))
        source = output
    return nodes
