"""Rewrites of a model into forms that QNN accepts, with the same results.

Each is for a form that QNN refuses although it has all of its operators.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

_CLAMPS = {"Relu", "Clip"}
# Operators that change the order of elements and not their values.
_MOVES = {"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}

_INTEGER_TYPES = {
    onnx.TensorProto.UINT8,
    onnx.TensorProto.INT8,
    onnx.TensorProto.UINT16,
    onnx.TensorProto.INT16,
}


def rewrite_for_qnn(model: onnx.ModelProto) -> bool:
    """Apply all rewrites to a model, in place.

    Args:
        model: The model, with types and shapes of all tensors, and names of all nodes.

    Returns:
        Whether anything was changed.
    """
    changed = [
        quantize_before_clamps(model),
        remove_idle_clamps(model),
        quantize_byte_outputs(model),
    ]
    return any(changed)


def quantize_before_clamps(model: onnx.ModelProto) -> bool:
    """Add Q and DQ between an operator and the Relu or Clip that alone stands before its Q.

    QNN takes an operator and its Q as one. Where the clamp has work to do, since the zero point is
    not the lowest value of the type, nothing quantizes what it clamps. The Q that follows can do
    that as well: values that the clamp changes stay on the same side of its limits when they are
    rounded, so that the results are the same.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there were any.
    """
    graph = model.graph
    producers = {name: node for node in graph.node for name in node.output}
    consumers = _find_consumers(graph)
    taken = {name for node in graph.node for name in (*node.output, node.name)}
    added: dict[int, list[onnx.NodeProto]] = {}
    for index, clamp in enumerate(graph.node):
        before = producers.get(clamp.input[0]) if clamp.op_type in _CLAMPS else None
        if before is None or not _has_quantized_input(before, producers):
            continue
        after = consumers[clamp.output[0]]
        if len(consumers[clamp.input[0]]) != 1 or {n.op_type for n in after} != {"QuantizeLinear"}:
            continue
        name = clamp.input[0]
        integers, floats = (f"{name}_{suffix}" for suffix in ("clamp_quantized", "clamp_input"))
        if {integers, floats} & taken:
            continue
        pair = [
            helper.make_node("QuantizeLinear", [name], [integers], name=integers),
            helper.make_node("DequantizeLinear", [integers], [floats], name=floats),
        ]
        for node in pair:
            node.input.extend(after[0].input[1:])
            node.domain = after[0].domain
            node.attribute.extend(after[0].attribute)
        clamp.input[0] = floats
        added[index] = pair
    _insert_nodes(graph, added)
    return bool(added)


def remove_idle_clamps(model: onnx.ModelProto) -> bool:
    """Remove each quantized Relu or Clip that changes no quantized value, in place.

    The HTP's compiler removes them too, but then also a Q and a DQ that are left without an
    operator between them, so that values outside of their range are no longer limited to it.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there were any.
    """
    graph = model.graph
    producers = {name: node for node in graph.node for name in node.output}
    consumers = _find_consumers(graph)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    removed: set[str] = set()
    replaced: dict[str, str] = {}
    for clamp in graph.node:
        before = producers.get(clamp.input[0]) if clamp.op_type in _CLAMPS else None
        if before is None or before.op_type != "DequantizeLinear":
            continue
        after = consumers[clamp.output[0]]
        outputs = [node.output[0] for node in after if node.op_type == "QuantizeLinear"]
        encoding = _read_encoding(before, constants)
        if (
            encoding is None
            or len(outputs) != len(after)
            or any(output.name in outputs for output in graph.output)
            or any(_read_encoding(node, constants) != encoding for node in after)
            or not _is_idle(clamp, encoding, constants)
        ):
            continue
        removed.update([clamp.output[0], *outputs])
        if len(consumers[clamp.input[0]]) == 1:
            removed.add(clamp.input[0])
        source = before.input[0]
        replaced.update(dict.fromkeys(outputs, replaced.get(source, source)))
    kept = [node for node in graph.node if not removed.intersection(node.output)]
    for node in kept:
        node.input[:] = [replaced.get(name, name) for name in node.input]
    if removed:
        _set_nodes(graph, kept)
    return bool(removed)


def quantize_byte_outputs(model: onnx.ModelProto) -> bool:
    """Turn a Cast of floats to uint8 outputs into a QuantizeLinear with a scale of 1, in place.

    QNN's HTP does not transpose uint8 tensors, and the layout of convolutions makes ONNX Runtime
    transpose outputs. It does transpose quantized ones of the same 8 bits. Cast cuts fractions off,
    for which Floor comes first; values that are quantized already have been rounded. Values outside
    of 0 to 255, which have no defined result in Cast, become the nearest of the two.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there were any.
    """
    graph = model.graph
    types = {value.name: value.type.tensor_type.elem_type for value in _iter_values(graph)}
    producers = {name: node for node in graph.node for name in node.output}
    casts = [
        (index, node)
        for index, node in enumerate(graph.node)
        if node.op_type == "Cast"
        and node.attribute[0].i == onnx.TensorProto.UINT8
        and types.get(node.input[0]) == onnx.TensorProto.FLOAT
        and _reaches_outputs_only(node.output[0], graph)
    ]
    consumers = _find_consumers(graph)
    taken = {name for node in graph.node for name in node.output}
    taken |= {tensor.name for tensor in graph.initializer}
    added: dict[int, list[onnx.NodeProto]] = {}
    dropped: set[str] = set()
    for index, cast in casts:
        name = cast.input[0]
        whole, scale, zero = (f"{cast.output[0]}_{what}" for what in ("whole", "step", "zero"))
        if {whole, scale, zero} & taken:
            continue
        before = producers.get(name)
        if before is None or before.op_type != "DequantizeLinear":
            added[index] = [helper.make_node("Floor", [name], [whole], name=whole)]
            name = whole
        else:
            # One Q does for both, as the compiler does not transpose the result of Q, DQ and Q.
            first = producers.get(before.input[0])
            if first is not None and _is_chain([first, before, cast], consumers):
                dropped.update([first.output[0], before.output[0]])
                name = first.input[0]
        graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), scale))
        graph.initializer.append(numpy_helper.from_array(np.array(0, np.uint8), zero))
        cast.op_type = "QuantizeLinear"
        cast.input[:] = [name, scale, zero]
        del cast.attribute[:]
    _insert_nodes(graph, added)
    if dropped:
        _set_nodes(graph, [node for node in graph.node if node.output[0] not in dropped])
    return bool(casts)


def _has_quantized_input(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto]) -> bool:
    found = (producers.get(name) for name in node.input)
    return any(each is not None and each.op_type == "DequantizeLinear" for each in found)


def _find_consumers(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """Return the nodes that take each tensor; an output of the graph counts as taken by a node."""
    consumers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            consumers[name].append(node)
    for output in graph.output:
        consumers[output.name].append(onnx.NodeProto())
    return consumers


def _reaches_outputs_only(name: str, graph: onnx.GraphProto) -> bool:
    """Return whether a tensor, or the same values in another order, becomes outputs only."""
    consumers = _find_consumers(graph)
    pending = [name]
    while pending:
        for node in consumers[pending.pop()]:
            if node.op_type and node.op_type not in _MOVES:
                return False
            pending.extend(node.output)
    return True


def _iter_values(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    yield from (*graph.input, *graph.value_info, *graph.output)


def _is_chain(
    nodes: Sequence[onnx.NodeProto], consumers: Mapping[str, list[onnx.NodeProto]]
) -> bool:
    """Return whether each node's only use is the next one, and the first is a Q."""
    return nodes[0].op_type == "QuantizeLinear" and all(
        consumers[node.output[0]] == [following] for node, following in pairwise(nodes)
    )


