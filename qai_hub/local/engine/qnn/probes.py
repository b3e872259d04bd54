"""Models of one operator each, to ask QNN in which types it has that operator."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.qnn.provider import PROVIDER, RECORD_ASSIGNMENT, QnnSession

Array = np.ndarray[Any, Any]
# What becomes of the floats: they stay as they are, or are quantized to 8 or 16 bits.
Form = Literal["floats", "8 bits", "16 bits"]

_FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
# The Q and DQ of this domain take 16 bits in any operator set.
_QDQ_DOMAIN = "com.microsoft"
# One scale for all tensors of a probe, as some operators require.
_SCALE: Array = np.array(1 / 64, np.float32)
_ZERO_POINTS: dict[str, Array] = {
    "8 bits": np.array(128, np.uint8),
    "16 bits": np.array(2**15, np.uint16),
}
# The inputs that hold a bias, which QNN takes as 32-bit integers.
_BIAS_INPUTS = {
    (op, 2)
    for op in ("Conv", "ConvTranspose", "Gemm", "InstanceNormalization", "LayerNormalization")
}
# The inputs that hold parameters, which stay floats in a quantized model.
_PARAMETER_INPUTS = {("Resize", 1), ("Resize", 2), ("Upsample", 1), ("Clip", 1), ("Clip", 2)}


class Tensors:
    """The types, shapes and constants of the tensors of a model.

    Args:
        model: The model, with inferred shapes, with or without its external tensors.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self._values = {
            value.name: value for value in (*graph.input, *graph.value_info, *graph.output)
        }
        # Shape inference does not pass operators of other domains than ONNX's.
        for node in (*graph.node, *reversed(graph.node)):
            if node.op_type == "QuantizeLinear":
                self._match(node.input[0], node.output[0])
            elif node.op_type == "DequantizeLinear":
                self._match(node.output[0], node.input[0])

    def _match(self, floats: str, integers: str) -> None:
        """Complete what is known of the floats of a Q or DQ, and of its integers, by each other."""
        for name, other in ((floats, integers), (integers, floats)):
            shape = self.get_shape(other)
            dtype = self.get_type(name) or (onnx.TensorProto.FLOAT if name == floats else 0)
            if name not in self.constants and dtype and self.get_shape(name) is None:
                self._values[name] = helper.make_tensor_value_info(name, dtype, shape)

    def get_type(self, name: str) -> int:
        """Return the element type of a tensor; 0 if it is unknown."""
        if name in self.constants:
            return int(self.constants[name].data_type)
        value = self._values.get(name)
        return 0 if value is None else int(value.type.tensor_type.elem_type)

    def get_shape(self, name: str) -> list[int] | None:
        """Return the shape of a tensor; None if it is unknown or dynamic."""
        if name in self.constants:
            return list(self.constants[name].dims)
        value = self._values.get(name)
        if value is None or not value.type.tensor_type.HasField("shape"):
            return None
        dims = value.type.tensor_type.shape.dim
        return (
            None if any(not d.HasField("dim_value") for d in dims) else [d.dim_value for d in dims]
        )

    def add_float_copy(self, name: str) -> str:
        """Add a tensor of float32 with the shape of another one, and return its name."""
        copy = f"{name}__float"
        self._values[copy] = helper.make_tensor_value_info(
            copy, onnx.TensorProto.FLOAT, self.get_shape(name)
        )
        return copy

    def is_float(self, name: str) -> bool:
        """Return whether a tensor is one of floats."""
        return self.get_type(name) in _FLOATS


def build_probe(
    node: onnx.NodeProto,
    tensors: Tensors,
    form: Form,
    opsets: Sequence[onnx.OperatorSetIdProto],
    constants: AbstractSet[str] = frozenset(),
) -> onnx.ModelProto | None:
    """Build a model of one operator.

    Args:
        node: The operator.
        tensors: The tensors of its model.
        form: What becomes of its floats.
        opsets: The operator sets of its model.
        constants: Inputs that are constants, although nodes compute them.

    Returns:
        The model; None if a type or shape is unknown.
    """
    names = [name for name in (*node.input, *node.output) if name]
    if any(not tensors.get_type(name) for name in names):
        return None
    if any(tensors.get_shape(name) is None for name in node.input if name):
        return None
    probe = _Probe(node, tensors, form, constants)
    model = helper.make_model(probe.build_graph(), opset_imports=opsets, ir_version=9)
    if all(opset.domain != _QDQ_DOMAIN for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_QDQ_DOMAIN, 1))
    return model


