"""Replaces operators that the quantizer of TensorFlow Lite models leaves in floats."""

from collections.abc import Callable

import numpy as np

from qai_hub.local.engine.tflite.contents import Operator, TfliteFile


def decompose_for_integers(file: TfliteFile) -> None:
    """Replace operators by others that compute the same and have integer kernels, in place.

    The converter would lose the layout of images if it were given these.

    Args:
        file: The float model.
    """

    def replace(operator: Operator) -> list[Operator] | None:
        rule = _RULES.get(file.operator_name(operator))
        return rule(file, operator) if rule and file.is_float(operator.outputs[0]) else None

    file.replace_operators(replace)


def _negate(file: TfliteFile, operator: Operator) -> list[Operator] | None:
    """`-x` is `-1 x`."""
    factor = _add_factor(file, operator, -1)
    return [file.build_operator("MUL", [operator.inputs[0], factor], operator.outputs[0])]


def _leak(file: TfliteFile, operator: Operator) -> list[Operator] | None:
    """`LeakyRelu(x)` is `max(x, a x)` for a slope of at most 1."""
    slope = operator.builtinOptions.alpha
    if slope > 1:
        return None
    factor = _add_factor(file, operator, slope)
    return _take_larger(file, operator, factor)


def _leak_by_channel(file: TfliteFile, operator: Operator) -> list[Operator] | None:
    """`PRelu(x)` is `max(x, a x)` for constant slopes of at most 1."""
    slopes = file.read_floats(file.graph.tensors[operator.inputs[1]])
    if slopes is None or bool(np.any(slopes > 1)):
        return None
    return _take_larger(file, operator, operator.inputs[1])


def _take_larger(file: TfliteFile, operator: Operator, factor: int) -> list[Operator]:
    source, output = operator.inputs[0], operator.outputs[0]
    scaled = file.add_like(f"{file.graph.tensors[output].name.decode()}_scaled", output)
    product = file.build_operator("MUL", [source, factor], scaled)
    return [product, file.build_operator("MAXIMUM", [source, scaled], output)]


def _add_factor(file: TfliteFile, operator: Operator, value: float) -> int:
    name = file.graph.tensors[operator.outputs[0]].name.decode()
    return file.add_constant(f"{name}_factor", np.array([value], np.float32))


_RULES: dict[str, Callable[[TfliteFile, Operator], list[Operator] | None]] = {
    "LEAKY_RELU": _leak,
    "NEG": _negate,
    "PRELU": _leak_by_channel,
}
