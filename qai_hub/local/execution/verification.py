"""Checks a target model by running it once beside the model that it was made from."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qai_hub.local.execution.messages import TensorSpec, notice, shortened
from qai_hub.local.execution.sessions import RANDOM_INPUTS, Level, Session, Tensor, random_inputs

logger = logging.getLogger(__name__)

# Relative to the largest magnitude in the output; other element types must be equal.
_TOLERANCES = {"float32": 1e-3, "float16": 1e-2}
_NEGLIGIBLE = 1e-6


def verify(
    original: Path, target: Path, inputs: Sequence[TensorSpec]
) -> tuple[list[TensorSpec], list[dict[str, str]]]:
    """Run both models on the same random inputs and compare the outputs.

    Args:
        original: The model before it was optimised.
        target: The target model.
        inputs: The inputs of both.

    Returns:
        The outputs' names, shapes and element types as observed, and a notice for each output
        that differs.

    Raises:
        JobFailure: One of them does not load or run.
    """
    tensors = random_inputs(inputs)
    logger.info("Running the model and the target model once on %s", RANDOM_INPUTS)
    expected = Session(original, level=Level.ORT_DISABLE_ALL).run(tensors, RANDOM_INPUTS)
    session = Session(target)
    actual = session.run(tensors, RANDOM_INPUTS)
    outputs = [
        TensorSpec(name=name, shape=output.shape, dtype=output.dtype.name)
        for name, output in zip(session.output_names, actual, strict=True)
    ]
    return outputs, differences(session.output_names, expected, actual, "target model")


def differences(
    names: Sequence[str], expected: Sequence[Tensor], actual: Sequence[Tensor], what: str
) -> list[dict[str, str]]:
    """Compare what two models give.

    Args:
        names: The outputs.
        expected: What the model gives.
        actual: What the model gives that was made of it.
        what: What that one is, for people.

    Returns:
        A notice for each output that differs.
    """
    notices = []
    for name, before, after in zip(names, expected, actual, strict=True):
        difference = _difference(before, after)
        if difference:
            message = f"The output {shortened(name)} of the {what} {difference}."
            logger.warning(message)
            notices.append(notice("WARNING", "MODEL", message))
    return notices


def _difference(before: Tensor, after: Tensor) -> str:
    """Describe how an output deviates; empty where it does not."""
    if before.shape != after.shape:
        return f"has the shape {after.shape} instead of {before.shape}"
    tolerance = _TOLERANCES.get(after.dtype.name)
    if tolerance is None:
        different = int(np.count_nonzero(before != after))
        return f"differs from the model's in {different} of {after.size} values" * bool(different)
    wide = np.asarray(before, np.float64), np.asarray(after, np.float64)
    finite = np.isfinite(wide[0])
    scale = float(np.max(np.abs(wide[0]), where=finite, initial=0.0))
    if np.allclose(wide[1], wide[0], rtol=0, atol=_NEGLIGIBLE + tolerance * scale, equal_nan=True):
        return ""
    both = finite & np.isfinite(wide[1])
    with np.errstate(invalid="ignore"):
        largest = float(np.max(np.abs(wide[0] - wide[1]), where=both, initial=0.0))
    return f"differs from the model's by up to {largest:.3g}, where values reach {scale:.3g}"
