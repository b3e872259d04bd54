"""Prepares unrolled recurrent layers for integers: their first state, and the ranges of steps."""

import re
from collections.abc import Mapping

from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.ranges import Range

# The number of a step in the names that the converter gives to what it computes in each.
_STEP = re.compile(r"_(?:step)?\d+(?=_|$)")

_KEEPS_STATE = ("_LSTM", "_RNN")


def share_ranges_of_steps(file: TfliteFile, measured: Mapping[str, Range]) -> dict[str, Range]:
    """Return the ranges of tensors, of which those that steps compute alike have the widest.

    What a step computes has been seen on as many values as there are samples, that of all steps on
    many times more, and any of them may come at any step of another input.

    Args:
        file: The float model.
        measured: The ranges of tensors that the converter has added, by name.
    """
    shared: dict[tuple[str, str, tuple[int, ...]], Range] = {}
    keys = {}
    for operator in file.graph.operators:
        for index in operator.outputs:
            tensor = file.graph.tensors[index]
            name = str(tensor.name.decode())
            if name not in measured:
                continue
            shape = tuple(map(int, tensor.shape))
            key = keys[name] = (file.operator_name(operator), _STEP.sub("", name), shape)
            shared[key] = shared[key].widen(measured[name]) if key in shared else measured[name]
    return {**measured, **{name: shared[key] for name, key in keys.items()}}


def fold_first_states(file: TfliteFile) -> None:
    """Make constants of the first states of unrolled layers and of their products, in place.

    The converter leaves them to the runtime, which fills them with zeros, and the quantizer finds
    no range for them. States that an operator of the runtime keeps stay as they are.

    Args:
        file: The float model, whose matrix products are fully connected layers.
    """
    graph = file.graph
    given = {index for each in graph.operators for index in each.outputs} | set(graph.inputs)
    kept = {
        index
        for each in graph.operators
        if file.operator_name(each).endswith(_KEEPS_STATE)
        for index in each.inputs
    }
    zeros = set()
    for index in {i for each in graph.operators for i in each.inputs if i >= 0} - given - kept:
        if file.is_empty(graph.tensors[index]):
            file.fill_with_zeros(graph.tensors[index])
            zeros.add(index)
    operators = []
    for operator in graph.operators:
        is_product = file.operator_name(operator) == "FULLY_CONNECTED" and operator.inputs[2] < 0
        if is_product and operator.inputs[0] in zeros:
            file.fill_with_zeros(graph.tensors[operator.outputs[0]])
        else:
            operators.append(operator)
    graph.operators = operators
