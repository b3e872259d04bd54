"""Inserts Q and DQ nodes into an ONNX model, according to the encodings of its tensors."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.onnx.edit import collect_names, rename_tensors, unique_name
from qai_hub.local.engine.quantize.encodings import Encoding, refusal

_FLOAT = onnx.TensorProto.FLOAT
_SIGNED: dict[int, int] = {
    4: onnx.TensorProto.INT4,
    8: onnx.TensorProto.INT8,
    16: onnx.TensorProto.INT16,
    32: onnx.TensorProto.INT32,
}
_UNSIGNED: dict[int, int] = {
    4: onnx.TensorProto.UINT4,
    8: onnx.TensorProto.UINT8,
    16: onnx.TensorProto.UINT16,
}
# The dimension of the output channels, by operator and index of its input.
_CHANNELS = {("Conv", 1): 0, ("ConvTranspose", 1): 1, ("MatMul", 0): -2, ("MatMul", 1): -1}


def insert_quantizers(model: onnx.ModelProto, encodings: Sequence[Encoding]) -> None:
    """Quantize tensors of a model, in place.

    Weights become integers with a DQ node: signed ones if they are symmetric around 0. Computed
    tensors get a Q and a DQ node, to unsigned integers and back, as Qualcomm's runtime expects.

    Args:
        model: The float model, in an operator set that supports the types of the encodings.
        encodings: The encodings of its tensors.

    Raises:
        JobFailure: An encoding is not supported; the reason names it.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input}
    outputs = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    quantizers = _Quantizers(graph)
    for encoding in encodings:
        name = encoding.name
        if name in weights:
            quantizers.add_weight(weights[name], encoding)
        elif name in outputs:
            quantizers.add_output(outputs[name], encoding)
        elif name in inputs:
            quantizers.add_input(inputs[name], encoding)
        else:
            problem = "is for no tensor of the model's graph"
            raise refusal(name, problem, FailureType.MODEL_INVALID)
    quantizers.place()


