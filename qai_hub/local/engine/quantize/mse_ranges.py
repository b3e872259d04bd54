"""Finds ranges of activations that leave the smallest mean squared error on calibration data.

A range that is narrower than the values clips some of them, and has a finer step for the others.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.quantize.calibration import CalibrationSamples
from qai_hub.local.engine.quantize.measure import iter_values
from qai_hub.local.engine.quantize.mixed_precision import iter_float_values
from qai_hub.local.engine.quantize.overrides import Overrides

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

# Bins on either side of 0. At least half of those on the longer side are within the range.
_BINS = 4096
# Values below do not matter: a bin is no normal number in float32 for them.
_SMALLEST_PEAK = 1e-30
# Ends of ranges that are tried on either side of 0.
_MAX_ENDS = 128
# Values of one sample that are held at a time; further tensors take another pass over the samples.
_MAX_VALUES = 2**26
# What a tensor of unknown shape counts.
_UNKNOWN_SIZE = 2**22
# A Softmax depends on its largest scores, and on masks that are low enough, not on most scores;
# its result has a fixed range.
_FIXED_INPUTS = frozenset({"Softmax"})
_FIXED_OUTPUTS = frozenset({"Sigmoid", "Softmax", "Tanh"})


class Histogram:
    """How often the values of a tensor occur, in bins of one width from 0 in both directions.

    The width grows by powers of 2 with the values, so that each is looked at once, whatever comes.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(2 * _BINS, np.int64)
        self._width = 0.0
        self.low = 0.0
        self.high = 0.0
        self.is_finite = True

    def add(self, values: Tensor) -> None:
        """Add values. Zeros do not count: every range represents them."""
        if not values.size:
            return
        low, high = float(values.min()), float(values.max())
        if not math.isfinite(low) or not math.isfinite(high):
            self.is_finite = False
        if not self.is_finite:
            return
        self.low, self.high = min(self.low, low), max(self.high, high)
        peak = max(-self.low, self.high)
        if peak < _SMALLEST_PEAK:
            return
        self._widen(peak)
        places = np.floor(np.divide(values.reshape(-1), self._width)).astype(np.intp)
        places += _BINS
        counts = np.bincount(places, minlength=2 * _BINS + 1)
        # A peak may be at the very end of the last bin.
        counts[-2] += counts[-1]
        counts[_BINS] -= values.size - np.count_nonzero(values)
        self._counts += counts[:-1]

    def _widen(self, peak: float) -> None:
        needed = 2.0 ** math.ceil(math.log2(peak / _BINS))
        if needed <= self._width:
            return
        if self._width:
            self._merge_bins(round(math.log2(needed / self._width)))
        self._width = needed

    def _merge_bins(self, doublings: int) -> None:
        for _ in range(min(doublings, _BINS.bit_length())):
            below, above = self._counts[:_BINS], self._counts[_BINS:]
            merged = np.zeros_like(self._counts)
            merged[_BINS // 2 : _BINS] = below.reshape(-1, 2).sum(axis=1)
            merged[_BINS : _BINS + _BINS // 2] = above.reshape(-1, 2).sum(axis=1)
            self._counts = merged

    def find_range(self, bits: int) -> tuple[float, float]:
        """Return the range with the smallest expected squared error.

        Args:
            bits: Bits of the integers that represent it.
        """
        if not self._width:
            return self.low, self.high
        centers = self._measure_centers()
        lows, low_errors, low_counts = _measure_ends(
            centers, self._counts[_BINS - 1 :: -1], -self.low
        )
        highs, high_errors, high_counts = _measure_ends(centers, self._counts[_BINS:], self.high)
        steps = (lows[:, None] + highs[None, :]) / (2**bits - 1)
        kept = low_counts[:, None] + high_counts[None, :]
        errors = self._sum_rounding(steps, kept) + low_errors[:, None] + high_errors[None, :]
        place = np.unravel_index(int(np.argmin(errors)), errors.shape)
        return -float(lows[place[0]]), float(highs[place[1]])

    def _measure_centers(self) -> Floats:
        """Return the distances of the bins from 0."""
        return np.arange(0.5, _BINS, dtype=np.float64) * self._width

    def _sum_rounding(self, steps: Floats, kept: npt.NDArray[np.int64]) -> Floats:
        """Return the sum of squared errors of values that are rounded to steps.

        Values below half a step become 0; the errors of others are distributed evenly in a step.
        """
        counts = self._counts[_BINS:] + self._counts[_BINS - 1 :: -1]
        squares = np.square(self._measure_centers())
        places = np.minimum(np.floor(steps / 2 / self._width), _BINS).astype(np.intp)
        small = np.concatenate(([0], np.cumsum(counts)))[places]
        lost = np.concatenate(([0], np.cumsum(counts * squares)))[places]
        rounded: Floats = lost + np.maximum(kept - small, 0) * np.square(steps) / 12
        return rounded


def _measure_ends(
    centers: Floats, counts: npt.NDArray[np.int64], end: float
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Measure what possible ends of a range on one side of 0 clip.

    Args:
        centers: The distances of the bins from 0.
        counts: Number of values in each bin.
        end: The largest distance of a value.

    Returns:
        The ends, the largest first; the sum of squared errors of the values that each clips; and
        how many values it keeps.
    """
    if not end:
        return np.zeros(1), np.zeros(1), np.zeros(1, np.int64)
    last = int(np.flatnonzero(counts)[-1]) + 1 if counts.any() else 1
    places = np.unique(np.linspace(1, last, min(last, _MAX_ENDS)).astype(np.int64))[::-1]
    ends = places * (2 * centers[0])
    ends[0] = end
    clipped = np.maximum(centers[None, :last] - ends[:, None], 0)
    clipped[0] = 0
    errors = np.square(clipped) @ counts[:last]
    return ends, errors, np.cumsum(counts)[places - 1]


def override_ranges(
    path: Path, samples: CalibrationSamples, bits: int, overrides: Overrides
) -> Overrides:
    """Return overrides by which activations get the ranges with the smallest squared error.

    Args:
        path: The .onnx file of the prepared float model.
        samples: The samples.
        bits: Bits of the activations that have no other type in the overrides.
        overrides: The overrides of the model, which are kept. Ranges that they widen stay wide.

    Raises:
        JobFailure: The model cannot be run on the samples.
    """
    model = onnx.load(path, load_external_data=False)
    found = dict(overrides)
    for names in _group_tensors(model):
        histograms = {name: Histogram() for name in names}
        for values in iter_values(path, names, samples):
            for name, tensor in values.items():
                histograms[name].add(tensor)
        for name, histogram in histograms.items():
            # The quantizer reports values that are not finite.
            if not histogram.is_finite or not histogram.high - histogram.low:
                continue
            given = overrides.get(name, [{}])[0]
            wide = given.get("quant_type")
            low, high = histogram.find_range(16 if wide and "16" in wide.name else bits)
            rmin, rmax = min(low, given.get("rmin", low)), max(high, given.get("rmax", high))
            logger.debug("Range of %r: %g to %g", name, rmin, rmax)
            found[name] = [{**given, "rmin": np.float32(rmin), "rmax": np.float32(rmax)}]
    return found


def _group_tensors(model: onnx.ModelProto) -> Iterator[Sequence[str]]:
    """Yield the tensors whose ranges are free, as many at a time as memory allows."""
    fixed = {
        name
        for node in model.graph.node
        for name in (
            *(node.input if node.op_type in _FIXED_INPUTS else ()),
            *(node.output if node.op_type in _FIXED_OUTPUTS else ()),
        )
    }
    group: list[str] = []
    total = 0
    for value in iter_float_values(model):
        if value.name in fixed or value.name in group:
            continue
        size = _count_values(value)
        if group and total + size > _MAX_VALUES:
            yield group
            group, total = [], 0
        group.append(value.name)
        total += size
    if group:
        yield group


def _count_values(value: onnx.ValueInfoProto) -> int:
    shape = value.type.tensor_type.shape
    known = value.type.tensor_type.HasField("shape") and all(
        dim.HasField("dim_value") for dim in shape.dim
    )
    return math.prod(dim.dim_value for dim in shape.dim) if known else _UNKNOWN_SIZE
