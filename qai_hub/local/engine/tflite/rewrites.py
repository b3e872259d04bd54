"""Replaces operators that the converter to TensorFlow Lite refuses or gets wrong."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.tflite.neighbours import use_exact_neighbours

_Nodes = list[onnx.NodeProto]
# The operator set since which functions such as Softmax know a single dimension.
_SINGLE_AXIS_OPSET = 13


def rewrite_for_converter(model: onnx.ModelProto) -> None:
    """Replace operators by others that compute the same and are converted right, in place.

    Args:
        model: The float model, with the types and shapes of its tensors.
    """
    index = GraphIndex(model)
    nodes: _Nodes = []
    for node in index.list_nodes():
        rule = _RULES.get(node.op_type)
        nodes += (rule(index, node) if rule else None) or [node]
    index.set_nodes(nodes)
    index.remove_unused_constants()


def _scale_below_zero(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """`Elu(x)` of the slope `a` is `a Elu(x) + (1 - a) Relu(x)`: the converter takes 1 for `a`."""
    slope = attributes_of(node).get("alpha", 1.0)
    if slope == 1:
        return None
    (source,), (output,) = node.input, node.output
    names = {
        part: index.declare_like(f"{output}_{part}", source)
        for part in ("whole", "below", "positive", "above")
    }
    below = index.add_constant(f"{output}_slope", np.array(slope, np.float32))
    above = index.add_constant(f"{output}_rest", np.array(1 - slope, np.float32))
    return [
        _make("Elu", [source], names["whole"]),
        _make("Mul", [names["whole"], below], names["below"]),
        _make("Relu", [source], names["positive"]),
        _make("Mul", [names["positive"], above], names["above"]),
        _make("Add", [names["below"], names["above"]], output),
    ]


def _flatten_to_rows(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """Old functions are taken of all dimensions from one on: the converter takes one alone."""
    opset = next(each.version for each in index.model.opset_import if not each.domain)
    shape = index.shape(node.input[0])
    if opset >= _SINGLE_AXIS_OPSET or shape is None:
        return None
    axis = attributes_of(node).get("axis", 1) % len(shape)
    sizes = [size for size in shape if size is not None]
    if len(sizes) < len(shape) or axis == len(shape) - 1:
        return None
    source, output = node.input[0], node.output[0]
    rows = [math.prod(sizes[:axis]), math.prod(sizes[axis:])]
    flat = index.declare(f"{output}_rows", source, rows)
    values = index.declare(f"{output}_values", source, rows)
    to_rows = index.add_constant(f"{output}_to_rows", np.array(rows))
    back = index.add_constant(f"{output}_back", np.array(sizes))
    return [
        _make("Reshape", [source, to_rows], flat),
        _make(node.op_type, [flat], values, axis=1),
        _make("Reshape", [values, back], output),
    ]


def _choose_backwards(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """Slices with negative steps are chosen by their indices."""
    shape = index.shape(node.input[0])
    given = [index.value(name) if name else None for name in node.input[1:]]
    if shape is None or len(given) < 4:
        return None
    starts, ends, axes, steps = given
    if starts is None or ends is None or steps is None or bool(np.all(steps > 0)):
        return None
    chosen = range(len(starts)) if axes is None else [int(axis) % len(shape) for axis in axes]
    source, output = node.input[0], node.output[0]
    nodes: _Nodes = []
    sizes = list(shape)
    for number, axis in enumerate(chosen):
        size = sizes[axis]
        if size is None:
            return None
        taken = range(size)[int(starts[number]) : int(ends[number]) : int(steps[number])]
        sizes[axis] = len(taken)
        fixed = [each for each in sizes if each is not None]
        if len(fixed) < len(sizes):
            return None
        indices = index.add_constant(f"{output}_indices_{axis}", np.array(taken))
        is_last = number == len(chosen) - 1
        target = output if is_last else index.declare(f"{output}_along_{axis}", source, fixed)
        nodes.append(_make("Gather", [source, indices], target, axis=axis))
        source = target
    return nodes


def _count_from_the_start(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """Negative indices count from the end, which runtimes refuse."""
    values, shape = index.value(node.input[1]), index.shape(node.input[0])
    if values is None or shape is None or bool(np.all(values >= 0)):
        return None
    attributes = attributes_of(node)
    if node.op_type.endswith("ND"):
        first = attributes.get("batch_dims", 0)
        sizes = shape[first : first + values.shape[-1]]
    else:
        sizes = [shape[attributes.get("axis", 0)]]
    if any(size is None for size in sizes):
        return None
    counted = np.where(values < 0, values + np.array(sizes, values.dtype), values)
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.input[1] = index.add_constant(f"{node.input[1]}_from_start", counted)
    return [made]


def _leave_out(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """A reduction of no dimension may mean none, where the converter takes all."""
    axes = index.value(node.input[1]) if len(node.input) > 1 and node.input[1] else None
    is_none = axes is None or not axes.size
    if not attributes_of(node).get("noop_with_empty_axes", 0) or not is_none:
        return None
    return [_make("Identity", node.input[:1], node.output[0])]


def _pad_all_dimensions(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """Amounts for some dimensions become those of all."""
    shape = index.shape(node.input[0])
    if len(node.input) < 4 or not node.input[3] or shape is None:
        return None
    amounts, axes = index.value(node.input[1]), index.value(node.input[3])
    if amounts is None or axes is None:
        return None
    whole = np.zeros((2, len(shape)), np.int64)
    whole[:, axes] = amounts.reshape(2, -1)
    name = index.add_constant(f"{node.input[1]}_of_all", whole.ravel())
    made = onnx.NodeProto()
    made.CopyFrom(node)
    del made.input[3]
    made.input[1] = name
    return [made]


def _pad_before(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """An average that counts padding counts none of what rounding up the size adds beyond it."""
    attributes = attributes_of(node)
    if not (attributes.get("ceil_mode", 0) and attributes.pop("count_include_pad", 0)):
        return None
    source, shape = node.input[0], index.shape(node.input[0])
    pads = np.array(attributes.pop("pads", [0] * 2 * len(attributes["kernel_shape"])))
    if shape is None or None in shape or b"SAME" in attributes.get("auto_pad", b""):
        return None
    nodes: _Nodes = []
    if np.any(pads):
        whole = np.concatenate([np.zeros((2, 2), np.int64), pads.reshape(2, -1)], axis=1)
        sizes = [size or 0 for size in shape] + whole.sum(axis=0)
        padded = index.declare(f"{node.output[0]}_padded", source, sizes.tolist())
        amounts = index.add_constant(f"{node.output[0]}_pads", whole.ravel())
        nodes.append(_make("Pad", [source, amounts], padded))
        source = padded
    return [*nodes, _make("AveragePool", [source], node.output[0], **attributes)]


def _pool_in_two_dimensions(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """A pool along one dimension whose size is rounded up is padded wrongly."""
    source, output = node.input[0], node.output[0]
    before, after = index.shape(source), index.shape(output)
    attributes = attributes_of(node)
    if not attributes.get("ceil_mode", 0) or len(attributes["kernel_shape"]) != 1:
        return None
    if before is None or after is None or None in before or None in after or len(node.output) > 1:
        return None
    for name in ("kernel_shape", "strides", "dilations"):
        if name in attributes:
            attributes[name] = [1, *attributes[name]]
    if "pads" in attributes:
        begin, end = attributes["pads"]
        attributes["pads"] = [0, begin, 0, end]
    sizes = [[size or 0 for size in shape] for shape in (before, after)]
    flat, pooled = (
        index.declare(f"{output}_{part}", source, [*shape[:2], 1, shape[2]])
        for part, shape in zip(("flat", "pooled"), sizes, strict=True)
    )
    there, back = (
        index.add_constant(f"{output}_{part}", np.array(shape))
        for part, shape in (("there", [*sizes[0][:2], 1, sizes[0][2]]), ("back", sizes[1]))
    )
    pool = _make(node.op_type, [flat], pooled, **attributes)
    return [
        _make("Reshape", [source, there], flat),
        *((_pad_before(index, pool) if node.op_type == "AveragePool" else None) or [pool]),
        _make("Reshape", [pooled, back], output),
    ]


def _average(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    return _pool_in_two_dimensions(index, node) or _pad_before(index, node)


def _take_remainder(index: GraphIndex, node: onnx.NodeProto) -> _Nodes | None:
    """`fmod(x, y)` has the sign of `x`, and the size of `|x| mod |y|`."""
    source, divisor = node.input
    output = node.output[0]
    if not index.is_float(source):
        return None
    names = {
        part: index.declare_like(f"{output}_{part}", like)
        for part, like in {"size": source, "sign": source, "rest": output}.items()
    }
    by = index.value(divisor)
    if by is None:
        sizes = index.declare_like(f"{output}_divisor", divisor)
        divisors = [_make("Abs", [divisor], sizes)]
    else:
        sizes = index.add_constant(f"{output}_divisor", np.abs(by))
        divisors = []
    return [
        _make("Abs", [source], names["size"]),
        *divisors,
        # The operator of the runtime, to which `fmod` stands for the sign of the remainder.
        _make("Mod", [names["size"], sizes], names["rest"], fmod=0),
        _make("Sign", [source], names["sign"]),
        _make("Mul", [names["sign"], names["rest"]], output),
    ]


def _make(op: str, inputs: Any, output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401
    return helper.make_node(op, list(inputs), [output], name=output, **attributes)


_RULES: dict[str, Callable[[GraphIndex, onnx.NodeProto], _Nodes | None]] = {
    "AveragePool": _average,
    "Elu": _scale_below_zero,
    "GatherElements": _count_from_the_start,
    "GatherND": _count_from_the_start,
    "Hardmax": _flatten_to_rows,
    "LogSoftmax": _flatten_to_rows,
    "MaxPool": _pool_in_two_dimensions,
    "Mod": _take_remainder,
    "Pad": _pad_all_dimensions,
    "ReduceSum": _leave_out,
    "Resize": use_exact_neighbours,
    "ScatterElements": _count_from_the_start,
    "ScatterND": _count_from_the_start,
    "Slice": _choose_backwards,
    "Softmax": _flatten_to_rows,
}
