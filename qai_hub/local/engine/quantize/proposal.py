"""Chooses the tensors of a quantize job to keep at 16 bits, and tells what that gains."""

import logging
import math
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.option_table import INT16_ACTIVATIONS, LITE_MP
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.engine.quantize.layers import Layer
from qai_hub.local.engine.quantize.mixed_precision import (
    MIN_GAIN,
    SUFFICIENT_PSNR,
    BitTrials,
    Candidate,
    choose_tensors,
    rank_tensors,
)

logger = logging.getLogger(__name__)

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
    if given and activations_dtype != "INT8":
        reason = (
            f"{given[0]} is for activations of INT8, and this job's are {activations_dtype} "
            "throughout: omit it."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)


def get_worst(psnr: Mapping[str, float]) -> float:
    """Return the PSNR of the least accurate output; infinity if none has a PSNR."""
    return min(psnr.values(), default=math.inf)


def propose(
    original: Path,
    quantized: Path,
    layers: Sequence[Layer],
    samples: Iterable[Mapping[str, Tensor]],
    psnr: Mapping[str, float],
    requantize: Callable[[Sequence[str]], Mapping[str, float]],
    work: Path,
    seconds: float,
) -> Proposal | None:
    """Find tensors to keep at 16 bits, if an output is not accurate and they gain enough.

    Args:
        original: The float model, as it was quantized.
        quantized: The model quantized from it, with 8-bit activations.
        layers: Its layers, with their PSNR on the CPU.
        samples: The samples to try on.
        psnr: PSNR of its outputs.
        requantize: Quantizes the model with tensors at 16 bits, and returns the PSNR of its
            outputs.
        work: Folder for generated files.
        seconds: Time that trials may take.

    Returns:
        The proposal; None if there is none.
    """
    before = get_worst(psnr)
    if before >= SUFFICIENT_PSNR or not layers:
        return None
    try:
        trials = BitTrials(original, quantized, layers, samples, work)
        ranking = rank_tensors(trials, layers, time.monotonic() + seconds)
        chosen = choose_tensors(trials, ranking)
        if not chosen:
            return None
        after = get_worst(requantize([each.layer.tensor for each in chosen]))
    except JobFailure as failure:
        logger.info("No proposal of 16 bits: %s", failure.reason)
        return None
    if after < before + MIN_GAIN:
        return None
    return Proposal(candidates=chosen, before=before, after=after)


def choose_share(
    original: Path,
    quantized: Path,
    layers: Sequence[Layer],
    samples: Iterable[Mapping[str, Tensor]],
    percentage: float,
    work: Path,
    seconds: float,
) -> list[str]:
    """Choose a share of the tensors to keep at 16 bits: those that cost most accuracy.

    Args:
        original: The float model, as it was quantized.
        quantized: The model quantized from it, with 8-bit activations.
        layers: Its layers, with their PSNR on the CPU.
        samples: The samples to try on.
        percentage: The share, in percent.
        work: Folder for generated files.
        seconds: Time that trials may take. Tensors that were not tried are not chosen.

    Returns:
        The names of the tensors, one at least.

    Raises:
        JobFailure: The model cannot be run, or has no tensor to choose.
    """
    trials = BitTrials(original, quantized, layers, samples, work)
    ranking = rank_tensors(trials, layers, time.monotonic() + seconds)
    if not ranking:
        reason = f"{LITE_MP} has nothing to choose: the model has no activations of 8 bits."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    count = math.ceil(len(trials.layers) * percentage / 100)
    return [each.layer.tensor for each in ranking[:count]]
