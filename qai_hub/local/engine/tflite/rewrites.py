"""Replaces operators that the converter to TensorFlow Lite refuses or gets wrong."""

import math
from collections.abc import Callable

import numpy as np
import onnx

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.tflite.nodes import Nodes, make_node
from qai_hub.local.engine.tflite.resizes import resize
from qai_hub.local.engine.tflite.windows import average, convolve, deconvolve, pool

# The operator set since which functions such as Softmax know a single dimension.
_SINGLE_AXIS_OPSET = 13


def rewrite_for_converter(model: onnx.ModelProto) -> None:
    """Replace operators by others that compute the same and are converted right, in place.

    Args:
        model: The float model, with the types and shapes of its tensors.
    """
    index = GraphIndex(model)
    nodes: Nodes = []
    for node in index.list_nodes():
        rule = _RULES.get(node.op_type)
        nodes += (rule(index, node) if rule else None) or [node]
    index.set_nodes(nodes)
    index.remove_unused_constants()


def _scale_below_zero(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
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
        make_node("Elu", [source], names["whole"]),
        make_node("Mul", [names["whole"], below], names["below"]),
        make_node("Relu", [source], names["positive"]),
        make_node("Mul", [names["positive"], above], names["above"]),
        make_node("Add", [names["below"], names["above"]], output),
    ]


def _flatten_to_rows(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
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
        make_node("Reshape", [source, to_rows], flat),
        make_node(node.op_type, [flat], values, axis=1),
        make_node("Reshape", [values, back], output),
    ]


def _choose_backwards(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
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
    nodes: Nodes = []
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
        nodes.append(make_node("Gather", [source, indices], target, axis=axis))
        source = target
    return nodes


def _count_from_the_start(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
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


def _leave_out(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
    """A reduction of no dimension may mean none, where the converter takes all."""
    axes = index.value(node.input[1]) if len(node.input) > 1 and node.input[1] else None
    is_none = axes is None or not axes.size
    if not attributes_of(node).get("noop_with_empty_axes", 0) or not is_none:
        return None
    return [make_node("Identity", node.input[:1], node.output[0])]


def _pad_all_dimensions(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
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


def _take_remainder(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
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
        divisors = [make_node("Abs", [divisor], sizes)]
    else:
        sizes = index.add_constant(f"{output}_divisor", np.abs(by))
        divisors = []
    return [
        make_node("Abs", [source], names["size"]),
        *divisors,
        # The operator of the runtime, to which `fmod` stands for the sign of the remainder.
        make_node("Mod", [names["size"], sizes], names["rest"], fmod=0),
        make_node("Sign", [source], names["sign"]),
        make_node("Mul", [names["sign"], names["rest"]], output),
    ]


_RULES: dict[str, Callable[[GraphIndex, onnx.NodeProto], Nodes | None]] = {
    "AveragePool": average,
    "Conv": convolve,
    "ConvTranspose": deconvolve,
    "Elu": _scale_below_zero,
    "GatherElements": _count_from_the_start,
    "GatherND": _count_from_the_start,
    "Hardmax": _flatten_to_rows,
    "LogSoftmax": _flatten_to_rows,
    "MaxPool": pool,
    "Mod": _take_remainder,
    "Pad": _pad_all_dimensions,
    "ReduceSum": _leave_out,
    "Resize": resize,
    "ScatterElements": _count_from_the_start,
    "ScatterND": _count_from_the_start,
    "Slice": _choose_backwards,
    "Softmax": _flatten_to_rows,
    "Upsample": resize,
}
