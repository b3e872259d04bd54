"""Chooses the tensors of a quantize job to keep at 16 bits, and tells what that gains."""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import CallError, call_isolated
from qai_hub.local.engine.option_table import INT16_ACTIVATIONS, LITE_MP
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.engine.quantize.bit_trials import MIN_GAIN, SUFFICIENT_PSNR, Candidate
from qai_hub.local.engine.quantize.budget import TimeBudget
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.layers import Layer
from qai_hub.local.engine.quantize.raised_layers import RaisedKind

_TRY_BITS = "qai_hub.local.engine.quantize.bit_trials:try_bits"
_MAX_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Tensors to keep at 16 bits, as tried.

    Attributes:
        candidates: The tensors, the one that costs most accuracy first.
        before: PSNR in decibels of the least accurate output with 8 bits.
        after: The same of the model that was quantized with the proposal.
    """

    candidates: Sequence[Candidate]
    before: float
    after: float

    @property
    def options(self) -> str:
        """Options of a quantize job that applies it."""
        names = ",".join(each.layer.tensor for each in self.candidates)
        return f"{INT16_ACTIVATIONS} {shlex.quote(names)}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `MixedPrecisionProposal`."""
        return {
            "layers": [each.to_json() for each in self.candidates],
            "psnr_before": self.before,
            "psnr_after": self.after,
            "options": self.options,
        }

    def build_notice(self) -> dict[str, str]:
        """Return a notice for the user."""
        names = [quote_name(each.layer.tensor) for each in self.candidates]
        listing = ", ".join(names[:_MAX_NAMES_SHOWN])
        more = len(names) - _MAX_NAMES_SHOWN
        listing += f" and {more} more" if more > 0 else ""
        message = (
            f"Keeping {listing} at 16 bits raises the PSNR of the least accurate output from "
            f"{self.before:.1f} to {self.after:.1f} dB, as tried: "
            "QuantizeJob.get_layer_accuracy().mixed_precision has the options."
        )
        return build_notice("INFO", "MODEL", message)


def check_mixed_options(values: Mapping[str, Any], activations_dtype: str) -> None:
    """Check, before any work is done, that the options for 16 bits suit each other and the types.

    Args:
        values: The values of the job's options, by flag.
        activations_dtype: Type of the activations.

    Raises:
        JobFailure: They do not.
    """
    given = [flag for flag in (LITE_MP, INT16_ACTIVATIONS) if flag in values]
    if len(given) > 1:
        reason = f"{LITE_MP} and {INT16_ACTIVATIONS} exclude each other: give one of them."
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    if INT16_ACTIVATIONS in given and activations_dtype != "INT8":
        reason = (
            f"{INT16_ACTIVATIONS} is for activations of INT8, and this job's are "
            f"{activations_dtype} throughout: omit it."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)


def get_worst(psnr: Mapping[str, float]) -> float:
    """Return the PSNR of the least accurate output; infinity if none has a PSNR."""
    return min(psnr.values(), default=math.inf)


def propose(
    original: Path,
    quantized: Path,
    layers: Sequence[Layer],
    data: CalibrationData,
    psnr: Mapping[str, float],
    requantize: Callable[[Sequence[str]], Mapping[str, float]],
    work: Path,
    budget: TimeBudget,
) -> Proposal | None:
    """Find tensors to keep at 16 bits, if an output is not accurate and they gain enough.

    Args:
        original: The float model, as it was quantized.
        quantized: The model quantized from it, with 8-bit activations.
        layers: Its layers, with their PSNR on the CPU.
        data: The samples to try on.
        psnr: PSNR of its outputs.
        requantize: Quantizes the model with tensors at 16 bits, and returns the PSNR of its
            outputs.
        work: Folder for generated files, which is created.
        budget: Time that the trials may take.

    Returns:
        The proposal; None if there is none.

    Raises:
        JobFailure: One of the models cannot be run.
        CallError: The process of the trials ended without their result.
    """
    before = get_worst(psnr)
    if before >= SUFFICIENT_PSNR or not layers:
        return None
    arguments = _build_arguments(original, quantized, layers, data, "activations", budget.seconds)
    found = call_isolated(_TRY_BITS, {**arguments, "choose": True}, work, budget.limit)
    chosen = _read_ranking(found, layers)[: found["chosen"]]
    if not chosen:
        return None
    after = get_worst(requantize([each.layer.tensor for each in chosen]))
    if after < before + MIN_GAIN:
        return None
    return Proposal(candidates=chosen, before=before, after=after)


def choose_share(
    original: Path,
    quantized: Path,
    layers: Sequence[Layer],
    data: CalibrationData,
    kind: RaisedKind,
    percentage: float,
    work: Path,
    budget: TimeBudget,
) -> list[str]:
    """Choose a share of the layers to keep more precise: those that cost most accuracy.

    Args:
        original: The float model, as it was quantized.
        quantized: The model quantized from it, with 8-bit activations.
        layers: Its layers, with their PSNR on the CPU.
        data: The samples to try on.
        kind: What gets more precise.
        percentage: The share, in percent.
        work: Folder for generated files, which is created.
        budget: Time that trials may take. Tensors that were not tried are not chosen.

    Returns:
        The names of the tensors that they compute, one at least.

    Raises:
        JobFailure: The model cannot be run, or has no tensor to choose.
    """
    arguments = _build_arguments(original, quantized, layers, data, kind, budget.seconds)
    try:
        # The job fails without its result, so it may take as long as the job.
        found = call_isolated(_TRY_BITS, {**arguments, "choose": False}, work)
    except CallError as error:
        reason = f"{LITE_MP} cannot rank layers: running the model with more bits {error.reason}."
        raise JobFailure(error.cause or FailureType.CRASH, reason) from error
    ranking = _read_ranking(found, layers)
    if not ranking:
        reason = f"{LITE_MP} has nothing to choose: no layer of the model can be more precise."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    count = math.ceil(found["count"] * percentage / 100)
    return [each.layer.tensor for each in ranking[:count]]


def _build_arguments(
    original: Path,
    quantized: Path,
    layers: Sequence[Layer],
    data: CalibrationData,
    kind: RaisedKind,
    seconds: float,
) -> dict[str, Any]:
    return {
        "original": original,
        "quantized": quantized,
        "layers": [asdict(layer) for layer in layers],
        "data": data.to_json(),
        "kind": kind,
        "seconds": seconds,
    }


def _read_ranking(found: Mapping[str, Any], layers: Sequence[Layer]) -> list[Candidate]:
    by_name = {layer.tensor: layer for layer in layers}
    return [Candidate(by_name[name], psnr) for name, psnr in found["ranking"]]
