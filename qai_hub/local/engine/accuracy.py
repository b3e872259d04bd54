"""Compares the outputs of two models: PSNR, largest error, dead elements, and slices of outputs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qai_hub.local.engine.protocol import quote_name
from qai_hub.local.engine.slices import SliceAccuracy, SliceErrors, Tensor, compute_psnr

_Wide = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

# Share of elements that may differ in an output of indices or flags. On inputs that are not real
# data, the winners of some comparisons are ahead by less than the precision of the target.
_MAX_DIFFERENT_SHARE = 0.1
_INDEX_TYPES = frozenset({"bool", "int32", "int64", "uint32", "uint64"})
# Fewer dead elements are not worth a word.
_MIN_DEAD_SHARE = 0.01
# A target of 0 throughout may deviate by what floats of 16 bits can.
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAccuracy:
    """How close an output of a target model is to that of the source model.

    Attributes:
        name: Name of the output.
        psnr: PSNR in decibels; None if the outputs are equal, or the expected one is 0 throughout.
        largest_error: Largest absolute difference between finite values.
        peak: Largest magnitude that is expected.
        dead_share: Share of elements that are constant in the target model and not in the source
            model, saturated, or not finite in the target model alone.
        problem: What is wrong with the output, as the predicate of a sentence; empty if it is close
            enough.
        slices: Slices whose values have a range of their own.
    """

    name: str
    psnr: float | None
    largest_error: float
    peak: float
    dead_share: float
    problem: str
    slices: tuple[SliceAccuracy, ...] = ()

    @property
    def is_far(self) -> bool:
        """Whether it is too far from the source model's output."""
        return bool(self.problem)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `TargetCheckOutput`."""
        ratio = {} if self.psnr is None else {"psnr": round(self.psnr, 2)}
        return {
            "name": self.name,
            "is_far": self.is_far,
            **ratio,
            "largest_error": self.largest_error,
            "peak": self.peak,
            "dead_share": self.dead_share,
            "slices": [each.to_json() for each in self.slices],
        }


@dataclass(slots=True)
class OutputSamples:
    """The values of an output on several samples, in the source model and in the target model."""

    expected: list[Tensor] = field(default_factory=list)
    actual: list[Tensor] = field(default_factory=list)

    def add(self, expected: Tensor, actual: Tensor) -> None:
        """Add the values of a sample."""
        self.expected.append(expected)
        self.actual.append(actual)


def compare_output(name: str, samples: OutputSamples, bound: float) -> OutputAccuracy:
    """Compare an output of two models on the same samples.

    Args:
        name: Name of the output.
        samples: Its values, on one sample at least.
        bound: PSNR in decibels below which it is too far.

    Returns:
        The comparison.
    """
    shapes = [
        (before.shape, after.shape)
        for before, after in zip(samples.expected, samples.actual, strict=True)
        if before.shape != after.shape
    ]
    if shapes:
        return OutputAccuracy(
            name=name,
            psnr=None,
            largest_error=0.0,
            peak=_peak(np.asarray(samples.expected[0], np.float64)),
            dead_share=1.0,
            problem=f"has the shape {shapes[0][1]} instead of {shapes[0][0]}",
        )
    dtype = samples.expected[0].dtype
    if len({tensor.shape for tensor in samples.expected}) == 1:
        before, after = np.stack(samples.expected), np.stack(samples.actual)
    else:
        # The shape depends on the values of the sample, so there are no slices in common.
        before, after = (
            np.concatenate([np.ravel(tensor) for tensor in tensors])[np.newaxis]
            for tensors in (samples.expected, samples.actual)
        )
    expected, actual = np.asarray(before, np.float64), np.asarray(after, np.float64)
    comparable = np.isfinite(expected)
    broken = comparable & ~np.isfinite(actual)
    expected = np.where(comparable, expected, 0.0)
    actual = np.where(comparable & ~broken, actual, 0.0)
    error = np.abs(expected - actual)
    peak = _peak(expected)
    psnr = compute_psnr(_sum_of_squares(error), int(np.count_nonzero(comparable)), peak)
    slices = _find_slices(expected, error) if dtype.name not in _INDEX_TYPES else ()
    dead = broken | _find_dead(expected, actual, peak * 10 ** (-bound / 20))
    result = OutputAccuracy(
        name=name,
        psnr=psnr,
        largest_error=float(np.max(np.where(broken, 0.0, error), initial=0.0)),
        peak=peak,
        dead_share=_share(dead, comparable),
        problem="",
        slices=slices,
    )
    problem = _describe_problem(
        result,
        bound,
        broken=_share(broken, comparable),
        different=_share(error > 0, comparable) if dtype.name in _INDEX_TYPES else None,
    )
    return replace(result, problem=problem)


def describe_output(output: OutputAccuracy) -> str:
    """Describe how close an output is, for a message, such as "'y' 52.3 dB"."""
    if output.psnr is not None:
        return f"{quote_name(output.name)} {output.psnr:.1f} dB"
    return f"{quote_name(output.name)} {'equal' if not output.largest_error else 'no PSNR'}"


def _describe_problem(
    output: OutputAccuracy, bound: float, *, broken: float, different: float | None
) -> str:
    """Describe what is wrong with an output; empty if it is close enough."""
    if broken:
        return f"contains NaN or infinity in {broken:.2%} of its values"
    if different is not None:
        if different <= _MAX_DIFFERENT_SHARE:
            return ""
        return f"differs in {different:.0%} of its values"
    if not output.peak and output.largest_error > _NEGLIGIBLE:
        return f"reaches {output.largest_error:.3g} instead of 0"
    stuck = f", and {output.dead_share:.0%} of its values are constant or clipped"
    dead = stuck * (output.dead_share >= _MIN_DEAD_SHARE)
    if output.psnr is not None and output.psnr < bound:
        return f"has a PSNR of only {output.psnr:.1f} dB{dead}"
    low = [each for each in output.slices if each.psnr is not None and each.psnr < bound]
    if low:
        worst = min(low, key=lambda each: each.psnr or 0.0)
        return (
            f"has a PSNR of only {worst.psnr:.1f} dB at the indices {worst.begin} to "
            f"{worst.end - 1} of its dimension {worst.axis}, whose values reach {worst.peak:.3g} "
            f"beside others of up to {output.peak:.3g}"
        )
    return ""


def _find_dead(expected: _Wide, actual: _Wide, tolerance: float) -> np.ndarray[Any, Any]:
    """Return which elements have lost their information.

    Args:
        expected: Values of the source model; the first dimension is the sample.
        actual: Values of the target model.
        tolerance: Difference that is not regarded.
    """
    spread = np.ptp(expected, axis=0) if len(expected) else np.zeros(expected.shape[1:])
    dead = (np.ptp(actual, axis=0) == 0) & (spread > tolerance)
    found = np.broadcast_to(dead, expected.shape).copy()
    if not expected.size:
        return found
    if np.ptp(actual) == 0 and np.ptp(expected) > tolerance:
        found[...] = True
    for extreme, beyond in (
        (np.max(actual), expected > np.max(actual) + tolerance),
        (np.min(actual), expected < np.min(actual) - tolerance),
    ):
        at_extreme = actual == extreme
        # A single largest value is merely too small; several equal ones are clipped.
        if np.count_nonzero(at_extreme) > 1:
            found |= at_extreme & beyond
    return found


def _find_slices(expected: _Wide, error: _Wide) -> tuple[SliceAccuracy, ...]:
    """Return the slices of an output, whose first dimension here is the sample."""
    errors = SliceErrors()
    for values, sample_error in zip(expected, error, strict=True):
        errors.add(values, sample_error)
    return errors.find_slices()


def _share(elements: np.ndarray[Any, Any], of: np.ndarray[Any, Any]) -> float:
    count = int(np.count_nonzero(of))
    return int(np.count_nonzero(elements & of)) / count if count else 0.0


def _peak(values: _Wide) -> float:
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def _sum_of_squares(error: _Wide) -> float:
    return float(np.sum(np.square(error)))


def describe_far_outputs(outputs: Sequence[OutputAccuracy]) -> str:
    """Return a sentence for each output that is too far, such as a notice contains."""
    return " ".join(
        f"The output {quote_name(each.name)} {each.problem}." for each in outputs if each.is_far
    )
