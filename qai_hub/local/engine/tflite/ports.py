"""Keeps the shapes and the layout of inputs and outputs, which the converter changes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.edit import rename_tensors
from qai_hub.local.engine.onnx.signature import get_inputs, get_outputs
from qai_hub.local.engine.protocol import quote_name
from qai_hub.local.engine.tflite.contents import TfliteFile

# Tensors with fewer dimensions have no layout.
_MIN_RANK = 3
_ALL = "all_elements"


def read_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the inputs and outputs of a model, by name.

    Args:
        model: The model.

    Raises:
        JobFailure: There is nothing to compute, or no fixed shape of an output.
    """
    inputs, outputs = get_inputs(model), get_outputs(model)
    if not inputs or not model.graph.node:
        lacks = "computes nothing from its inputs" if inputs else "has no inputs"
        reason = (
            f"The model {lacks}, so that all its outputs are known without TensorFlow Lite: "
            "compile it for ONNX Runtime, or compute them where you need them."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    for port in outputs:
        if port.shape is None or port.dynamic_dims:
            reason = (
                f"The shape of the output {quote_name(port.name)} does not follow from the shapes "
                "of the inputs, as with operators such as NonZero, whose results depend on values. "
                "The outputs of a TensorFlow Lite model have fixed shapes here: leave what "
                "computes this one to your own code, or compile the model for ONNX Runtime."
            )
            raise JobFailure(FailureType.UNSUPPORTED, reason)
    return {port.name: port.to_spec().shape for port in [*inputs, *outputs]}


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


def fix_dimensions(file: TfliteFile, model: onnx.ModelProto) -> None:
    """Declare dimensions as fixed, in place, that the converter declares to be dynamic.

    It does so for the results of some operators, whose shapes are fixed all the same.

    Args:
        file: The converted model, whose outputs have fixed shapes.
        model: The model, with the shapes of its tensors.
    """
    graph = file.graph
    declared = [dim for value in model.graph.value_info for dim in value.type.tensor_type.shape.dim]
    is_static = all(dim.HasField("dim_value") for dim in declared)
    for tensor in graph.tensors if is_static else [graph.tensors[each] for each in graph.outputs]:
        tensor.shapeSignature = None


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
            tensor.shape = shape
            operator.builtinOptions.newShape = shape
            values = np.array(shape, np.int32)
            operator.inputs = [operator.inputs[0], file.add_constant(f"{name}_shape", values)]
