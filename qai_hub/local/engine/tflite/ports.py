"""Keeps the layout of outputs, which the converter changes as it computes with channels last."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.onnx.edit import rename_tensors
from qai_hub.local.engine.tflite.contents import TfliteFile

# Tensors with fewer dimensions have no layout.
_MIN_RANK = 3
_ALL = "all_elements"


def flatten_outputs(model: onnx.ModelProto) -> dict[str, str]:
    """Flatten outputs, in place, so that the order of their elements is certain.

    Args:
        model: The model, whose outputs have fixed shapes.

    Returns:
        The names of the tensors with all dimensions, by those of the outputs.
    """
    graph = model.graph
    inner = {}
    for value in graph.output:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if len(shape) < _MIN_RANK:
            continue
        name = value.name
        inner[name] = f"{name}_shaped"
        rename_tensors(graph, {name: inner[name]})
        declared = onnx.ValueInfoProto.FromString(value.SerializeToString())
        graph.value_info.append(declared)
        value.name = name
        del value.type.tensor_type.shape.dim[:]
        value.type.tensor_type.shape.dim.add().dim_value = math.prod(shape)
        graph.node.append(helper.make_node("Reshape", [inner[name], _ALL], [name], name=name))
    if inner:
        graph.initializer.append(numpy_helper.from_array(np.array([-1]), _ALL))
    return inner


def restore_shapes(file: TfliteFile, shapes: Mapping[str, Sequence[int]]) -> None:
    """Give inputs and outputs their shapes again, in place: scalars, and what was flattened.

    Args:
        file: The converted model.
        shapes: The shapes, by name.
    """
    graph = file.graph
    for index in graph.inputs:
        tensor = graph.tensors[index]
        if not shapes[tensor.name.decode()]:
            tensor.shape, tensor.shapeSignature = [], None
    for operator in graph.operators:
        for index in set(operator.outputs) & set(graph.outputs):
            tensor = graph.tensors[index]
            name = tensor.name.decode()
            shape = list(shapes[name])
            if len(shape) < _MIN_RANK:
                continue
            if file.operator_name(operator) != "RESHAPE":
                raise ValueError(f"The output {name} is not flattened by a RESHAPE.")
            tensor.shape, tensor.shapeSignature = shape, None
            operator.builtinOptions.newShape = shape
            values = np.array(shape, np.int32)
            operator.inputs = [operator.inputs[0], file.add_constant(f"{name}_shape", values)]
