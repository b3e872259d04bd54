"""Slices of an output whose values have a range of their own, such as boxes beside scores."""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Tensor = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

# A slice has a range of its own if its peak is less than this share of the output's peak. With
# 8 bits for the whole output, such a slice has fewer than 4 bits left, which is a PSNR of less than
# 26 dB even without any other error. In a larger slice, the PSNR of the output tells enough.
SLICE_PEAK_SHARE = 1 / 16
# Below the smallest normal float of 16 bits, such as the probabilities behind a mask, there is no
# range to keep.
_SMALLEST_PEAK = 2.0**-14
# More ranges than this are no structure of the output, but its values: large and small ones of a
# classifier's scores alternate, the boxes beside scores do not.
_MAX_SLICES = 8
# Fewer values do not show the range that an index of a dimension has.
_MIN_VALUES_PER_INDEX = 8
# Longer dimensions are not looked at: their peaks and errors are kept for each index.
_MAX_INDICES = 2**20


def compute_psnr(squared_error: float, count: int, peak: float) -> float | None:
    """Return the peak signal-to-noise ratio, `10 log10(peak^2 / MSE)`.

    Args:
        squared_error: Sum of the squared errors.
        count: Number of elements.
        peak: Largest magnitude of the expected values.

    Returns:
        The ratio in decibels; None if there is no error, or all expected values are 0.
    """
    if not count or not squared_error or not peak:
        return None
    return 20 * math.log10(peak) + 10 * math.log10(count) - 10 * math.log10(squared_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceAccuracy:
    """How close a slice of an output is to that of the source model.

    Attributes:
        axis: The dimension.
        begin: First index along that dimension.
        end: Index after the last one.
        psnr: PSNR by the slice's own peak, in decibels; None if the slices are equal, or the
            expected one is 0 throughout.
        peak: Largest magnitude that is expected.
    """

    axis: int
    begin: int
    end: int
    psnr: float | None
    peak: float

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `TargetCheckSlice`."""
        ratio = {} if self.psnr is None else {"psnr": round(self.psnr, 2)}
        place = {"axis": self.axis, "begin": self.begin, "end": self.end}
        return {**place, **ratio, "peak": self.peak}


@dataclass(slots=True)
class SliceErrors:
    """Peaks and errors of an output, by the index along each of its dimensions."""

    _peaks: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)
    _squared: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)
    _counts: dict[int, int] = field(default_factory=dict)
    _shape: tuple[int, ...] | None = None

    def add(self, expected: Tensor, error: Tensor) -> None:
        """Add the values of a sample.

        Args:
            expected: Finite values of the source model; a sample of another shape than the first
                does not count.
            error: Its errors.
        """
        self._shape = expected.shape if self._shape is None else self._shape
        if expected.shape != self._shape:
            return
        magnitudes = np.abs(np.asarray(expected, np.float64))
        squared = np.square(np.asarray(error, np.float64))
        for axis, size in enumerate(self._shape):
            if not 1 < size <= _MAX_INDICES:
                continue
            others = tuple(other for other in range(expected.ndim) if other != axis)
            peaks = np.max(magnitudes, axis=others, initial=0.0)
            sums = np.sum(squared, axis=others)
            self._peaks[axis] = np.maximum(self._peaks.get(axis, peaks), peaks)
            self._squared[axis] = self._squared.get(axis, 0.0) + sums
            self._counts[axis] = self._counts.get(axis, 0) + expected.size // size

    def find_slices(self) -> tuple[SliceAccuracy, ...]:
        """Return the slices along the dimension in which ranges of values differ most.

        A dimension has slices if the peaks along it fall into few contiguous runs above and below
        `SLICE_PEAK_SHARE` of the output's peak.

        Returns:
            The slices, which cover the dimension; none if ranges do not differ.
        """
        best: tuple[float, tuple[SliceAccuracy, ...]] = 1.0, ()
        for axis, peaks in self._peaks.items():
            peak = float(peaks.max(initial=0.0))
            if not peak or self._counts[axis] < _MIN_VALUES_PER_INDEX:
                continue
            small = (peaks < peak * SLICE_PEAK_SHARE) & (peaks >= _SMALLEST_PEAK)
            edges = np.flatnonzero(np.diff(small)) + 1
            if not edges.size or edges.size >= _MAX_SLICES:
                continue
            limits = [0, *map(int, edges), len(peaks)]
            slices = tuple(self._measure(axis, begin, end) for begin, end in pairwise(limits))
            smallest = min((each.peak for each in slices if each.peak), default=peak)
            if smallest / peak < best[0]:
                best = smallest / peak, slices
        return best[1]

    def _measure(self, axis: int, begin: int, end: int) -> SliceAccuracy:
        peak = float(self._peaks[axis][begin:end].max())
        squared = float(self._squared[axis][begin:end].sum())
        psnr = compute_psnr(squared, (end - begin) * self._counts[axis], peak)
        return SliceAccuracy(axis=axis, begin=begin, end=end, psnr=psnr, peak=peak)
