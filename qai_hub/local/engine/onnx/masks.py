"""Clamps the huge constants with which attention masks are made.

A mask adds minus infinity, or the lowest float, to what a Softmax must not choose. Such a number
takes the whole range of a quantized tensor. Any number that is low enough gives the same Softmax.
The 16-bit floats of the HTP need no such change: it takes numbers that are too large for the
largest one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import numpy_helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, Use
from qai_hub.local.engine.protocol import quote_name

# Scores that are so low are masks: exp(-50) is 0 next to 1 in float32.
MASK_THRESHOLD = -50.0
_MOVING = frozenset(
    {
        "Cast",
        "Expand",
        "Flatten",
        "Gather",
        "GatherND",
        "Identity",
        "Reshape",
        "Slice",
        "Squeeze",
        "Tile",
        "Transpose",
        "Trilu",
        "Unsqueeze",
    }
)


@dataclass(frozen=True, slots=True)
class MaskConstant:
    """A constant that masks elements of a Softmax.

    Attributes:
        name: Its name.
        uses: Where it is used as a mask.
        scale: Factor from its value to the score in the Softmax; may be negative.
        softmax: Name of the Softmax's output.
        lowest: Its lowest score.
    """

    name: str
    uses: tuple[Use, ...]
    scale: float
    softmax: str
    lowest: float


@dataclass(slots=True)
class _Walk:
    """The way back from a Softmax through what may be its mask."""

    tensors: set[str] = field(default_factory=set)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    found: dict[tuple[str, float], list[Use]] = field(default_factory=dict)


def iter_softmaxes(graph: GraphIndex) -> Iterator[onnx.NodeProto]:
    """Yield the Softmax nodes of a graph."""
    yield from (node for node in graph.graph.node if node.op_type == "Softmax")


def find_masks(graph: GraphIndex) -> list[MaskConstant]:
    """Return the constants whose only effect is that they mask elements of a Softmax.

    Args:
        graph: The graph of a folded model.
    """
    softmaxes = list(iter_softmaxes(graph))
    walks = [_walk_back(graph, node.input[0]) for node in softmaxes]
    followed = {id(node) for walk in walks for node in walk.nodes}
    followed |= {id(node) for node in softmaxes}
    merged: dict[tuple[str, float], tuple[str, list[Use]]] = {}
    for softmax, walk in zip(softmaxes, walks, strict=True):
        for key, uses in walk.found.items():
            kept = merged.setdefault(key, (softmax.output[0], []))[1]
            known = {(id(use.node), use.place) for use in kept}
            kept += [
                use
                for use in uses
                if (id(use.node), use.place) not in known and _is_contained(graph, use, followed)
            ]
    found = []
    for (name, scale), (softmax_name, uses) in merged.items():
        lowest = _lowest_score(graph, name, scale)
        if uses and lowest <= MASK_THRESHOLD:
            found.append(MaskConstant(name, tuple(uses), scale, softmax_name, lowest))
    return found


def clamp_masks(graph: GraphIndex, masks: list[MaskConstant], lowest: float) -> list[str]:
    """Clamp the scores of masked elements, in place.

    Args:
        graph: The graph.
        masks: The constants.
        lowest: The lowest score that remains.

    Returns:
        A message for each constant that was changed.
    """
    messages = []
    for mask in masks:
        if mask.lowest >= lowest:
            continue
        value = graph.value(mask.name)
        if value is None:
            continue
        bound = lowest / mask.scale
        clamped = np.maximum(value, bound) if mask.scale > 0 else np.minimum(value, bound)
        extreme = float(np.min(value) if mask.scale > 0 else np.max(value))
        users = graph.uses.get(mask.name, [])
        if len(users) == len(mask.uses) and mask.name not in graph.outputs:
            changed = numpy_helper.from_array(clamped.astype(value.dtype), mask.name)
            graph.constants[mask.name].CopyFrom(changed)
        else:
            copy = graph.add_constant(f"{mask.name}_mask", clamped.astype(value.dtype))
            for use in mask.uses:
                use.node.input[use.place] = copy
            graph.refresh()
        messages.append(
            f"The mask {quote_name(mask.name)} was changed from {extreme:.4g} to {bound:.4g}: it "
            f"would take the whole range of the quantized scores of the Softmax "
            f"{quote_name(mask.softmax)}, and the smaller number makes masked scores 0 as well."
        )
    return messages


def remove_nan_guards(graph: GraphIndex) -> None:
    """Remove the replacement by 0 of what a Softmax gives for rows without a score, in place.

    Exporters write it for rows that are masked throughout by minus infinity, where Softmax is NaN.
    It is not where masks are finite.

    Args:
        graph: The graph, whose masks become finite.
    """
    guards = []
    for node in graph.graph.node:
        if node.op_type != "Where" or node.output[0] in graph.outputs:
            continue
        replaced, kept = node.input[1], node.input[2]
        source = graph.producers.get(kept)
        value = graph.value(replaced)
        is_guarded = source is not None and source.op_type == "Softmax"
        if is_guarded and value is not None and not value.any() and _tests_mask(graph, node):
            guards.append((node, kept))
    for node, kept in guards:
        for use in graph.uses.get(node.output[0], []):
            use.node.input[use.place] = kept
    if guards:
        graph.refresh()


def _tests_mask(graph: GraphIndex, choice: onnx.NodeProto) -> bool:
    """Return whether a condition is that a Softmax is NaN, or that a row is masked throughout."""
    test = graph.producers.get(choice.input[0])
    if test is None:
        return False
    if test.op_type == "IsNaN":
        return test.input[0] == choice.input[2]
    if test.op_type not in {"Equal", "LessOrEqual"}:
        return False
    highest = graph.producers.get(test.input[0])
    bound = graph.value(test.input[1])
    return (
        highest is not None
        and highest.op_type == "ReduceMax"
        and bound is not None
        and bool(np.all(bound <= MASK_THRESHOLD))
    )


def _walk_back(graph: GraphIndex, start: str) -> _Walk:
    walk = _Walk()
    pending = [(start, 1.0)]
    seen: set[tuple[str, float]] = set()
    while pending:
        name, scale = pending.pop()
        producer = graph.producers.get(name)
        if (name, scale) in seen or producer is None:
            continue
        seen.add((name, scale))
        walk.tensors.add(name)
        steps = list(_iter_sources(graph, producer, scale))
        if steps:
            walk.nodes.append(producer)
        for index, factor in steps:
            source = producer.input[index]
            if source in graph.constants:
                walk.found.setdefault((source, factor), []).append(Use(producer, index))
            else:
                pending.append((source, factor))
    return walk


def _iter_sources(
    graph: GraphIndex, node: onnx.NodeProto, scale: float
) -> Iterator[tuple[int, float]]:
    """Yield the inputs of a node that may have mask values, and their factors to the score."""
    op = node.op_type
    if op in {"Add", "Max", "Concat", "Sum"}:
        yield from ((index, scale) for index in range(len(node.input)))
    elif op == "Sub":
        yield from ((0, scale), (1, -scale))
    elif op == "Where":
        yield from ((1, scale), (2, scale))
    elif op in _MOVING:
        yield 0, scale
    elif op in {"ScatterND", "ScatterElements"}:
        yield from ((0, scale), (2, scale))
    elif op == "Clip":
        yield from ((index, scale) for index in (0, 1) if index < len(node.input))
    elif op == "Neg":
        yield 0, -scale
    elif op in {"Mul", "Div"}:
        yield from _iter_factors(graph, node, scale)


def _iter_factors(
    graph: GraphIndex, node: onnx.NodeProto, scale: float
) -> Iterator[tuple[int, float]]:
    """Yield the inputs of a product that may have mask values.

    A large constant makes a mask of flags; a small one scales the scores.
    """
    constants = [index for index, name in enumerate(node.input) if name in graph.constants]
    if len(constants) != 1:
        return
    (index,) = constants
    # Flags of 0 and -1 make a mask with a positive number.
    for sign in (scale, -scale):
        lowest = _lowest_score(graph, node.input[index], sign)
        if node.op_type == "Mul" and lowest <= MASK_THRESHOLD:
            if _is_flag(graph, node.input[1 - index]):
                yield index, sign
            return
    factor = graph.scalar(node.input[index])
    if not factor or not np.isfinite(factor) or (node.op_type == "Div" and index == 0):
        return
    yield 1 - index, scale * factor if node.op_type == "Mul" else scale / factor


def _is_flag(graph: GraphIndex, name: str) -> bool:
    """Return whether a tensor is computed from flags or integers, not from scores."""
    for _ in range(16):
        producer = graph.producers.get(name)
        if producer is None:
            return name not in graph.constants
        if producer.op_type == "Cast":
            return True
        variable = [each for each in producer.input if each and each not in graph.constants]
        if producer.op_type not in _MOVING | {"Sub", "Neg", "Add", "Where", "Mul"} or not variable:
            return False
        if producer.op_type == "Where":
            return all(each in graph.constants for each in producer.input[1:])
        if len(variable) != 1:
            return False
        name = variable[0]
    return False


def _is_contained(graph: GraphIndex, use: Use, followed: set[int]) -> bool:
    """Return whether a constant's effect ends in Softmax nodes."""
    pending, seen = list(use.node.output), set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in graph.outputs:
            return False
        for each in graph.uses.get(name, []):
            if each.node.op_type == "Shape":
                continue
            if id(each.node) not in followed:
                return False
            if each.node.op_type != "Softmax":
                pending += each.node.output
    return True


def _lowest_score(graph: GraphIndex, name: str, scale: float) -> float:
    value = graph.value(name)
    if value is None or not value.size or value.dtype.kind != "f":
        return 0.0
    scores = np.asarray(value, np.float64) * scale
    return float(np.min(scores)) if not np.isnan(scores).any() else 0.0
