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

from qai_hub.local.engine.onnx.edit import collect_names, unique_name
from qai_hub.local.engine.onnx.graph_index import attributes_of
from qai_hub.local.engine.qnn.convolutions import crop_transposed_convolutions, enlarge_convolutions
from qai_hub.local.engine.qnn.norms import flatten_normalizations
from qai_hub.local.engine.qnn.pools import replace_average_pools

_CLAMPS = {"Relu", "Clip"}
# Operators that move or copy elements of their first input, and do not change their values.
_MOVES = {
    *("DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice"),
    *("SpaceToDepth", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
}

# Operators whose weights have a layout of their own in QNN.
_WEIGHTED_OPS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_Use = tuple[onnx.NodeProto, int]
_Way = tuple[str, int, object, tuple[object, ...]]

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
        separate_weights(model),
        crop_transposed_convolutions(model),
        enlarge_convolutions(model),
        replace_average_pools(model),
        flatten_normalizations(model),
    ]
    return any(changed)


def separate_weights(model: onnx.ModelProto) -> bool:
    """Give operators that use the same weights in different ways their own copies, in place.

    The provider transposes the weights of some operators, but keeps one tensor of each name: the
    other operators would get those of the first.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there were any.
    """
    graph = model.graph
    taken = collect_names(graph)
    added = _separate_dequantized(graph, taken)
    uses = _find_uses(graph)
    copies = []
    for tensor in graph.initializer:
        users = uses[tensor.name]
        ways = [_find_way(node, index, uses) for node, index in users]
        if not tensor.dims or all(op not in _WEIGHTED_OPS for op, *_ in ways):
            continue
        names: dict[_Way, str] = {}
        for (node, index), way in zip(users, ways, strict=True):
            if not names:
                names[way] = tensor.name
            elif way not in names:
                copy = onnx.TensorProto()
                copy.CopyFrom(tensor)
                copy.name = names[way] = unique_name(f"{tensor.name}_of_{node.output[0]}", taken)
                copies.append(copy)
            node.input[index] = names[way]
    graph.initializer.extend(copies)
    return added or bool(copies)


def _separate_dequantized(graph: onnx.GraphProto, taken: set[str]) -> bool:
    """Give each way in which dequantized weights are used a DQ of its own, in place."""
    constants = {tensor.name for tensor in graph.initializer}
    uses = _find_uses(graph)
    added: dict[int, list[onnx.NodeProto]] = {}
    for place, dequantize in enumerate(graph.node):
        if dequantize.op_type != "DequantizeLinear" or dequantize.input[0] not in constants:
            continue
        source = dequantize.output[0]
        ways = [_find_way(node, index, uses) for node, index in uses[source]]
        if all(op not in _WEIGHTED_OPS for op, *_ in ways):
            continue
        names: dict[_Way, str] = {}
        for (node, index), way in zip(uses[source], ways, strict=True):
            if not names:
                names[way] = source
            elif way not in names:
                copy = onnx.NodeProto()
                copy.CopyFrom(dequantize)
                names[way] = unique_name(f"{source}_of_{node.output[0]}", taken)
                copy.name = copy.output[0] = names[way]
                added.setdefault(place, []).append(copy)
            node.input[index] = names[way]
    _insert_nodes(graph, added)
    return bool(added)


def _find_uses(graph: onnx.GraphProto) -> dict[str, list[_Use]]:
    uses: dict[str, list[_Use]] = defaultdict(list)
    for node in graph.node:
        for index, name in enumerate(node.input):
            uses[name].append((node, index))
    return uses


