"""Finds the quantized tensors of a model, and their values in the float model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from qai_hub.local.engine.quantize.layers import find_layers
from qai_hub.local.engine.quantize.ranges import IntegerRange

# The type of biases, whose scale follows from those of the input and the weights.
_BIAS_DTYPE = "int32"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedActivation:
    """A quantized tensor whose values depend on the inputs of the model.

    Attributes:
        tensor: Its name in the float model.
        kind: What it is in the model: "INPUT", "OUTPUT" or "ACTIVATION".
        integers: The range of its integers.
    """

    tensor: str
    kind: str
    integers: IntegerRange


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedConstant:
    """A quantized constant of a model.

    Attributes:
        tensor: Its name in the float model.
        kind: What it is in the model: "WEIGHT" or "BIAS".
        integers: The range of its integers.
        values: Its values in the float model.
    """

    tensor: str
    kind: str
    integers: IntegerRange
    values: npt.NDArray[np.float32]


def find_activations(
    original: onnx.ModelProto, quantized: onnx.ModelProto
) -> list[QuantizedActivation]:
    """Find the quantized tensors that models compute or take.

    Args:
        original: The float model, as it was quantized.
        quantized: The quantized model.

    Returns:
        The tensors in the order of computation, inputs first.
    """
    constants = {tensor.name: tensor for tensor in quantized.graph.initializer}
    quantizers = {
        node.output[0]: node for node in quantized.graph.node if node.op_type == "QuantizeLinear"
    }
    outputs = {port.name for port in original.graph.output}
    found = []
    for layer in find_layers(original, quantized):
        node = quantizers.get(layer.integers)
        integers = None if node is None else IntegerRange.of(node, constants)
        if integers is not None:
            kind = "OUTPUT" if layer.tensor in outputs else "ACTIVATION"
            found.append(
                QuantizedActivation(
                    tensor=layer.tensor,
                    kind=kind if layer.operator else "INPUT",
                    integers=integers,
                )
            )
    return found


def iter_constants(
    original: onnx.ModelProto, quantized: onnx.ModelProto
) -> Iterator[QuantizedConstant]:
    """Yield the quantized constants of a model, each once.

    Args:
        original: The float model, as it was quantized, with its weights.
        quantized: The quantized model, likewise.
    """
    floats = {tensor.name: tensor for tensor in original.graph.initializer}
    constants = {tensor.name: tensor for tensor in quantized.graph.initializer}
    names = _ConstantNames(original.graph, quantized.graph)
    done = set[tuple[str, str]]()
    for node in quantized.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        integers = IntegerRange.of(node, constants)
        value = floats.get(names.find(node.output[0]))
        if integers is None or value is None or value.dims != constants[node.input[0]].dims:
            continue
        # Constants that are used in two types are quantized twice.
        if (value.name, integers.dtype) not in done:
            done.add((value.name, integers.dtype))
            yield QuantizedConstant(
                tensor=value.name,
                kind="BIAS" if integers.dtype == _BIAS_DTYPE else "WEIGHT",
                integers=integers,
                values=numpy_helper.to_array(value),
            )


class _ConstantNames:
    """The names of constants in the float model, as the nodes have them that use them in both."""

    def __init__(self, original: onnx.GraphProto, quantized: onnx.GraphProto) -> None:
        self._nodes = {node.name: node for node in original.node}
        self._uses: Mapping[str, tuple[str, int]] = {
            name: (node.name, index)
            for node in quantized.node
            for index, name in enumerate(node.input)
        }

    def find(self, name: str) -> str:
        """Return the name of a dequantized constant in the float model; empty for none."""
        node_name, index = self._uses.get(name, ("", 0))
        node = self._nodes.get(node_name)
        return node.input[index] if node is not None and index < len(node.input) else ""
