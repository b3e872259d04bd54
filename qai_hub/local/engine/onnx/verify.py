"""Compares the outputs of a target model with those of the model that it was made from."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import CallError, call_isolated
from qai_hub.local.engine.onnx.branches import iter_flags
from qai_hub.local.engine.onnx.session import (
    RANDOM_INPUTS_LABEL,
    WITHOUT_PACKING,
    OptimizationLevel,
    Session,
    Tensor,
    random_inputs,
)
from qai_hub.local.engine.onnx.signature import Port, get_outputs
from qai_hub.local.engine.protocol import TensorSpec, build_notice, quote_name

logger = logging.getLogger(__name__)

# Relative to the largest magnitude in the output; values of other element types must be equal.
_TOLERANCES = {"float32": 1e-3, "float16": 1e-2}
_NEGLIGIBLE = 1e-6


class Verified(NamedTuple):
    """What was found when a model and the target model made from it were compared.

    Attributes:
        outputs: The outputs of the target model.
        notices: Notices for the user about differences.
    """

    outputs: list[TensorSpec]
    notices: list[dict[str, str]]


def verify_target(
    original: Path, target: Path, inputs: Sequence[TensorSpec], folder: Path
) -> Verified:
    """Run both models on the same random inputs and compare the outputs.

    They run in a process of its own, so that a crash of ONNX Runtime is not the job's.

    Args:
        original: The model before it was optimised.
        target: The target model.
        inputs: The inputs of both.
        folder: Folder for generated files, which is created.

    Returns:
        The names, shapes and element types of the outputs as observed, and a notice for each output
        that differs. If the process crashed, they are those that the target model declares, with a
        notice that nothing was compared.

    Raises:
        JobFailure: One of them cannot be loaded or run.
        MemoryError: There is too little memory to run them.
    """
    logger.info("Running the model and the target model once on %s", RANDOM_INPUTS_LABEL)
    arguments = {
        "models": [str(original), str(target)],
        "inputs": [spec.to_json() for spec in inputs],
    }
    try:
        found = call_isolated(f"{__name__}:run_both", arguments, folder)
    except CallError as error:
        if error.cause is FailureType.OUT_OF_MEMORY:
            raise MemoryError(error.reason) from error
        message = f"The target model was not compared with the model: running both {error.reason}."
        logger.warning(message)
        ports = get_outputs(onnx.load(target, load_external_data=False))
        notices = [build_notice("WARNING", "MODEL", message)]
        return Verified(list(map(_to_output_spec, ports)), notices)
    return Verified(list(map(TensorSpec.from_json, found["outputs"])), found["notices"])


def run_both(arguments: Mapping[str, Any], _: Path) -> dict[str, Any]:
    """Run two models and compare their outputs, in a process of its own.

    Args:
        arguments: Paths of the `models` and specs of the `inputs`.

    Returns:
        The observed `outputs` of the second model, and the `notices`.

    Raises:
        JobFailure: One of them cannot be loaded or run.
    """
    original, target = map(Path, arguments["models"])
    tensors = random_inputs(list(map(TensorSpec.from_json, arguments["inputs"])))
    tensors, expected = _run_reference(original, tensors)
    session = Session(target, settings=WITHOUT_PACKING)
    actual = session.run(tensors, RANDOM_INPUTS_LABEL)
    outputs = [
        TensorSpec(name=name, shape=output.shape, dtype=output.dtype.name).to_json()
        for name, output in zip(session.output_names, actual, strict=True)
    ]
    notices = compare_outputs(session.output_names, expected, actual, "target model")
    return {"outputs": outputs, "notices": notices}


def _run_reference(
    path: Path, tensors: dict[str, Tensor]
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """Run a model on random inputs, or on other flags if it does not accept random ones.

    Returns:
        The inputs that it accepts, and its outputs.
    """
    reference = Session(path, level=OptimizationLevel.ORT_DISABLE_ALL, settings=WITHOUT_PACKING)
    try:
        return tensors, reference.run(tensors, RANDOM_INPUTS_LABEL)
    except JobFailure:
        for flags in iter_flags(onnx.load(path, load_external_data=False)):
            cast = {name: np.full_like(tensors[name], flags[name].item()) for name in flags}
            with suppress(JobFailure):
                return tensors | cast, reference.run(tensors | cast, RANDOM_INPUTS_LABEL)
        raise


def _to_output_spec(port: Port) -> TensorSpec:
    """Return the spec of an output that was not observed; unknown dimensions are -1."""
    dims = (-1 if isinstance(dim, str) else dim for dim in port.shape or ())
    return TensorSpec(name=port.name, shape=tuple(dims), dtype=port.dtype)


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
