"""Inserts Q and DQ nodes into an ONNX model, according to the encodings of its tensors."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.onnx.edit import collect_names, rename_tensors, unique_name
from qai_hub.local.engine.onnx.graph_index import attributes_of
from qai_hub.local.engine.quantize.encodings import Encoding, encoding_failure

_FLOAT = onnx.TensorProto.FLOAT
_SIGNED_TYPES: dict[int, int] = {
    4: onnx.TensorProto.INT4,
    8: onnx.TensorProto.INT8,
    16: onnx.TensorProto.INT16,
    32: onnx.TensorProto.INT32,
}
_UNSIGNED_TYPES: dict[int, int] = {
    4: onnx.TensorProto.UINT4,
    8: onnx.TensorProto.UINT8,
    16: onnx.TensorProto.UINT16,
}
# The dimension of the output channels, by operator and index of its input.
_OUTPUT_CHANNEL_AXES = {
    ("Conv", 1): 0,
    ("ConvTranspose", 1): 1,
    ("MatMul", 0): -2,
    ("MatMul", 1): -1,
}


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
    inserter = _QuantizerInserter(graph)
    for encoding in encodings:
        name = encoding.name
        if name in weights:
            inserter.add_weight(weights[name], encoding)
        elif name in outputs:
            inserter.add_output(outputs[name], encoding)
        elif name in inputs:
            inserter.add_input(inputs[name], encoding)
        else:
            problem = "does not belong to a tensor of the model's graph"
            raise encoding_failure(name, problem, FailureType.MODEL_INVALID)
    inserter.insert()


class _QuantizerInserter:
    """Q and DQ nodes to insert into a graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._names = collect_names(graph)
        self._leading_nodes: list[onnx.NodeProto] = []
        self._following_nodes: dict[int, list[onnx.NodeProto]] = {}

    def add_weight(self, tensor: onnx.TensorProto, encoding: Encoding) -> None:
        """Store a tensor as integers, which a DQ node converts to floats of the same name."""
        name = tensor.name
        if tensor.data_type != _FLOAT:
            raise encoding_failure(name, "is for a tensor that is not float32")
        values = numpy_helper.to_array(tensor)
        axis = _find_axis(self._graph, encoding, values.shape)
        elem_type = _choose_elem_type(encoding, is_weight=True)
        integers = _quantize_values(values, encoding, axis, _min_value(elem_type))
        stored = unique_name(f"{name}_quantized", self._names)
        self._graph.initializer.append(_make_integer_tensor(stored, elem_type, integers))
        self._graph.initializer.remove(tensor)
        parameters = self._add_parameters(encoding, elem_type)
        self._leading_nodes.append(_make_node("DequantizeLinear", stored, name, parameters, axis))

    def add_output(self, position: int, encoding: Encoding) -> None:
        """Quantize the output of a node, which is renamed."""
        output = self._graph.node[position].output
        raw = unique_name(f"{encoding.name}_unquantized", self._names)
        output[list(output).index(encoding.name)] = raw
        pair = self._make_node_pair(raw, encoding.name, encoding)
        self._following_nodes.setdefault(position, []).extend(pair)

    def add_input(self, value: onnx.ValueInfoProto, encoding: Encoding) -> None:
        """Quantize an input: its consumers use the quantized values instead."""
        name = encoding.name
        if value.type.tensor_type.elem_type != _FLOAT:
            raise encoding_failure(name, "is for an input that is not float32")
        quantized = unique_name(f"{name}_dequantized", self._names)
        rename_tensors(self._graph, {name: quantized})
        value.name = name
        for output in self._graph.output:
            output.name = name if output.name == quantized else output.name
        self._leading_nodes += self._make_node_pair(name, quantized, encoding)

    def insert(self) -> None:
        """Insert all nodes into the graph, each after its inputs."""
        nodes = list(self._leading_nodes)
        for position, node in enumerate(self._graph.node):
            nodes += [node, *self._following_nodes.get(position, [])]
        del self._graph.node[:]
        self._graph.node.extend(nodes)

    def _make_node_pair(self, source: str, target: str, encoding: Encoding) -> list[onnx.NodeProto]:
        axis = encoding.axis if len(encoding.scale) > 1 else None
        if axis is None and len(encoding.scale) > 1:
            problem = "has several scales but no axis, and is not for a weight"
            raise encoding_failure(encoding.name, problem)
        elem_type = _choose_elem_type(encoding, is_weight=False)
        between = unique_name(f"{encoding.name}_quantized", self._names)
        parameters = self._add_parameters(encoding, elem_type)
        return [
            _make_node("QuantizeLinear", source, between, parameters, axis),
            _make_node("DequantizeLinear", between, target, parameters, axis),
        ]

    def _add_parameters(self, encoding: Encoding, elem_type: int) -> list[str]:
        """Add the scale and the zero point to the graph, and return their names."""
        shift = _min_value(elem_type) - encoding.offset
        scale, zero_point = encoding.scale, shift
        if len(scale) == 1:
            scale, zero_point = scale.reshape(()), zero_point.reshape(())
        names = [
            unique_name(f"{encoding.name}_{what}", self._names) for what in ("scale", "zero_point")
        ]
        self._graph.initializer.append(numpy_helper.from_array(scale, names[0]))
        self._graph.initializer.append(_make_integer_tensor(names[1], elem_type, zero_point))
        return names


