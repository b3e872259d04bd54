"""Tiny models of TensorFlow Lite, written with the schema that LiteRT ships."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="needs the extra [tflite]")

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int32": schema.TensorType.INT32,
    "float64": schema.TensorType.FLOAT64,
}
WEIGHT = np.arange(12, dtype=np.float32).reshape(3, 4) / 10

Names = Mapping[str, int]


def tensor(
    name: str,
    shape: Sequence[int],
    dtype: str = "float32",
    *,
    buffer: int = 0,
    quantized: tuple[Sequence[float], Sequence[int], int] | None = None,
) -> Any:
    """A tensor; a dimension of -1 is dynamic. Quantized: scales, zero points, dimension."""
    made = schema.TensorT()
    made.name = name
    made.shape = [abs(size) for size in shape]
    made.shapeSignature = list(shape)
    made.type = TYPES[dtype]
    made.buffer = buffer
    if quantized is not None:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = map(list, quantized[:2])
        made.quantization.quantizedDimension = quantized[2]
    return made


def operator(code: int, inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex = code
    made.inputs, made.outputs = list(inputs), list(outputs)
    return made


def operator_code(builtin: int, custom: str | None = None) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode = builtin
    # Old runtimes read another field, which has room for fewer operators.
    made.deprecatedBuiltinCode = min(builtin, 127)
    made.customCode = custom
    made.version = 1
    return made


def signature(key: str, inputs: Names, outputs: Names, subgraph: int = 0) -> Any:
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = key, subgraph
    made.inputs, made.outputs = ([_named(*item) for item in m.items()] for m in (inputs, outputs))
    return made


def graph(tensors: list[Any], operators: list[Any], inputs: list[int], outputs: list[int]) -> Any:
    made = schema.SubGraphT()
    made.tensors, made.operators = tensors, operators
    made.inputs, made.outputs = inputs, outputs
    return made


def written(
    path: Path,
    graphs: list[Any],
    codes: list[Any],
    signatures: Sequence[Any] = (),
    buffers: Sequence[Any] = (),
) -> Path:
    model = schema.ModelT()
    model.version = 3
    model.subgraphs, model.operatorCodes = graphs, codes
    model.signatureDefs = list(signatures)
    model.buffers = [schema.BufferT()]
    for data in buffers:
        model.buffers.append(schema.BufferT())
        model.buffers[-1].data = np.frombuffer(data.tobytes(), np.uint8)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return path


def linear(path: Path, *, batch: int = 1, named: bool = True) -> Path:
    """y[batch, 3] = x[batch, 4] @ WEIGHT.T; a batch of -1 is dynamic."""
    layer = operator(0, [0, 1, -1], [2])
    layer.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    layer.builtinOptions = schema.FullyConnectedOptionsT()
    tensors = [
        tensor("serving_default_x:0", [batch, 4]),
        tensor("w", [3, 4], buffer=1),
        tensor("PartitionedCall:0", [batch, 3]),
    ]
    codes = [operator_code(schema.BuiltinOperator.FULLY_CONNECTED)]
    signatures = [signature("serving_default", {"x": 0}, {"y": 2})] if named else []
    return written(path, [graph(tensors, [layer], [0], [2])], codes, signatures, [WEIGHT])


def negated(path: Path, *, dtype: str = "float32", names: tuple[str, str] = ("a", "b")) -> Path:
    """Two inputs and outputs, in an order that is not that of their names: n = -z, m = -a."""
    tensors = [tensor(name, [2], dtype) for name in (*names, "t2", "t3")]
    negations = [operator(0, [0], [2]), operator(0, [1], [3])]
    codes = [operator_code(schema.BuiltinOperator.NEG)]
    named = [signature("main", {"a": 1, "z": 0}, {"m": 3, "n": 2})] if names == ("a", "b") else []
    return written(path, [graph(tensors, negations, [0, 1], [2, 3])], codes, named)


def quantizing(
    path: Path, scales: Sequence[float] = (0.5,), zero_points: Sequence[int] = (-3,)
) -> Path:
    """An int8 input, and its transpose; both are quantized, along dimension 1 of the output."""
    quantized = (scales, zero_points, 1)
    tensors = [
        tensor("x", [2, 3], "int8", quantized=(scales, zero_points, 0)),
        tensor("axes", [2], "int32", buffer=1),
        tensor("y", [3, 2], "int8", quantized=quantized),
    ]
    transpose = operator(0, [0, 1], [2])
    transpose.builtinOptionsType = schema.BuiltinOptions.TransposeOptions
    transpose.builtinOptions = schema.TransposeOptionsT()
    codes = [operator_code(schema.BuiltinOperator.TRANSPOSE)]
    axes = np.array([1, 0], np.int32)
    return written(path, [graph(tensors, [transpose], [0], [2])], codes, buffers=[axes])


def custom(path: Path) -> Path:
    """A model with an operator that nobody has."""
    tensors = [tensor("x", [1]), tensor("y", [1])]
    codes = [operator_code(schema.BuiltinOperator.CUSTOM, "NobodysOperator")]
    return written(path, [graph(tensors, [operator(0, [0], [1])], [0], [1])], codes)


def _named(name: str, index: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made
