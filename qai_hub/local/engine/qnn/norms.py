"""Rewrites normalizations over several dimensions: QNN has them for the last of up to 4 only."""

import math
from collections.abc import Sequence

import numpy as np
import onnx

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.qnn.moves import Parameter, Surroundings, change_parameter

_NORMS = {"LayerNormalization", "RMSNormalization"}
_MAX_RANK = 4


def flatten_normalizations(graph: GraphIndex) -> bool:
    """Reshape what is normalized into rows, and back, where QNN does not take its shape, in place.

    Args:
        graph: The graph, with types and shapes of all tensors, which is changed.

    Returns:
        Whether there were any.
    """
    changed = False
    for node in list(graph.graph.node):
        if node.op_type not in _NORMS or len(list(filter(None, node.output))) != 1:
            continue
        shape = graph.shape(node.input[0])
        if not shape or None in shape:
            continue
        sizes = [size or 0 for size in shape]
        axis = attributes_of(node).get("axis", -1) % len(sizes)
        if axis == len(sizes) - 1 and len(sizes) <= _MAX_RANK:
            continue
        changed |= _flatten(graph, node, sizes[:axis], sizes[axis:])
    if changed:
        graph.remove_dead_nodes()
    return changed


def _flatten(
    graph: GraphIndex, node: onnx.NodeProto, kept: Sequence[int], normalized: Sequence[int]
) -> bool:
    """Rewrite a normalization; return whether its scale and offset allow for it."""
    parameters = [_flatten_parameter(graph, name, normalized) for name in node.input[1:] if name]
    if None in parameters:
        return False
    around = Surroundings(graph, node)
    rows = [math.prod(kept), math.prod(normalized)]
    around.reshape_input(rows)
    around.reshape_output(rows)
    flattened = [each for each in parameters if each is not None]
    del around.node.input[1:]
    around.node.input.extend(each.name for each in flattened)
    around.remove_attributes("axis")
    around.insert(*(node for each in flattened for node in each.nodes))
    return True


def _flatten_parameter(graph: GraphIndex, name: str, normalized: Sequence[int]) -> Parameter | None:
    """Return a scale or offset in one dimension; None if that is not known to be possible."""
    dequantize = graph.producers.get(name)
    if dequantize is not None and graph.scalar(dequantize.input[1]) is None:
        return None
    return change_parameter(graph, name, lambda each: _flatten_constant(graph, each, normalized))


def _flatten_constant(graph: GraphIndex, name: str, normalized: Sequence[int]) -> str | None:
    """Return a copy of a constant in one dimension; None if its value is not known."""
    count = math.prod(normalized)
    if math.prod(graph.constants[name].dims) == count:
        # Its values, which may be in another file, stay as they are.
        copy = graph.copy_constant(name, f"{name}_flat")
        graph.constants[copy].dims[:] = [count]
        return copy
    value = graph.value(name)
    if value is None:
        return None
    return graph.add_constant(f"{name}_flat", np.broadcast_to(value, normalized).ravel())
