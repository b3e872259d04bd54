"""Rewrites of a model into forms that QNN accepts, with the same results.

Each is for a form that QNN refuses although it has all of its operators.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, Use, attributes_of
from qai_hub.local.engine.onnx.separate import separate_constant, separate_uses
from qai_hub.local.engine.qnn.byte_outputs import quantize_byte_outputs
from qai_hub.local.engine.qnn.convolutions import crop_transposed_convolutions, enlarge_convolutions
from qai_hub.local.engine.qnn.norms import flatten_normalizations
from qai_hub.local.engine.qnn.splits import keep_splits_apart

_CLAMPS = {"Relu", "Clip"}
# Operators whose weights have a layout of their own in QNN.
_WEIGHTED_OPS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_INTEGER_TYPES = {
    onnx.TensorProto.UINT8,
    onnx.TensorProto.INT8,
    onnx.TensorProto.UINT16,
    onnx.TensorProto.INT16,
}


def rewrite_for_qnn(graph: GraphIndex) -> bool:
    """Apply all rewrites to a model, in place.

    Args:
        graph: Its graph, with types and shapes of all tensors, and names of all nodes.

    Returns:
        Whether anything was changed.
    """
    changed = [
        quantize_before_clamps(graph),
        remove_idle_clamps(graph),
        quantize_byte_outputs(graph),
        separate_weights(graph),
        crop_transposed_convolutions(graph),
        enlarge_convolutions(graph),
        flatten_normalizations(graph),
        keep_splits_apart(graph),
    ]
    return any(changed)


def separate_weights(graph: GraphIndex) -> bool:
    """Give operators that use the same weights in different ways their own copies, in place.

    The provider transposes the weights of some operators, but keeps one tensor of each name: the
    other operators would get those of the first.

    Args:
        graph: The graph, which is changed.

    Returns:
        Whether there were any.
    """
    changed = [_separate_dequantized(graph)]
    ways = _Ways(graph)
    changed += [
        separate_constant(graph, name, ways.find)
        for name, tensor in list(graph.constants.items())
        if tensor.dims and ways.has_weights(name)
    ]
    graph.refresh()
    return any(changed)


def _separate_dequantized(graph: GraphIndex) -> bool:
    """Give each way in which dequantized weights are used a DQ of its own, in place."""
    ways = _Ways(graph)
    added: dict[int, list[onnx.NodeProto]] = {}
    for place, dequantize in enumerate(graph.graph.node):
        name = next(iter(dequantize.output), "")
        if (
            dequantize.op_type != "DequantizeLinear"
            or dequantize.input[0] not in graph.constants
            or not ways.has_weights(name)
        ):
            continue
        copy = partial(_copy_node, dequantize, graph, added.setdefault(place, []))
        separate_uses(graph, name, ways.find, copy)
    graph.insert_nodes(added)
    return any(added.values())


def _copy_node(
    node: onnx.NodeProto, graph: GraphIndex, copies: list[onnx.NodeProto], wanted: str
) -> str:
    """Add a copy of a node to a list; return the name of its result."""
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    copied.name = copied.output[0] = graph.name(wanted)
    copies.append(copied)
    return copied.name


class _Ways:
    """Tells how the operators of a graph use weights."""

    def __init__(self, graph: GraphIndex) -> None:
        self._graph = graph

    def find(self, use: Use) -> tuple[object, ...]:
        """Return the operator that takes weights, and what decides on the layout of these."""
        node, place = use
        if node.op_type == "DequantizeLinear" and place == 0:
            after = self._graph.uses.get(node.output[0])
            return self.find(after[0]) if after else ()
        if node.op_type not in _WEIGHTED_OPS:
            # All other operators take a tensor as it is.
            return ()
        attributes = attributes_of(node)
        settings = (attributes.get(name, 0) for name in ("group", "transA", "transB"))
        return (node.op_type, place, *settings)

    def has_weights(self, name: str) -> bool:
        """Return whether a tensor is used as weights anywhere."""
        return any(map(self.find, self._graph.uses.get(name, ())))


def quantize_before_clamps(graph: GraphIndex) -> bool:
    """Add Q and DQ between an operator and the Relu or Clip that alone stands before its Q.

    QNN takes an operator and its Q as one. Where the clamp has work to do, since the zero point is
    not the lowest value of the type, nothing quantizes what it clamps. The Q that follows can do
    that as well: values that the clamp changes stay on the same side of its limits when they are
    rounded, so that the results are the same.

    Args:
        graph: The graph, which is changed.

    Returns:
        Whether there were any.
    """
    added: dict[int, list[onnx.NodeProto]] = {}
    for index, clamp in enumerate(graph.graph.node):
        name = clamp.input[0] if clamp.op_type in _CLAMPS else ""
        before = graph.producers.get(name)
        if before is None or not _has_quantized_input(before, graph):
            continue
        after = _find_quantizers(clamp.output[0], graph)
        if graph.sole_user(name) is None or not after:
            continue
        integers = graph.name(f"{name}_clamp_quantized")
        floats = graph.declare_floats(f"{name}_clamp_input", name)
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
    graph.insert_nodes(added)
    return bool(added)


def remove_idle_clamps(graph: GraphIndex) -> bool:
    """Remove each quantized Relu or Clip that changes no quantized value, in place.

    The HTP's compiler removes them too, but then also a Q and a DQ that are left without an
    operator between them, so that values outside of their range are no longer limited to it.

    Args:
        graph: The graph, which is changed.

    Returns:
        Whether there were any.
    """
    removed: set[str] = set()
    replaced: dict[str, str] = {}
    for clamp in graph.graph.node:
        before = graph.producers.get(clamp.input[0]) if clamp.op_type in _CLAMPS else None
        if before is None or before.op_type != "DequantizeLinear":
            continue
        after = _find_quantizers(clamp.output[0], graph)
        outputs = [node.output[0] for node in after]
        encoding = _read_encoding(before, graph.constants)
        if (
            encoding is None
            or not after
            or not graph.outputs.isdisjoint(outputs)
            or any(_read_encoding(node, graph.constants) != encoding for node in after)
            or not _is_idle(clamp, encoding, graph.constants)
        ):
            continue
        removed.update([clamp.output[0], *outputs])
        if graph.sole_user(clamp.input[0]) is not None:
            removed.add(clamp.input[0])
        source = before.input[0]
        replaced.update(dict.fromkeys(outputs, replaced.get(source, source)))
    if not removed:
        return False
    kept = [node for node in graph.graph.node if removed.isdisjoint(node.output)]
    for node in kept:
        node.input[:] = [replaced.get(name, name) for name in node.input]
    graph.set_nodes(kept)
    return True


def _has_quantized_input(node: onnx.NodeProto, graph: GraphIndex) -> bool:
    found = (graph.producers.get(name) for name in node.input)
    return any(each is not None and each.op_type == "DequantizeLinear" for each in found)


def _find_quantizers(name: str, graph: GraphIndex) -> list[onnx.NodeProto]:
    """Return the Q nodes that use a tensor; none if anything else does."""
    users = graph.users(name)
    is_alone = name not in graph.outputs and all(n.op_type == "QuantizeLinear" for n in users)
    return users if is_alone else []


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
