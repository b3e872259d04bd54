"""Takes slices of joined tensors from the tensors themselves, which then keep scales of their own.

Heads of detectors join boxes of hundreds of pixels and scores of at most 1, and take them apart
again: with one scale of 8 bits for all, no score would be left.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of


def slice_before_joining(graph: GraphIndex) -> None:
    """Replace what takes a joined tensor apart by parts of what was joined, in place.

    A Slice that takes from several inputs of a Concat along their joined dimension stays, and so
    does a Split with such an output.

    Args:
        graph: The graph of a folded model with shapes.
    """
    for output in [name for node in graph.graph.node for name in node.output[:1] if name]:
        node = graph.producers[output]
        parts = _read_parts(graph, node)
        if not parts or not all(_is_joined(graph, part) for part in parts.values()):
            continue
        added: list[onnx.NodeProto] = []
        for wanted, part in parts.items():
            taken = _take(graph, part, added, wanted)
            if wanted in graph.outputs:
                name = graph.name(wanted)
                added.append(helper.make_node("Identity", [taken], [wanted], name=name))
            for use in graph.uses.get(wanted, []):
                use.node.input[use.place] = taken
        graph.replace_nodes([node], added)
    graph.remove_dead_nodes()
    graph.remove_unused_constants()


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of places along one dimension of a tensor.

    Attributes:
        source: The tensor.
        axis: The dimension.
        start: The first place.
        stop: The place after the last one.
    """

    source: str
    axis: int
    start: int
    stop: int


def _read_parts(graph: GraphIndex, node: onnx.NodeProto) -> dict[str, _Part]:
    """Return what each output of a Slice or Split is; none for other nodes and other steps than 1.

    A Slice along several dimensions is none of these.
    """
    shape = graph.shape(node.input[0]) if node.op_type in {"Slice", "Split"} else None
    if shape is None or None in shape or not graph.computes_floats(node):
        return {}
    if node.op_type == "Split":
        axis = attributes_of(node).get("axis", 0) % len(shape)
        sizes = [(graph.shape(name) or [None] * len(shape))[axis] for name in node.output]
        if None in sizes:
            return {}
        ends = np.cumsum([size or 0 for size in sizes]).tolist()
        bounds = pairwise([0, *ends])
        return {
            name: _Part(node.input[0], axis, *bound)
            for name, bound in zip(node.output, bounds, strict=True)
        }
    values = [graph.value(name) for name in node.input[1:]]
    if any(value is None or value.size != 1 for value in values):
        return {}
    numbers = [int(np.asarray(value).item()) for value in values]
    start, stop, axis, step = (*numbers, *(0, 1)[len(numbers) - 2 :])
    first, last, _ = slice(start, stop).indices(shape[axis] or 0)
    if step != 1 or last <= first:
        return {}
    return {node.output[0]: _Part(node.input[0], axis % len(shape), first, last)}


def _is_joined(graph: GraphIndex, part: _Part) -> bool:
    """Return whether a part is of one input of a Concat, or so in each input of another Concat."""
    concat = graph.producers.get(part.source)
    if concat is None or concat.op_type != "Concat":
        return False
    if _joins(graph, concat, part.axis):
        return _find_input(graph, concat, part) is not None
    return all(_is_joined(graph, replace(part, source=name)) for name in concat.input)


def _joins(graph: GraphIndex, concat: onnx.NodeProto, axis: int) -> bool:
    """Return whether a Concat joins its inputs along a dimension."""
    rank = graph.rank(concat.output[0]) or 1
    return bool(attributes_of(concat)["axis"] % rank == axis)


def _take(graph: GraphIndex, part: _Part, added: list[onnx.NodeProto], wanted: str) -> str:
    """Return the tensor that a part is, without joining others.

    Args:
        graph: The graph.
        part: The part.
        added: Receives the nodes that this takes.
        wanted: Name that their outputs resemble.
    """
    if (graph.shape(part.source) or [])[part.axis] == part.stop - part.start:
        return part.source
    if not _is_joined(graph, part):
        return _slice(graph, part, added, wanted)
    concat = graph.producers[part.source]
    inner = _find_input(graph, concat, part) if _joins(graph, concat, part.axis) else None
    if inner is not None:
        return _take(graph, inner, added, wanted)
    pieces = [_take(graph, replace(part, source=name), added, wanted) for name in concat.input]
    joined = _declare(graph, part, wanted)
    node = helper.make_node("Concat", pieces, [joined], name=joined)
    node.attribute.extend(concat.attribute)
    added.append(node)
    return joined


def _slice(graph: GraphIndex, part: _Part, added: list[onnx.NodeProto], wanted: str) -> str:
    output = _declare(graph, part, wanted)
    inputs = [
        graph.add_constant(f"{output}_{key}", np.array([value], np.int64))
        for key, value in (("start", part.start), ("stop", part.stop), ("axis", part.axis))
    ]
    added.append(helper.make_node("Slice", [part.source, *inputs], [output], name=output))
    return output


def _find_input(graph: GraphIndex, concat: onnx.NodeProto, part: _Part) -> _Part | None:
    """Return the part of the one input of a Concat that a part of its joined dimension is in."""
    begin = 0
    for name in concat.input:
        size = (graph.shape(name) or [])[part.axis] or 0
        if begin <= part.start and part.stop <= begin + size:
            return _Part(name, part.axis, part.start - begin, part.stop - begin)
        begin += size
    return None


def _declare(graph: GraphIndex, part: _Part, wanted: str) -> str:
    """Declare a tensor for a range of another one, and return its name."""
    shape = [size or 0 for size in graph.shape(part.source) or []]
    shape[part.axis] = part.stop - part.start
    return graph.declare(f"{wanted}_part", part.source, shape)
