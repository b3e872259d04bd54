"""Finds the operators that LiteRT refuses to compute with the integers that they are given."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.tflite.contents import TfliteFile

_SIGN = re.compile(r"Node number (\d+) \(\w+\) failed to (?:prepare|invoke)")


def find_refused(path: Path, samples: Sequence[Mapping[str, Tensor]]) -> str | None:
    """Return the name of what the first operator computes that LiteRT refuses; None if it runs.

    Args:
        path: The .tflite file, whose inputs are floats or integers.
        samples: A tensor for each input, by the names of the tensors.
    """
    interpreter = Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    try:
        interpreter.allocate_tensors()
        for sample in samples:
            for detail in interpreter.get_input_details():
                interpreter.set_tensor(detail["index"], sample[detail["name"]])
            interpreter.invoke()
    except RuntimeError as error:
        found = _SIGN.search(str(error))
        if found is None:
            raise
        graph = TfliteFile.read(path).graph
        operator = graph.operators[int(found[1])]
        return str(graph.tensors[operator.outputs[0]].name.decode())
    return None