def ask_qnn(model: onnx.ModelProto, folder: Path, options: Mapping[str, str]) -> str:
    """Ask QNN whether it runs the operator of a probe.

    Args:
        model: The probe.
        folder: Folder for its file.
        options: Options of the provider.

    Returns:
        An empty string if it does; otherwise, why not.
    """
    path = folder / "probe.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        parts = QnnSession(path, options, settings={RECORD_ASSIGNMENT: "1"}).get_assignment()
    except JobFailure as failure:
        return failure.reason
    finally:
        path.unlink()
    return "QNN refuses it" if any(provider != PROVIDER for provider, _ in parts) else ""


class _Probe:
    """A graph of one operator in the making."""

    def __init__(
        self, node: onnx.NodeProto, tensors: Tensors, form: Form, constants: AbstractSet[str]
    ) -> None:
        self._node = node
        self._tensors = tensors
        self._form = form
        self._constants = constants
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: dict[str, onnx.ValueInfoProto] = {}

    def build_graph(self) -> onnx.GraphProto:
        before: dict[str, list[onnx.NodeProto]] = {}
        after: list[onnx.NodeProto] = []
        probe = onnx.NodeProto()
        probe.CopyFrom(self._node)
        probe.name = "probe"
        for index, name in enumerate(self._node.input):
            if name:
                before[name] = self._make_input(index, name)
                if before[name]:
                    probe.input[index] = f"{name}__in"
        outputs = [name for name in self._node.output if name]
        for index, name in enumerate(self._node.output):
            if name and self._is_quantized(name):
                probe.output[index] = f"{name}__out"
                after += self._quantize(f"{name}__out", name)
        return helper.make_graph(
            [*(each for nodes in before.values() for each in nodes), probe, *after],
            "probe",
            list(self._inputs.values()),
            [self._make_value(name) for name in outputs],
            list(self._initializers.values()),
        )

    def _make_input(self, index: int, name: str) -> list[onnx.NodeProto]:
        """Add an input or a constant; return the Q and DQ that make it the operator's input."""
        operator = self._node.op_type, index
        constant = name in self._tensors.constants or name in self._constants
        quantized = self._is_quantized(name) and operator not in _PARAMETER_INPUTS
        if constant and quantized:
            return self._dequantize_constant(name, bias=operator in _BIAS_INPUTS)
        if constant:
            self._initializers[name] = self._copy_constant(name)
            return []
        self._inputs[name] = self._make_value(name)
        return self._quantize(name, f"{name}__in") if quantized else []

    def _is_quantized(self, name: str) -> bool:
        return self._form != "floats" and self._tensors.is_float(name)

    def _make_value(self, name: str) -> onnx.ValueInfoProto:
        tensors = self._tensors
        return helper.make_tensor_value_info(name, tensors.get_type(name), tensors.get_shape(name))

    def _copy_constant(self, name: str) -> onnx.TensorProto:
        tensor = self._tensors.constants.get(name)
        if tensor is not None and tensor.data_location != onnx.TensorProto.EXTERNAL:
            return tensor
        dtype = helper.tensor_dtype_to_np_dtype(self._tensors.get_type(name))
        # Weights in other files are not read, and dequantized ones not computed: any will do.
        return numpy_helper.from_array(np.ones(self._tensors.get_shape(name) or (), dtype), name)

    def _dequantize_constant(self, name: str, *, bias: bool) -> list[onnx.NodeProto]:
        scale, zero = _SCALE, _ZERO_POINTS["8 bits"]  # with activations of 16 bits as well
        if bias:
            scale, zero = np.multiply(_SCALE, _SCALE), np.array(0, np.int32)
        values = np.full(self._tensors.get_shape(name) or (), zero + 12, zero.dtype)
        source = f"{name}__constant"
        self._initializers[source] = numpy_helper.from_array(values, source)
        return [self._add_node("DequantizeLinear", source, f"{name}__in", scale, zero)]

    def _quantize(self, source: str, target: str) -> list[onnx.NodeProto]:
        zero, between = _ZERO_POINTS[self._form], f"{target}__quantized"
        return [
            self._add_node("QuantizeLinear", source, between, _SCALE, zero),
            self._add_node("DequantizeLinear", between, target, _SCALE, zero),
        ]

    def _add_node(
        self, op: str, source: str, target: str, scale: Array, zero: Array
    ) -> onnx.NodeProto:
        arrays = {f"{target}__scale": scale, f"{target}__zero": zero}
        for key, each in arrays.items():
            self._initializers[key] = numpy_helper.from_array(each, key)
        name = f"{target}__{op}"
        return helper.make_node(op, [source, *arrays], [target], domain=_QDQ_DOMAIN, name=name)
