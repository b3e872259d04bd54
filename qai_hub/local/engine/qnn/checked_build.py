"""Makes a target model for QNN, with as few comparisons as it takes to know whether it is right."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import onnx

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.onnx.signature import get_outputs
from qai_hub.local.engine.onnx.verify import Verified
from qai_hub.local.engine.protocol import TensorSpec
from qai_hub.local.engine.qnn.target_check import TargetCheck
from qai_hub.local.engine.qnn.targets import QnnTarget, TargetModel


class CheckedTarget(NamedTuple):
    """A target model for QNN that was checked.

    Attributes:
        made: The target model.
        check: Its check.
        outputs: Its outputs.
        notices: Notices for the user about all of it.
    """

    made: TargetModel
    check: TargetCheck
    outputs: list[TensorSpec]
    notices: list[dict[str, str]]


def build_checked(
    qnn: QnnTarget,
    optimised: Path,
    inputs: Sequence[TensorSpec],
    folder: Path,
    verify: Callable[[Path], Verified],
    check: Callable[[TargetModel], TargetCheck],
    *,
    will_check: bool,
) -> CheckedTarget:
    """Make a target model, and check it.

    The check runs the source model and what came out, on better inputs than the verification, which
    compares a step on the way. So a model that will be checked is verified only if that fails, or
    if it must run to tell the shapes of its outputs.

    Args:
        qnn: The target.
        optimised: The .onnx file of the optimised model, in a separate folder with its weights.
        inputs: Its inputs.
        folder: The attempt's folder, which receives the files.
        verify: Compares the optimised model in a file beside its weights with the source model.
        check: Compares the target model with the source model.
        will_check: Whether `check` compares anything; otherwise it tells why not.

    Returns:
        The target model.

    Raises:
        JobFailure: The model does not run, or QNN cannot compile it.
    """
    outputs = find_fixed_outputs(optimised) if will_check else []
    verified = None if outputs else verify(optimised)
    # It changes while it is compiled.
    content = optimised.read_bytes()

    def verify_after_all() -> Verified:
        if verified is not None:
            return verified
        path = optimised.with_name("optimised.onnx")
        path.write_bytes(content)
        return verify(path)

    try:
        made = qnn.build(optimised, inputs, verified.outputs if verified else outputs, folder)
    except JobFailure:
        # If it does not run at all, that is the reason to tell.
        verify_after_all()
        raise
    result = check(made)
    notices = [*made.notices, result.to_notice()]
    if result.status == "NOT_CHECKED":
        verified = verify_after_all()
        notices = [*verified.notices, *notices]
    return CheckedTarget(made, result, verified.outputs if verified else outputs, notices)


def find_fixed_outputs(path: Path) -> list[TensorSpec]:
    """Return the outputs of a model, if it tells all their shapes without running.

    Args:
        path: The .onnx file, with the shapes that ONNX Runtime inferred.

    Returns:
        The outputs; empty if a shape is not known.
    """
    specs = []
    for port in get_outputs(onnx.load(path, load_external_data=False)):
        if port.shape is None or port.dynamic_dims:
            return []
        specs.append(
            TensorSpec(name=port.name, shape=tuple(map(int, port.shape)), dtype=port.dtype)
        )
    return specs
