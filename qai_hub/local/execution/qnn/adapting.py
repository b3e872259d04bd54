"""What QNN would make of a model, other than it is: changed where it can be, told where not."""

import onnx
from onnx import helper

from qai_hub.local.execution.qnn.naming import name_all
from qai_hub.local.execution.quantizable import is_quantized


def adapt(model: onnx.ModelProto) -> bool:
    """Prepare a model for the provider, without a change in what it computes.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there was anything to change.
    """
    named, turned = name_all(model), _turn_products(model)
    return named or turned


def mistaken(model: onnx.ModelProto) -> list[tuple[str, str]]:
    """Return the names and operators of nodes that QNN may compute wrongly.

    So found by running each operator alone, and comparing with ONNX Runtime on the CPU.

    Args:
        model: The model.
    """
    quantized = is_quantized(model)
    return [
        (node.name, node.op_type)
        for node in model.graph.node
        if _may_be_mistaken(node, quantized=quantized)
    ]


def _may_be_mistaken(node: onnx.NodeProto, *, quantized: bool) -> bool:
    values = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    if node.op_type == "Pad":
        # Floats at the edges of images come from nowhere; integers are right.
        return values.get("mode") == b"edge" and not quantized
    if node.op_type == "AveragePool":
        # What lies beyond the input is counted.
        return values.get("ceil_mode") == 1
    if node.op_type == "Resize" and values.get("mode", b"nearest") == b"nearest":
        # Other ways to round are not looked at; this is how PyTorch exports it.
        way = values.get("coordinate_transformation_mode"), values.get("nearest_mode")
        return way != (b"asymmetric", b"floor")
    return False


def _turn_products(model: onnx.ModelProto) -> bool:
    """Turn x * HardSigmoid(x) into HardSigmoid(x) * x.

    The provider has one operator for the former, and has it compute HardSigmoid(x) alone:
    https://github.com/onnxruntime/onnxruntime-qnn/pull/392.
    """
    sources = {
        node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "HardSigmoid"
    }
    found = [
        node
        for node in model.graph.node
        if node.op_type == "Mul" and sources.get(node.input[1]) == node.input[0]
    ]
    for node in found:
        node.input.append(node.input.pop(0))
    return bool(found)
