"""Keeps the values that maximum pools are padded with within the range of what is pooled."""

from typing import Any

import numpy as np

from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.ranges import Range


def limit_pads(file: TfliteFile, ranges: dict[str, Range]) -> None:
    """Pad what maximum pools take with the smallest value of its range, in place.

    The converter pads with the smallest float, so that one scale for that and for all other values
    would leave nothing of these.

    Args:
        file: The float model, which is changed.
        ranges: The ranges of its tensors, of which those of padded ones are narrowed.
    """
    graph = file.graph
    pooled = {
        each.inputs[0] for each in graph.operators if file.operator_name(each) == "MAX_POOL_2D"
    }
    others = {
        index
        for each in graph.operators
        if file.operator_name(each) != "MAX_POOL_2D"
        for index in each.inputs
    }
    only_pooled = pooled - others - set(graph.outputs)
    for operator in graph.operators:
        if file.operator_name(operator) != "PADV2" or operator.outputs[0] not in only_pooled:
            continue
        source, amounts, value = operator.inputs
        found = ranges.get(_name(graph, source))
        number = file.read_floats(graph.tensors[value])
        if found is None or number is None or number > found.minimum:
            continue
        name = f"{_name(graph, value)}_within_range"
        least = file.add_constant(name, np.array([found.minimum], np.float32))
        operator.inputs = [source, amounts, least]
        ranges[_name(graph, operator.outputs[0])] = found
    file.forget_unused_values()


def _name(graph: Any, index: int) -> str:  # noqa: ANN401 - the schema has no types
    return str(graph.tensors[index].name.decode())
