"""Fixes the inputs of a model to the shapes that a compile job asks for."""

from collections.abc import Sequence

import onnx

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import TensorSpec
from qai_hub.local.execution.signature import (
    Port,
    inputs_of,
    listed,
    name_problems,
    required_inputs,
)


def pin_inputs(model: onnx.ModelProto, specs: Sequence[TensorSpec]) -> bool:
    """Fix the dimensions of a model's inputs, in place.

    Shapes that the model states for what is computed from them no longer hold and are dropped.

    Args:
        model: The model.
        specs: The shape and element type of each input, in any order; empty to leave the model
            as it is.

    Returns:
        Whether a dimension was dynamic.

    Raises:
        JobFailure: The specs do not fit the model.
    """
    ports = inputs_of(model)
    problems = name_problems(ports, [spec.name for spec in specs])
    if specs and problems:
        raise _invalid(
            f"The names in input_specs are not the model's inputs ({problems}). "
            f"The model takes {listed(ports)}."
        )
    wanted = {spec.name: spec for spec in specs}
    pinned = False
    for value, port in zip(required_inputs(model), ports, strict=True):
        spec = wanted.get(port.name)
        if spec is None:
            continue
        _check_fit(port, spec)
        if port.dynamic_dims:
            pinned = True
            dims = value.type.tensor_type.shape.dim
            del dims[:]
            dims.extend(onnx.TensorShapeProto.Dimension(dim_value=size) for size in spec.shape)
    if pinned:
        del model.graph.value_info[:]
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
    return pinned


def drop_defaults(model: onnx.ModelProto) -> bool:
    """Make constants of the initializers that a model lists among its inputs, in place.

    Old exporters list them all. The optimiser folds initializers away but leaves the inputs,
    which then have no value.

    Args:
        model: The model.

    Returns:
        Whether there were any.
    """
    inputs = required_inputs(model)
    if len(inputs) == len(model.graph.input):
        return False
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    # Before version 4, each initializer had to be an input.
    model.ir_version = max(model.ir_version, 4)
    return True


def _check_fit(port: Port, spec: TensorSpec) -> None:
    if any(size < 1 for size in spec.shape):
        raise _invalid(f"In input_specs, each dimension must be 1 or more; {spec} has others.")
    if spec.dtype != port.dtype:
        raise _invalid(
            f"The model takes {port.dtype} for its input {port}, input_specs say {spec.dtype}. "
            "Inputs are not cast: change the model or input_specs."
        )
    if not port.accepts(spec.shape):
        raise _invalid(f"The model's input {port} does not take the shape of input_specs, {spec}.")


def _invalid(reason: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_INPUTS, reason)
