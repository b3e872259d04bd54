"""Changes of a model that change nothing in what it computes, but in what QNN makes of it."""

import onnx

from qai_hub.local.execution.qnn.naming import name_all


def adapt(model: onnx.ModelProto) -> bool:
    """Prepare a model for the provider.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there was anything to change.
    """
    named, turned = name_all(model), _turn_products(model)
    return named or turned


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