def _find_way(node: onnx.NodeProto, index: int, uses: Mapping[str, list[_Use]]) -> _Way:
    """Return the operator that takes weights, and what decides on the layout in which it does."""
    if node.op_type == "DequantizeLinear" and index == 0 and uses.get(node.output[0]):
        return _find_way(*uses[node.output[0]][0], uses)
    if node.op_type not in _WEIGHTED_OPS:
        # All other operators take a tensor as it is.
        return "", 0, 0, ()
    attributes = attributes_of(node)
    group, *transposed = (attributes.get(name, 0) for name in ("group", "transA", "transB"))
    return node.op_type, index, group, tuple(transposed)


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
    values = {value.name: value for value in _iter_values(graph)}
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
        clamp.input[0] = _declare_like(graph, values, floats, name, onnx.TensorProto.FLOAT)
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

    QNN's HTP does not transpose or otherwise move uint8 tensors, and the layout of convolutions
    makes ONNX Runtime transpose outputs. It does move floats, and quantized tensors of the same 8
    bits. Operators between the Cast and the output therefore come before the Q. Cast cuts fractions
    off, for which Floor comes first; values that are quantized already have been rounded. Values
    outside of 0 to 255, which have no defined result in Cast, become the nearest of the two.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there were any.
    """
    graph = model.graph
    rewriter = _ByteOutputs(graph)
    casts = [node for node in graph.node if node.op_type == "Cast"]
    changed = [rewriter.rewrite(cast) for cast in casts]
    if any(changed):
        rewriter.finish()
    return any(changed)


class _ByteOutputs:
    """Rewrites of one graph that are not finished yet."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._values = {value.name: value for value in _iter_values(graph)}
        self._producers = {name: node for node in graph.node for name in node.output}
        self._consumers = _find_consumers(graph)
        self._taken = {name for node in graph.node for name in (*node.input, *node.output)}
        # What replaces a node, by the name of its first output.
        self._replaced: dict[str, list[onnx.NodeProto]] = {}

    def rewrite(self, cast: onnx.NodeProto) -> bool:
        """Replace a Cast and what moves its result, if it makes uint8 outputs of floats."""
        target = next((each.i for each in cast.attribute if each.name == "to"), 0)
        source = self._values.get(cast.input[0])
        if target != onnx.TensorProto.UINT8 or source is None:
            return False
        moves = self._find_moves(cast)
        parameters = [f"{cast.output[0]}_{what}" for what in ("step", "zero")]
        is_float = source.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        if moves is None or not is_float or self._taken.intersection(parameters):
            return False
        self._graph.initializer.extend(
            [
                numpy_helper.from_array(np.array(1, np.float32), parameters[0]),
                numpy_helper.from_array(np.array(0, np.uint8), parameters[1]),
            ]
        )
        before = self._producers.get(source.name)
        if before is not None and before.op_type == "DequantizeLinear":
            self._rewrite_quantized(cast, moves, before, parameters)
        else:
            self._rewrite_floats(cast, moves, parameters)
        return True

    def finish(self) -> None:
        """Put the new nodes into the graph."""
        nodes = [
            new
            for node in self._graph.node
            for new in self._replaced.get(next(iter(node.output), ""), [node])
        ]
        _set_nodes(self._graph, nodes)

    def _find_moves(self, cast: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        """Return the nodes from a Cast to the output, each the only use of the one before."""
        moves: list[onnx.NodeProto] = []
        name = cast.output[0]
        while True:
            uses = self._consumers[name]
            if len(uses) != 1:
                return None
            if not uses[0].op_type:
                return moves
            if uses[0].op_type not in _MOVES or uses[0].input[0] != name:
                return None
            moves.append(uses[0])
            name = uses[0].output[0]

    def _rewrite_floats(
        self, cast: onnx.NodeProto, moves: Sequence[onnx.NodeProto], parameters: Sequence[str]
    ) -> None:
        """Move floats, then round them down and quantize them."""
        source = cast.input[0]
        self._replaced[cast.output[0]] = []
        for move in moves:
            source = self._move_floats(move, source)
        last = moves[-1] if moves else cast
        output = last.output[0]
        whole = self._declare(f"{output}_whole", source)
        self._replaced[output] += [
            helper.make_node("Floor", [source], [whole], name=whole),
            helper.make_node(
                "QuantizeLinear", [whole, *parameters], [output], name=f"{output}_bytes"
            ),
        ]

    def _rewrite_quantized(
        self,
        cast: onnx.NodeProto,
        moves: Sequence[onnx.NodeProto],
        before: onnx.NodeProto,
        parameters: Sequence[str],
    ) -> None:
        """Quantize with a scale of 1, and move what is between a DQ and a Q of this scale."""
        source, output = cast.input[0], cast.output[0]
        first = self._producers.get(before.input[0])
        if first is not None and _is_chain([first, before, cast], self._consumers):
            # One Q does for both: QNN does not move the result of Q, DQ and Q.
            source = first.input[0]
            self._replaced[first.output[0]] = self._replaced[before.output[0]] = []
        q = helper.make_node(
            "QuantizeLinear", [source, *parameters], [output], name=f"{output}_bytes"
        )
        self._replaced[output] = [q]
        for move in moves:
            floats = self._declare(f"{output}_moved", move.input[0])
            dq = helper.make_node("DequantizeLinear", [output, *parameters], [floats], name=floats)
            output = move.output[0]
            moved = self._move_floats(move, floats)
            name = f"{output}_bytes"
            q = helper.make_node("QuantizeLinear", [moved, *parameters], [output], name=name)
            self._replaced[output] = [dq, *self._replaced[output], q]

    def _move_floats(self, move: onnx.NodeProto, source: str) -> str:
        """Replace a node by one that moves floats; return its result."""
        changed = onnx.NodeProto()
        changed.CopyFrom(move)
        changed.input[0] = source
        changed.output[0] = self._declare(f"{move.output[0]}_floats", move.output[0])
        self._replaced[move.output[0]] = [changed]
        return changed.output[0]

    def _declare(self, name: str, like: str) -> str:
        """Declare a tensor of floats with the shape of another one; return its name."""
        return _declare_like(self._graph, self._values, name, like, onnx.TensorProto.FLOAT)


def _declare_like(
    graph: onnx.GraphProto,
    values: dict[str, onnx.ValueInfoProto],
    name: str,
    like: str,
    elem_type: int,
) -> str:
    if like in values:
        value = onnx.ValueInfoProto()
        value.CopyFrom(values[like])
        value.name = name
        value.type.tensor_type.elem_type = elem_type
        values[name] = value
        graph.value_info.append(value)
    return name


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
