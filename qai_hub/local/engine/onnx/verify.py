"""Compares the outputs of a target model with those of the model that it was made from."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qai_hub.local.engine.onnx.session import (
    RANDOM_INPUTS_LABEL,
    OptimizationLevel,
    Session,
    Tensor,
    random_inputs,
)
from qai_hub.local.engine.protocol import TensorSpec, build_notice, quote_name

logger = logging.getLogger(__name__)

# Relative to the largest magnitude in the output; values of other element types must be equal.
_TOLERANCES = {"float32": 1e-3, "float16": 1e-2}
_NEGLIGIBLE = 1e-6


def verify_target(
    original: Path, target: Path, inputs: Sequence[TensorSpec]
) -> tuple[list[TensorSpec], list[dict[str, str]]]:
    """Run both models on the same random inputs and compare the outputs.

    Args:
        original: The model before it was optimised.
        target: The target model.
        inputs: The inputs of both.

    Returns:
        The names, shapes and element types of the outputs as observed, and a notice for each output
        that differs.

    Raises:
        JobFailure: One of them cannot be loaded or run.
    """
    tensors = random_inputs(inputs)
    logger.info("Running the model and the target model once on %s", RANDOM_INPUTS_LABEL)
    expected = Session(original, level=OptimizationLevel.ORT_DISABLE_ALL).run(
        tensors, RANDOM_INPUTS_LABEL
    )
    session = Session(target)
    actual = session.run(tensors, RANDOM_INPUTS_LABEL)
    outputs = [
        TensorSpec(name=name, shape=output.shape, dtype=output.dtype.name)
        for name, output in zip(session.output_names, actual, strict=True)
    ]
    return outputs, compare_outputs(session.output_names, expected, actual, "target model")


def compare_outputs(
    names: Sequence[str], expected: Sequence[Tensor], actual: Sequence[Tensor], model_name: str
) -> list[dict[str, str]]:
    """Compare the outputs of two models.

    Args:
        names: Names of the outputs.
        expected: The outputs of the original model.
        actual: The outputs of the model that was made from it.
        model_name: How messages refer to that model.

    Returns:
        A notice for each output that differs.
    """
    notices = []
    for name, before, after in zip(names, expected, actual, strict=True):
        difference = _describe_difference(before, after)
        if difference:
            message = f"The output {quote_name(name)} of the {model_name} {difference}."
            logger.warning(message)
            notices.append(build_notice("WARNING", "MODEL", message))
    return notices


def _describe_difference(before: Tensor, after: Tensor) -> str:
    """Describe how an output deviates; empty if it does not."""
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
