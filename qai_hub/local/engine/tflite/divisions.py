"""Divisions, which integer kernels refuse as soon as a divisor is rounded to 0."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.tflite.contents import TfliteFile


def multiply_by_reciprocals(file: TfliteFile) -> set[str]:
    """Turn divisions by constants into products, in place.

    Args:
        file: The float model.

    Returns:
        The names of what other divisions compute.
    """
    graph = file.graph
    computed = set()
    for operator in graph.operators:
        if file.operator_name(operator) != "DIV":
            continue
        divisor = graph.tensors[operator.inputs[1]]
        values = file.read_floats(divisor)
        if values is None or not np.all(values):
            computed.add(str(graph.tensors[operator.outputs[0]].name.decode()))
            continue
        name = f"{divisor.name.decode()}_reciprocal"
        factor = file.add_constant(name, np.asarray(1 / values, np.float32))
        function = operator.builtinOptions.fusedActivationFunction
        operator.opcodeIndex = file.add_code(schema.BuiltinOperator.MUL)
        operator.inputs = [operator.inputs[0], factor]
        operator.builtinOptionsType = schema.BuiltinOptions.MulOptions
        operator.builtinOptions = schema.MulOptionsT()
        operator.builtinOptions.fusedActivationFunction = function
    file.forget_unused_values()
    return computed