def _choose_elem_type(encoding: Encoding, *, is_weight: bool) -> int:
    symmetric = bool(np.all(encoding.offset == -(2 ** (encoding.bits - 1))))
    if is_weight and symmetric:
        return _SIGNED_TYPES[encoding.bits]
    if encoding.bits not in _UNSIGNED_TYPES:
        where = "is not symmetric" if is_weight else "is not for a weight"
        raise encoding_failure(
            encoding.name, f"has {encoding.bits} bits and {where}: ONNX has no such type"
        )
    return _UNSIGNED_TYPES[encoding.bits]


def _min_value(elem_type: int) -> int:
    """Return the lowest value of a type."""
    widths = {value: bits for bits, value in _SIGNED_TYPES.items()}
    return -(2 ** (widths[elem_type] - 1)) if elem_type in widths else 0


def _quantize_values(
    values: npt.NDArray[np.float32], encoding: Encoding, axis: int | None, min_value: int
) -> npt.NDArray[np.int64]:
    """Return the integers that represent floats, counted from the lowest value of their type.

    They equal the results of QuantizeLinear, which divides in float32 and rounds half to even.
    """
    shape = [-1 if index == axis else 1 for index in range(values.ndim)]
    scale, offset = encoding.scale.reshape(shape), encoding.offset.reshape(shape)
    steps = np.rint(values / scale).astype(np.float64) - offset
    return np.asarray(np.clip(steps, 0, 2**encoding.bits - 1) + min_value, np.int64)


def _make_integer_tensor(
    name: str, elem_type: int, values: npt.NDArray[np.int64]
) -> onnx.TensorProto:
    dtype = helper.tensor_dtype_to_np_dtype(elem_type)
    return numpy_helper.from_array(values.astype(dtype), name)


def _make_node(
    op: str, source: str, target: str, parameters: Sequence[str], axis: int | None
) -> onnx.NodeProto:
    node = helper.make_node(op, [source, *parameters], [target], name=f"{target}_{op}")
    if axis is not None:
        node.attribute.append(helper.make_attribute("axis", axis))
    return node


def _find_axis(graph: onnx.GraphProto, encoding: Encoding, shape: Sequence[int]) -> int | None:
    """Return the dimension of a weight's channels; None if it is quantized as a whole."""
    count = len(encoding.scale)
    if count == 1:
        return None
    axes = (
        {encoding.axis}
        if encoding.axis is not None
        else _find_consumer_axes(graph, encoding.name, shape)
    )
    axis = axes.pop() if len(axes) == 1 else None
    if axis is None:
        problem = f"has {count} scales, and the model does not determine their dimension"
        raise encoding_failure(encoding.name, problem)
    if not -len(shape) <= axis < len(shape) or shape[axis] != count:
        problem = f"has {count} scales along dimension {axis} of a tensor of {tuple(shape)}"
        raise encoding_failure(encoding.name, problem, FailureType.MODEL_INVALID)
    return axis % len(shape)


def _find_consumer_axes(graph: onnx.GraphProto, name: str, shape: Sequence[int]) -> set[int | None]:
    """Return the dimensions that the consumers of a tensor use for their output channels."""
    rank = len(shape)
    found: set[int | None] = {0} if rank == 1 else set()
    for node in graph.node if rank > 1 else []:
        for index in (i for i, taken in enumerate(node.input) if taken == name):
            attributes = attributes_of(node)
            if node.op_type == "Transpose":
                order = list(attributes.get("perm", range(rank)[::-1]))
                after = _find_consumer_axes(graph, node.output[0], [shape[i] for i in order])
                found |= {None if axis is None else order[axis] for axis in after}
            elif node.op_type == "Gemm" and index == 1:
                found.add(0 if attributes.get("transB") else 1)
            else:
                axis = _OUTPUT_CHANNEL_AXES.get((node.op_type, index))
                found.add(None if axis is None else axis % rank)
    return found
