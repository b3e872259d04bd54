"""Converts models from operator sets that QNN's provider misreads."""

import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.onnx.edit import convert_opset
from qai_hub.local.engine.qnn.activations import BOUNDED_OPS

# The first operator set whose Clip has its limits as inputs, and whose Resize has a choice of how
# coordinates are transformed.
_MIN_OPSET = 11


def convert_for_provider(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert a model whose operators the provider takes for those of a later operator set.

    It ignores the limits of a Clip that are attributes, and transforms the coordinates of a Resize
    in the later way.

    Args:
        model: The model.

    Returns:
        The model itself if there is nothing to convert, otherwise a converted one.

    Raises:
        JobFailure: It cannot be converted.
    """
    affected = BOUNDED_OPS | {"Clip", "Resize"}
    if all(node.op_type not in affected for node in model.graph.node):
        return model
    converted = convert_opset(model, _MIN_OPSET, "QNN")
    if converted is not model:
        _keep_coordinates(converted)
    return converted


def _keep_coordinates(model: onnx.ModelProto) -> None:
    """Say in each Resize what older ones do, which ONNX's converter leaves out."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Resize":
            continue
        scales = constants.get(node.input[2])
        shrinks = scales is not None and bool((numpy_helper.to_array(scales) < 1).any())
        kept = [each for each in node.attribute if each.name == "mode"]
        del node.attribute[:]
        node.attribute.extend(
            [
                *kept,
                helper.make_attribute("coordinate_transformation_mode", "asymmetric"),
                helper.make_attribute("nearest_mode", "ceil" if shrinks else "floor"),
            ]
        )
