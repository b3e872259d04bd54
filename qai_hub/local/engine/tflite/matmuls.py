"""Turns products with constant matrices into fully connected layers.

Integer kernels multiply tensors with one scale for a whole matrix, but fully connected layers have
one for each output channel, and delegates know them best.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.tflite.contents import Operator, TfliteFile

# The first version of the operator that keeps the number of dimensions.
_VERSION = 5


def use_fully_connected(file: TfliteFile) -> None:
    """Replace the products of computed tensors with constant matrices, in place.

    Args:
        file: The float model.
    """
    graph = file.graph
    weights: dict[tuple[int, bool], int] = {}
    for operator in graph.operators:
        if file.operator_name(operator) != "BATCH_MATMUL" or operator.builtinOptions.adjX:
            continue
        tensor = graph.tensors[operator.inputs[1]]
        values = _read_matrix(file, tensor)
        if values is None or len(graph.tensors[operator.inputs[0]].shape) < 2:
            continue
        key = operator.inputs[1], bool(operator.builtinOptions.adjY)
        if key not in weights:
            rows = values if key[1] else values.T
            weights[key] = file.add_constant(tensor.name.decode() + "_rows", rows)
        operator.opcodeIndex = file.add_code(schema.BuiltinOperator.FULLY_CONNECTED, _VERSION)
        operator.inputs = [operator.inputs[0], weights[key], -1]
        _set_options(operator)
    file.forget_unused_values()


def _read_matrix(file: TfliteFile, tensor: Any) -> np.ndarray[Any, Any] | None:  # noqa: ANN401
    """Return the values of a constant float matrix; None for other tensors."""
    values = file.read_floats(tensor)
    if values is None or values.ndim < 2 or any(size != 1 for size in values.shape[:-2]):
        return None
    return values.reshape(values.shape[-2:])


def _set_options(operator: Operator) -> None:
    options = schema.FullyConnectedOptionsT()
    options.keepNumDims = True
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = options
