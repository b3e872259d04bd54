"""Maxima and minima of a tensor and a constant, at which the quantizer fails."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.tflite.contents import Operator, TfliteFile
from qai_hub.local.engine.tflite.ranges import Range

_OPERATORS = frozenset({"MAXIMUM", "MINIMUM"})


def shift_maxima(file: TfliteFile, ranges: dict[str, Range]) -> None:
    """Let `max(x, c)` be `relu(x - c) + c`, and `min(x, c)` be `c - relu(c - x)`, in place.

    Args:
        file: The float model, which is changed.
        ranges: The ranges of its tensors, to which those of the differences are added.
    """
    file.replace_operators(lambda operator: _shift(file, operator, ranges))


def _shift(file: TfliteFile, operator: Operator, ranges: dict[str, Range]) -> list[Operator] | None:
    """Return what computes a maximum or minimum; None for other operators."""
    name = file.operator_name(operator)
    if name not in _OPERATORS:
        return None
    tensors = file.graph.tensors
    found = {index: file.read_floats(tensors[index]) for index in operator.inputs}
    constants = {index: value for index, value in found.items() if value is not None}
    if len(constants) != 1:
        return None
    ((constant, values),) = constants.items()
    source = next(index for index in operator.inputs if index != constant)
    output = operator.outputs[0]
    title = tensors[output].name.decode()
    taken = ranges.get(tensors[source].name.decode())
    if taken is None:
        return None
    # Beyond the range of the tensor, where the largest float may be, all constants do the same.
    limit = np.clip(values, taken.minimum, taken.maximum).astype(np.float32)
    is_maximum = name == "MAXIMUM"
    largest = float(taken.maximum - limit.min() if is_maximum else limit.max() - taken.minimum)
    if largest <= 0:
        return None
    # The quantizer writes a constant for each operator that takes it, in one place.
    bound, shift = (file.add_constant(f"{title}_{part}", limit) for part in ("limit", "shift"))
    difference = file.add_like(f"{title}_difference", output)
    ranges[f"{title}_difference"] = Range(0.0, largest)
    pair = [source, bound] if is_maximum else [bound, source]
    clipped = file.build_operator("SUB", pair, difference)
    clipped.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.RELU
    back = ("ADD", [difference, shift]) if is_maximum else ("SUB", [shift, difference])
    return [clipped, file.build_operator(*back, output)]
