"""Lets sums of 16-bit integers have any scales."""

from qai_hub.local.engine.tflite.contents import TfliteFile

_SUMS = frozenset({"ADD", "SUB"})


def allow_all_scales(file: TfliteFile) -> None:
    """Have sums not treat scales that are powers of 2 in a way of their own, in place.

    If all of a sum are, as that of a sigmoid is, kernels take other ones for inputs only if they
    are not larger than that of the result.

    Args:
        file: The float model.
    """
    for operator in file.graph.operators:
        if file.operator_name(operator) in _SUMS:
            operator.builtinOptions.potScaleInt16 = False
