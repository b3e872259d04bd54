"""The ranges of the tensors of a .tflite file, as its model states or data shows them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.onnx.session import Tensor


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a tensor has.

    Attributes:
        minimum: The smallest.
        maximum: The largest.
    """

    minimum: float
    maximum: float

    def widen(self, other: "Range") -> "Range":
        """Return the range that covers this one and another."""
        return Range(min(self.minimum, other.minimum), max(self.maximum, other.maximum))

    def clip(self, other: "Range") -> "Range":
        """Return the part of it within another."""
        ends = (min(max(end, other.minimum), other.maximum) for end in (self.minimum, self.maximum))
        return Range(*ends)


def measure_ranges(
    path: Path, names: Collection[str], samples: Iterable[Mapping[str, Tensor]]
) -> dict[str, Range]:
    """Run a float model on samples, and return the ranges of tensors.

    Args:
        path: The .tflite file.
        names: The tensors.
        samples: A tensor for each input, by the names of the tensors.

    Raises:
        JobFailure: LiteRT does not run the model.
    """
    try:
        return _measure(path, names, samples)
    except RuntimeError as error:
        if resource_failure_from_error(error):
            raise
        words = " ".join(str(error).split())[:1000]
        reason = f"LiteRT does not run the converted model: {words.rstrip('.')}."
        raise JobFailure(FailureType.UNSUPPORTED, reason) from error


def _measure(
    path: Path, names: Collection[str], samples: Iterable[Mapping[str, Tensor]]
) -> dict[str, Range]:
    interpreter = Interpreter(
        model_path=str(path),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    inputs = {detail["name"]: detail["index"] for detail in interpreter.get_input_details()}
    measured = [each for each in interpreter.get_tensor_details() if each["name"] in names]
    ranges: dict[str, Range] = {}
    for sample in samples:
        for name, tensor in sample.items():
            interpreter.set_tensor(inputs[name], tensor)
        interpreter.reset_all_variables()
        interpreter.invoke()
        for detail in measured:
            found = _find_range(interpreter.get_tensor(detail["index"]))
            if found is not None:
                name = detail["name"]
                ranges[name] = ranges[name].widen(found) if name in ranges else found
    return ranges


def _find_range(values: Tensor) -> Range | None:
    """Return the range of the finite values of a tensor; None if it has none."""
    finite = values[np.isfinite(values)]
    return Range(float(finite.min()), float(finite.max())) if finite.size else None
