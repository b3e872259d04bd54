"""Gelus of which the converter forgets that they are approximate."""

from collections.abc import Collection

import onnx
from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.onnx.graph_index import attributes_of
from qai_hub.local.engine.tflite.contents import TfliteFile


def list_approximate(model: onnx.ModelProto) -> list[str]:
    """Return the names of what Gelus compute by a hyperbolic tangent.

    Args:
        model: The model.
    """
    gelus = [node for node in model.graph.node if node.op_type == "Gelu"]
    return [each.output[0] for each in gelus if attributes_of(each).get("approximate") == b"tanh"]


def approximate(file: TfliteFile, names: Collection[str]) -> None:
    """Have Gelus use a hyperbolic tangent, in place.

    Args:
        file: The float model.
        names: The names of what they compute in it.
    """
    for operator in file.graph.operators:
        name = file.graph.tensors[operator.outputs[0]].name.decode()
        if file.operator_name(operator) == "GELU" and name in names:
            operator.builtinOptionsType = schema.BuiltinOptions.GeluOptions
            operator.builtinOptions = schema.GeluOptionsT()
            operator.builtinOptions.approximate = True
