"""Finds the slices of an output that have a much smaller range than the whole output."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qai_hub.local.engine.onnx.session import Tensor

# One scale of 8 bits leaves less than 4 bits to values of less than this share of the peak.
SLICE_PEAK_SHARE = 1 / 16
# More slices are not the structure of an output, but its values.
_MAX_SLICES = 8
# Fewer values per sample do not show the range that an index of a dimension has.
_MIN_VALUES_PER_INDEX = 8
_MAX_INDICES = 2**14


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSlice:
    """A part of an output along one dimension.

    Attributes:
        axis: The dimension.
        begin: The first index along it.
        end: The index after the last one.
        peak: The largest magnitude that is expected in the slice.
        psnr: PSNR in decibels by that peak; infinite if there is no error.
    """

    axis: int
    begin: int
    end: int
    peak: float
    psnr: float


@dataclass(slots=True)
class SliceErrors:
    """Peaks and errors of an output, by the index along each of its dimensions."""

    _peaks: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)
    _squares: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)
    _counts: dict[int, int] = field(default_factory=dict)
    _shape: tuple[int, ...] = ()

    def add(self, expected: Tensor, actual: Tensor) -> None:
        """Add the values of a sample; samples of another shape than the first do not count."""
        self._shape = self._shape or expected.shape
        if expected.shape != self._shape or actual.shape != self._shape:
            return
        wide = np.asarray(expected, np.float64)
        squares = np.square(wide - np.asarray(actual, np.float64))
        for axis, size in enumerate(self._shape):
            values = expected.size // max(size, 1)
            if not 1 < size <= _MAX_INDICES or values < _MIN_VALUES_PER_INDEX:
                continue
            others = tuple(other for other in range(expected.ndim) if other != axis)
            peaks, sums = np.abs(wide).max(axis=others), squares.sum(axis=others)
            known = axis in self._peaks
            self._peaks[axis] = np.maximum(self._peaks[axis], peaks) if known else peaks
            self._squares[axis] = self._squares[axis] + sums if known else sums
            self._counts[axis] = self._counts.get(axis, 0) + values

    def find_slices(self) -> list[OutputSlice]:
        """Return the slices with a range of their own, along the dimension with fewest of them."""
        found = [list(self._iter_slices(axis)) for axis in self._peaks]
        usable = [slices for slices in found if 0 < len(slices) <= _MAX_SLICES]
        return min(usable, key=len, default=[])

    def _iter_slices(self, axis: int) -> Iterator[OutputSlice]:
        peaks = self._peaks[axis]
        small = (peaks > 0) & (peaks < SLICE_PEAK_SHARE * peaks.max(initial=0))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], small, [False]]).astype(int)))
        for begin, end in edges.reshape(-1, 2).tolist():
            peak = float(peaks[begin:end].max())
            mean = float(self._squares[axis][begin:end].sum()) / (
                self._counts[axis] * (end - begin)
            )
            psnr = 10 * math.log10(peak**2 / mean) if mean else math.inf
            yield OutputSlice(axis=axis, begin=begin, end=end, peak=peak, psnr=psnr)
