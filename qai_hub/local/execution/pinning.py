"""Fits the specs of a compile job to the inputs of its model, and fixes their shapes."""

from collections.abc import Sequence

import numpy as np
import onnx

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import TensorSpec
from qai_hub.local.execution.signature import (
    Port,
    check_name,
    inputs_of,
    listed,
    name_problems,
    required_inputs,
)


def fit_specs(model: onnx.ModelProto, specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Find the input that each spec is of.

    Specs with the names of a model's inputs are for those, in any order. Others give its inputs
    new names, in its order.

    Args:
        model: The model.
        specs: The name, shape and element type that each input is to have, or none.

    Returns:
        The specs in the order of the model's inputs; empty where there are none.

    Raises:
        JobFailure: The specs do not fit the model.
    """
    if not specs:
        return []
    ports = inputs_of(model)
    problems = name_problems(ports, [spec.name for spec in specs])
    if problems and not _can_rename(ports, specs):
        raise _invalid(
            f"The names in input_specs are not the model's inputs ({problems}). "
            f"The model takes {listed(ports)}. New names need a spec for each input, in this order."
        )
    order = {port.name: index for index, port in enumerate(ports)}
    fitted = list(specs) if problems else sorted(specs, key=lambda spec: order[spec.name])
    for port, spec in zip(ports, fitted, strict=True):
        _check_fit(port, spec)
    return fitted


def pin_inputs(model: onnx.ModelProto, specs: Sequence[TensorSpec]) -> bool:
    """Fix the dimensions of a model's inputs, in place.

    Shapes that the model states for what is computed from them no longer hold and are dropped.

    Args:
        model: The model.
        specs: What `fit_specs` gave.

    Returns:
        Whether a dimension was dynamic.
    """
    if not specs:
        return False
    pinned = False
    for value, port, spec in zip(required_inputs(model), inputs_of(model), specs, strict=True):
        if port.dynamic_dims:
            pinned = True
            dims = [onnx.TensorShapeProto.Dimension(dim_value=size) for size in spec.shape]
            value.type.tensor_type.shape.CopyFrom(onnx.TensorShapeProto(dim=dims))
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


def _can_rename(ports: Sequence[Port], specs: Sequence[TensorSpec]) -> bool:
    """Tell whether specs can be meant to name all inputs anew, one after the other."""
    names = [spec.name for spec in specs]
    places = {port.name: index for index, port in enumerate(ports)}
    in_place = all(places.get(name, index) == index for index, name in enumerate(names))
    return in_place and len(ports) == len(names) == len(set(names))


def _check_fit(port: Port, spec: TensorSpec) -> None:
    check_name(spec.name, "input", FailureType.INVALID_INPUTS)
    if any(size < 1 for size in spec.shape):
        raise _invalid(f"In input_specs, each dimension must be 1 or more; {spec} has others.")
    if not np.can_cast(spec.dtype, port.dtype, "safe"):
        raise _invalid(
            f"The model takes {port.dtype} for its input {port}, input_specs say {spec.dtype}, "
            "and not every value of that fits: change the model or input_specs."
        )
    if not port.accepts(spec.shape):
        raise _invalid(f"The model's input {port} does not take the shape of input_specs, {spec}.")


def _invalid(reason: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_INPUTS, reason)