class _Quantizers:
    """Q and DQ nodes to insert into a graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._taken = collect_names(graph)
        self._first: list[onnx.NodeProto] = []
        self._after: dict[int, list[onnx.NodeProto]] = {}

    def add_weight(self, tensor: onnx.TensorProto, encoding: Encoding) -> None:
        """Store a tensor as integers, which a DQ node converts to floats of the same name."""
        name = tensor.name
        if tensor.data_type != _FLOAT:
            raise refusal(name, "is for a tensor that is not float32")
        values = numpy_helper.to_array(tensor)
        axis = _axis(self._graph, encoding, values.shape)
        elem_type = _elem_type(encoding, is_weight=True)
        integers = _quantized(values, encoding, axis, _first(elem_type))
        stored = unique_name(f"{name}_quantized", self._taken)
        self._graph.initializer.append(_integers(stored, elem_type, integers))
        self._graph.initializer.remove(tensor)
        parameters = self._parameters(encoding, elem_type)
        self._first.append(_node("DequantizeLinear", stored, name, parameters, axis))

    def add_output(self, position: int, encoding: Encoding) -> None:
        """Quantize the output of a node, which is renamed."""
        output = self._graph.node[position].output
        raw = unique_name(f"{encoding.name}_unquantized", self._taken)
        output[list(output).index(encoding.name)] = raw
        pair = self._pair(raw, encoding.name, encoding)
        self._after.setdefault(position, []).extend(pair)

    def add_input(self, value: onnx.ValueInfoProto, encoding: Encoding) -> None:
        """Quantize an input: its consumers use the quantized values instead."""
        name = encoding.name
        if value.type.tensor_type.elem_type != _FLOAT:
            raise refusal(name, "is for an input that is not float32")
        quantized = unique_name(f"{name}_dequantized", self._taken)
        rename_tensors(self._graph, {name: quantized})
        value.name = name
        for output in self._graph.output:
            output.name = name if output.name == quantized else output.name
        self._first += self._pair(name, quantized, encoding)

    def place(self) -> None:
        """Insert all nodes into the graph, each after its inputs."""
        nodes = list(self._first)
        for position, node in enumerate(self._graph.node):
            nodes += [node, *self._after.get(position, [])]
        del self._graph.node[:]
        self._graph.node.extend(nodes)

    def _pair(self, source: str, target: str, encoding: Encoding) -> list[onnx.NodeProto]:
        axis = encoding.axis if len(encoding.scale) > 1 else None
        if axis is None and len(encoding.scale) > 1:
            problem = "has several scales, and is not for a weight: it does not tell of which axis"
            raise refusal(encoding.name, problem)
        elem_type = _elem_type(encoding, is_weight=False)
        between = unique_name(f"{encoding.name}_quantized", self._taken)
        parameters = self._parameters(encoding, elem_type)
        return [
            _node("QuantizeLinear", source, between, parameters, axis),
            _node("DequantizeLinear", between, target, parameters, axis),
        ]

    def _parameters(self, encoding: Encoding, elem_type: int) -> list[str]:
        """Add the scale and the zero point to the graph, and return their names."""
        shift = _first(elem_type) - encoding.lowest
        scale, zero_point = encoding.scale, shift
        if len(scale) == 1:
            scale, zero_point = scale.reshape(()), zero_point.reshape(())
        names = [
            unique_name(f"{encoding.name}_{what}", self._taken) for what in ("scale", "zero_point")
        ]
        self._graph.initializer.append(numpy_helper.from_array(scale, names[0]))
        self._graph.initializer.append(_integers(names[1], elem_type, zero_point))
        return names


def _elem_type(encoding: Encoding, *, is_weight: bool) -> int:
    symmetric = bool(np.all(encoding.lowest == -(2 ** (encoding.bits - 1))))
    if is_weight and symmetric:
        return _SIGNED[encoding.bits]
    if encoding.bits not in _UNSIGNED:
        where = "is not symmetric" if is_weight else "is not for a weight"
        raise refusal(encoding.name, f"has {encoding.bits} bits and {where}: ONNX has no such type")
    return _UNSIGNED[encoding.bits]


def _first(elem_type: int) -> int:
    """Return the lowest value of a type."""
    widths = {value: bits for bits, value in _SIGNED.items()}
    return -(2 ** (widths[elem_type] - 1)) if elem_type in widths else 0


def _quantized(
    values: npt.NDArray[np.float32], encoding: Encoding, axis: int | None, first: int
) -> npt.NDArray[np.int64]:
    """Return the integers that represent floats, counted from the lowest value of their type.

    They equal the results of QuantizeLinear, which divides in float32 and rounds half to even.
    """
    shape = [-1 if index == axis else 1 for index in range(values.ndim)]
    scale, lowest = encoding.scale.reshape(shape), encoding.lowest.reshape(shape)
    steps = np.rint(values / scale).astype(np.float64) - lowest
    return np.asarray(np.clip(steps, 0, 2**encoding.bits - 1) + first, np.int64)


def _integers(name: str, elem_type: int, values: npt.NDArray[np.int64]) -> onnx.TensorProto:
    dtype = helper.tensor_dtype_to_np_dtype(elem_type)
    return numpy_helper.from_array(values.astype(dtype), name)


def _node(
    op: str, source: str, target: str, parameters: Sequence[str], axis: int | None
) -> onnx.NodeProto:
    node = helper.make_node(op, [source, *parameters], [target], name=f"{target}_{op}")
    if axis is not None:
        node.attribute.append(helper.make_attribute("axis", axis))
    return node


def _axis(graph: onnx.GraphProto, encoding: Encoding, shape: Sequence[int]) -> int | None:
    """Return the dimension of a weight's channels; None if it is quantized as a whole."""
    count = len(encoding.scale)
    if count == 1:
        return None
    axes = {encoding.axis} if encoding.axis is not None else _axes(graph, encoding.name, shape)
    axis = axes.pop() if len(axes) == 1 else None
    if axis is None:
        problem = f"has {count} scales, and the model does not tell which dimension they are for"
        raise refusal(encoding.name, problem)
    if not -len(shape) <= axis < len(shape) or shape[axis] != count:
        problem = f"has {count} scales along dimension {axis} of a tensor of {tuple(shape)}"
        raise refusal(encoding.name, problem, FailureType.MODEL_INVALID)
    return axis % len(shape)


def _axes(graph: onnx.GraphProto, name: str, shape: Sequence[int]) -> set[int | None]:
    """Return the dimensions that the consumers of a tensor use for their output channels."""
    rank = len(shape)
    found: set[int | None] = {0} if rank == 1 else set()
    for node in graph.node if rank > 1 else []:
        for index in (i for i, taken in enumerate(node.input) if taken == name):
            attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
            if node.op_type == "Transpose":
                order = list(attributes.get("perm", range(rank)[::-1]))
                after = _axes(graph, node.output[0], [shape[i] for i in order])
                found |= {None if axis is None else order[axis] for axis in after}
            elif node.op_type == "Gemm" and index == 1:
                found.add(0 if attributes.get("transB") else 1)
            else:
                axis = _CHANNELS.get((node.op_type, index))
                found.add(None if axis is None else axis % rank)
    return found