class _Encoding(NamedTuple):
    """How one scale and one zero point represent floats."""

    scale: float
    zero_point: int
    lowest: int
    highest: int


def _read_encoding(
    node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]
) -> _Encoding | None:
    """Return the encoding of a Q or DQ; None unless it has one scale, and 8 or 16 bits."""
    if len(node.input) < len(("tensor", "scale", "zero point")):
        return None
    scale, zero = (constants.get(name) for name in node.input[1:3])
    if scale is None or zero is None or zero.data_type not in _INTEGER_TYPES:
        return None
    values = numpy_helper.to_array(scale), numpy_helper.to_array(zero)
    if any(value.size != 1 for value in values):
        return None
    limits = np.iinfo(values[1].dtype)
    return _Encoding(float(values[0].item()), int(values[1].item()), limits.min, limits.max)


def _is_idle(
    clamp: onnx.NodeProto, encoding: _Encoding, constants: Mapping[str, onnx.TensorProto]
) -> bool:
    """Return whether a clamp changes none of the values that an encoding represents."""
    if clamp.op_type == "Relu":
        return encoding.zero_point == encoding.lowest
    bounds = [constants.get(name) for name in clamp.input[1:]]
    if clamp.attribute or len(bounds) != 2 or None in bounds:
        return False
    low, high = (float(numpy_helper.to_array(each).item()) for each in bounds if each is not None)
    lowest, highest = (
        (limit - encoding.zero_point) * encoding.scale
        for limit in (encoding.lowest, encoding.highest)
    )
    return low <= lowest and highest <= high


def _insert_nodes(graph: onnx.GraphProto, added: Mapping[int, list[onnx.NodeProto]]) -> None:
    """Insert nodes before those at given indices."""
    if added:
        _set_nodes(
            graph,
            [
                node
                for index, each in enumerate(graph.node)
                for node in (*added.get(index, ()), each)
            ],
        )


def _set_nodes(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto]) -> None:
    # The field takes copies, so the nodes must be copied before it is cleared.
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
