"""Turns operators that only add and remove dimensions into those that the quantizer knows."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.tflite.contents import TfliteFile

_OPERATORS = frozenset({"SQUEEZE", "EXPAND_DIMS"})


def use_reshapes(file: TfliteFile) -> None:
    """Replace SQUEEZE and EXPAND_DIMS by RESHAPE, in place: all shapes are fixed.

    Args:
        file: The model.
    """
    graph = file.graph
    for operator in graph.operators:
        if file.operator_name(operator) not in _OPERATORS:
            continue
        tensor = graph.tensors[operator.outputs[0]]
        shape = [int(size) for size in tensor.shape]
        name = f"{tensor.name.decode()}_shape"
        operator.opcodeIndex = file.add_code(schema.BuiltinOperator.RESHAPE)
        operator.inputs = [
            operator.inputs[0],
            file.add_constant(name, np.array(shape, np.int32)),
        ]
        operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = schema.ReshapeOptionsT()
        operator.builtinOptions.newShape = shape
    file.forget_unused_values()
