"""Tells which models cannot be quantized, and which should not have been."""

import numpy as np
import onnx

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import shortened
from qai_hub.local.execution.model_files import tensors_of
from qai_hub.local.execution.preparation import nodes_of

_INTEGER_OPS = {
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "ConvInteger",
    "MatMulInteger",
}
_HALVES = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


def is_quantized(model: onnx.ModelProto) -> bool:
    """Tell whether a model computes with quantized tensors anywhere."""
    return any(
        node.op_type in _INTEGER_OPS or node.op_type.startswith("QLinear")
        for node in nodes_of(model)
    )


def check_quantizable(model: onnx.ModelProto) -> None:
    """Check that a model is one of 32-bit floats that is not quantized yet.

    Args:
        model: The model, with or without its external tensors.

    Raises:
        JobFailure: It is not.
    """
    if is_quantized(model):
        reason = (
            "The model is quantized already: submit the model of floats that it was made from, or "
            "compile this one."
        )
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    ports = [*model.graph.input, *model.graph.output]
    typed = [(port.name, port.type.tensor_type.elem_type) for port in ports]
    typed += [(tensor.name, tensor.data_type) for tensor in tensors_of(model)]
    for name, elem_type in typed:
        if elem_type in _HALVES:
            dtype = onnx.TensorProto.DataType.Name(elem_type).lower()
            reason = (
                f"The tensor {shortened(name)} of the model is {dtype}: only models of float32 are "
                "quantized. Export the model in float32."
            )
            raise JobFailure(FailureType.UNSUPPORTED, reason)


def check_ranges(model: onnx.ModelProto) -> None:
    """Check that all ranges that a quantized model was made with are finite.

    Args:
        model: The quantized model.

    Raises:
        JobFailure: One is not.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        if not np.isfinite(onnx.numpy_helper.to_array(constants[node.input[1]])).all():
            name = node.input[0].removesuffix("_QuantizeLinear_Input")
            reason = (
                f"The tensor {shortened(name)} of the model is NaN or infinite on the calibration "
                "data: it has no range that could be quantized."
            )
            raise JobFailure(FailureType.RUNTIME_UNKNOWN, reason)


def flatten_biases(model: onnx.ModelProto) -> None:
    """Drop the leading dimension of 1 that a bias of a Gemm may have, in place.

    It means the same without. The quantizer takes a row for a channel, and raises.

    Args:
        model: The model, with or without its external tensors.
    """
    users: dict[str, set[str]] = {}
    for node in nodes_of(model):
        for index, name in enumerate(node.input):
            users.setdefault(name, set()).add(f"{node.op_type} {index}")
    for tensor in model.graph.initializer:
        if users.get(tensor.name) == {"Gemm 2"} and len(tensor.dims) == 2 and tensor.dims[0] == 1:
            del tensor.dims[0]
