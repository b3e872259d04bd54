"""Removes operators that only clip what an integer tensor clips by its range."""

from collections import Counter
from typing import Any, NamedTuple

from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.tflite.contents import Operator, TfliteFile
from qai_hub.local.engine.tflite.ranges import Range

_ACTIVATIONS = schema.ActivationFunctionType


class _Clip(NamedTuple):
    """What stands for an operator that clips.

    Attributes:
        range: The range of its result.
        function: The function that the operator before can apply.
        operator: The operator that does the same within that range; None if there is none.
    """

    range: Range
    function: int
    operator: int | None


_CLIPS = {
    "RELU_0_TO_1": _Clip(Range(0.0, 1.0), _ACTIVATIONS.RELU, schema.BuiltinOperator.RELU),
    "RELU6": _Clip(Range(0.0, 6.0), _ACTIVATIONS.RELU6, schema.BuiltinOperator.RELU),
    "RELU_N1_TO_1": _Clip(Range(-1.0, 1.0), _ACTIVATIONS.RELU_N1_TO_1, None),
}
_CLIPPING_OPS = frozenset(
    {"ADD", "SUB", "MUL", "DIV", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
)


def saturate_clips(file: TfliteFile, ranges: dict[str, Range]) -> None:
    """Let the operators before clips do their work, in place.

    The quantizer leaves clips in floats. A quantized tensor holds nothing outside of its range, so
    that the operator before may compute the clip's result at once: an operator clips at 0 by its
    own function, and at the other end by the range.

    Args:
        file: The float model, which is changed.
        ranges: The ranges of its tensors, some of which are narrowed.
    """
    graph = file.graph
    producers = {index: each for each in graph.operators for index in each.outputs}
    uses = Counter(index for each in graph.operators for index in each.inputs)
    uses.update(graph.outputs)
    removed = []
    for operator in graph.operators:
        clip = _CLIPS.get(file.operator_name(operator))
        if clip is None:
            continue
        source, target = operator.inputs[0], operator.outputs[0]
        name = _name(graph, target)
        if name not in ranges:
            continue
        ranges[name] = ranges[name].clip(clip.range)
        producer = producers.get(source)
        if producer is None or uses[source] != 1 or not _can_clip(file, producer):
            if clip.operator is not None:
                operator.opcodeIndex = file.add_code(clip.operator)
            continue
        producer.builtinOptions.fusedActivationFunction = clip.function
        producer.outputs = [target]
        producers[target] = producer
        removed.append(operator)
    graph.operators = [each for each in graph.operators if all(each is not r for r in removed)]


def _can_clip(file: TfliteFile, operator: Operator) -> bool:
    """Return whether an operator can apply a function to its result, and applies none."""
    return (
        file.operator_name(operator) in _CLIPPING_OPS
        and operator.builtinOptions.fusedActivationFunction == _ACTIVATIONS.NONE
    )


def _name(graph: Any, index: int) -> str:  # noqa: ANN401 - the schema has no types
    return str(graph.tensors[index].name.decode())
