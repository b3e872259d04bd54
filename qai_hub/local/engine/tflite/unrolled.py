"""Gives the steps of unrolled recurrent layers the same ranges."""

import re
from collections.abc import Mapping

from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.ranges import Range

# The number of a step in the names that the converter gives to what it computes in each.
_STEP = re.compile(r"_(?:step)?\d+(?=_|$)")


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
