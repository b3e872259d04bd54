"""Takes Q and DQ nodes out of a quantized model, and keeps the ranges that they state.

The converter to TensorFlow Lite computes such models in floats. So the float model is converted,
and quantized with these ranges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.edit import rename_tensors
from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.protocol import quote_name

_QUANTIZE = "QuantizeLinear"
_DEQUANTIZE = "DequantizeLinear"
# Operators that return nothing below 0.
_POSITIVE_OPS = frozenset(
    {"Abs", "Exp", "HardSigmoid", "Relu", "Sigmoid", "Softmax", "Softplus", "Sqrt"}
)
# Operators that return nothing below 0 if their first input, or all of them, have nothing below 0.
_MOVING_OPS = frozenset(
    {
        *("AveragePool", "DepthToSpace", "Expand", "Flatten", "Gather", "GlobalAveragePool"),
        *("GlobalMaxPool", "Identity", "MaxPool", "ReduceMax", "ReduceMean", "ReduceSum"),
        *("Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose"),
        *("Unsqueeze",),
    }
)
_KEEPING_OPS = frozenset({"Add", "Concat", "Div", "MatMul", "Max", "Mul"})
# Where common functions clip, beside 0.
_UPPER_ENDS = (1.0, 6.0)


@dataclass(frozen=True, slots=True)
class QuantizedRange:
    """The values that a quantized tensor can have.

    Attributes:
        minimum: The smallest.
        maximum: The largest.
        bits: Number of bits of its integers.
    """

    minimum: float
    maximum: float
    bits: int


def strip_quantizers(model: onnx.ModelProto) -> dict[str, QuantizedRange]:
    """Turn a quantized model into the float model that it approximates, in place.

    Weights become floats that are the same multiples of their scales.

    Args:
        model: The model, with all its weights.

    Returns:
        The ranges of its computed tensors and inputs, by their names in the float model.

    Raises:
        JobFailure: An operator takes or returns integers that are quantized.
    """
    index = GraphIndex(model)
    ranges: dict[str, QuantizedRange] = {}
    sources: dict[str, str] = {}
    kept = []
    for node in index.list_nodes():
        if node.op_type == _DEQUANTIZE and (values := index.value(node.input[0])) is not None:
            _add_floats(index, node, values)
        elif node.op_type == _QUANTIZE:
            # The range of the tensor itself is that of the first pair of several.
            source = sources.get(node.input[0], node.input[0])
            found = _read_range(index, node)
            if found is not None:
                ranges.setdefault(source, found)
            for use in index.uses.get(node.output[0], []):
                if use.node.op_type != _DEQUANTIZE:
                    raise _refuse_integers(node.output[0], use.node.op_type)
                sources[use.node.output[0]] = source
            if node.output[0] in index.outputs:
                raise _refuse_integers(node.output[0], "an output")
        elif node.op_type != _DEQUANTIZE:
            kept.append(node)
        elif node.output[0] not in sources:
            raise _refuse_integers(node.input[0], _DEQUANTIZE)
    index.set_nodes(kept)
    renamed = _join(index, sources)
    ranges = {renamed.get(name, name): each for name, each in ranges.items()}
    _restore_clips(index, ranges)
    _forget_lost_tensors(index)
    return ranges


def _add_floats(index: GraphIndex, node: onnx.NodeProto, values: Tensor) -> None:
    """Add the floats that a DQ node makes of a constant, under the name of its output."""
    scale, zero_point = _read_parameters(index, node, values.ndim)
    steps = np.asarray(values, np.float32) - np.asarray(zero_point, np.float32)
    floats = np.asarray(steps * np.asarray(scale, np.float32), np.float32)
    index.graph.initializer.append(onnx.numpy_helper.from_array(floats, node.output[0]))


def _read_parameters(index: GraphIndex, node: onnx.NodeProto, rank: int) -> tuple[Tensor, Tensor]:
    """Return the scale and the zero point of a Q or DQ node, in a shape that fits its tensor."""
    scale = index.value(node.input[1])
    has_zero_point = len(node.input) > 2 and node.input[2]
    zero_point = index.value(node.input[2]) if has_zero_point else None
    if scale is None or (has_zero_point and zero_point is None):
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"The scale of the tensor {quote_name(node.input[0])} is computed by the model: "
            "TensorFlow Lite has constant scales only.",
        )
    if zero_point is None:
        zero_point = np.zeros_like(scale, np.uint8 if node.op_type == _QUANTIZE else np.int32)
    if attributes_of(node).get("block_size"):
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"The tensor {quote_name(node.input[0])} is quantized in blocks, which this hub does "
            "not convert to TensorFlow Lite: quantize weights per channel.",
        )
    if scale.size > 1:
        shape = [1] * rank
        shape[attributes_of(node).get("axis", 1)] = -1
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    return scale, zero_point


def _read_range(index: GraphIndex, node: onnx.NodeProto) -> QuantizedRange | None:
    """Return the range that a Q node states; None if it has one for each channel."""
    rank = index.rank(node.input[0]) or 0
    scale, zero_point = _read_parameters(index, node, rank)
    if scale.size > 1:
        return None
    limits = _read_limits(zero_point.dtype)
    step, zero = float(scale.reshape(())), float(zero_point.reshape(()).astype(np.float64))
    bits = int(limits[1] - limits[0]).bit_length()
    return QuantizedRange((limits[0] - zero) * step, (limits[1] - zero) * step, bits)


def _read_limits(dtype: "np.dtype[Any]") -> tuple[int, int]:
    """Return the smallest and the largest integer of a type, of 4 bits as well."""
    name = dtype.name
    if name.endswith("int4"):
        return (0, 15) if name.startswith("u") else (-8, 7)
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _join(index: GraphIndex, sources: Mapping[str, str]) -> dict[str, str]:
    """Let what used dequantized tensors use the float tensors; return what was renamed for that."""
    outputs = {value.name for value in index.graph.output}
    for node in index.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = sources.get(name, name)
    # An output keeps its name, which is that of a dequantized tensor: its source gets it.
    renamed: dict[str, str] = {}
    fixed = outputs | {value.name for value in index.graph.input}
    for name in [value.name for value in index.graph.output if value.name in sources]:
        source = sources[name]
        if source in fixed or source in renamed:
            index.graph.node.append(
                helper.make_node("Identity", [renamed.get(source, source)], [name], name=name)
            )
            continue
        renamed[source] = name
        for place, value in reversed(list(enumerate(index.graph.value_info))):
            if value.name == name:
                del index.graph.value_info[place]
        rename_tensors(index.graph, {source: name})
    index.refresh()
    index.remove_unused_constants()
    return renamed


def _restore_clips(index: GraphIndex, ranges: Mapping[str, QuantizedRange]) -> None:
    """Insert what quantizers remove, as the range of an integer tensor clips by itself."""
    nodes = []
    positive = {name for name, each in ranges.items() if each.minimum >= 0}
    for node in index.list_nodes():
        nodes.append(node)
        is_positive = _is_positive(index, node, positive)
        if is_positive:
            positive.update(node.output)
        name = node.output[0]
        found = ranges.get(name)
        if found is None or found.minimum != 0 or is_positive:
            continue
        wanted = f"{name}_unclipped"
        raw = index.declare_like(wanted, name) if index.is_float(name) else index.name(wanted)
        node.output[0] = raw
        upper = next((end for end in _UPPER_ENDS if isclose(found.maximum, end, rel_tol=1e-3)), 0)
        if not upper:
            nodes.append(helper.make_node("Relu", [raw], [name], name=f"{name}_Relu"))
            continue
        ends = [index.add_constant(f"{name}_end", np.array(end, np.float32)) for end in (0, upper)]
        nodes.append(helper.make_node("Clip", [raw, *ends], [name], name=f"{name}_Clip"))
    index.set_nodes(nodes)


def _is_positive(index: GraphIndex, node: onnx.NodeProto, positive: set[str]) -> bool:
    """Return whether a node, whose inputs may be known to be positive, returns nothing below 0."""
    if node.op_type in _POSITIVE_OPS:
        return True
    taken = node.input[:1] if node.op_type in _MOVING_OPS else node.input
    return node.op_type in _MOVING_OPS | _KEEPING_OPS and all(
        name in positive or ((value := index.value(name)) is not None and bool(np.all(value >= 0)))
        for name in taken
    )


def _forget_lost_tensors(index: GraphIndex) -> None:
    """Remove the declarations of tensors that no node computes any more."""
    present = index.producers.keys()
    kept = [value for value in index.graph.value_info if value.name in present]
    copies = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in kept]
    del index.graph.value_info[:]
    index.graph.value_info.extend(copies)


def _refuse_integers(name: str, user: str) -> JobFailure:
    return JobFailure(
        FailureType.UNSUPPORTED,
        f"The model computes with integers, not with floats between Q and DQ nodes: the quantized "
        f"tensor {quote_name(name)} goes to {user}. Quantize its float model in a quantize job, "
        f"or with --quantize_full_type.",
    )
