"""Statistics and histograms of arrays, which are read in blocks."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_BLOCK = 1 << 20
_BINS = 40


@dataclass(slots=True)
class Statistics:
    """What the values of some arrays have in common.

    Attributes:
        count: How many they are.
        nan: How many of them are NaN.
        infinite: How many are infinite.
        zeros: How many are 0.
        low: The smallest finite value; infinity if there is none.
        high: The largest finite value; minus infinity if there is none.
        mean: The mean of the finite values.
        deviation: Their standard deviation.
    """

    count: int = 0
    nan: int = 0
    infinite: int = 0
    zeros: int = 0
    low: float = math.inf
    high: float = -math.inf
    mean: float = 0.0
    deviation: float = 0.0

    @classmethod
    def of(cls, arrays: Sequence[Array]) -> "Statistics":
        """Compute them."""
        found = cls()
        finite, total, squares = 0, 0.0, 0.0
        for block in _iter_blocks(arrays):
            found.count += block.size
            found.nan += int(np.count_nonzero(np.isnan(block)))
            found.infinite += int(np.count_nonzero(np.isinf(block)))
            values = block[np.isfinite(block)]
            if values.size:
                finite += values.size
                found.zeros += values.size - int(np.count_nonzero(values))
                found.low = min(found.low, float(values.min()))
                found.high = max(found.high, float(values.max()))
                total += float(values.sum())
        found.mean = total / finite if finite else 0.0
        for block in _iter_blocks(arrays):
            squares += float(np.square(block[np.isfinite(block)] - found.mean).sum())
        found.deviation = math.sqrt(squares / finite) if finite else 0.0
        return found

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON, without what overflowed or does not exist."""
        counts = {
            "count": self.count,
            "nan": self.nan,
            "infinite": self.infinite,
            "zeros": self.zeros,
        }
        values = {"min": self.low, "max": self.high, "mean": self.mean, "std": self.deviation}
        has_any = self.low <= self.high
        return counts | {
            name: value if has_any and math.isfinite(value) else None
            for name, value in values.items()
        }


def count_values(arrays: Sequence[Array], low: float, high: float) -> dict[str, Any] | None:
    """Return how often finite values occur.

    Args:
        arrays: The arrays, all of integers or all of floats.
        low: The smallest of the values.
        high: The largest of them.

    Returns:
        The bounds of the histogram, and the counts of its bins, which are of the same width; None
        if there are no values, or they are too far from each other.
    """
    if not low <= high:
        return None
    bins = _BINS
    if all(array.dtype.kind in "biu" for array in arrays) and high - low < _BINS:
        # One bin for each value, which is in its middle.
        bins = int(high - low) + 1
        low, high = low - 0.5, high + 0.5
    elif low == high:
        low, high, bins = low - 0.5, high + 0.5, 1
    # Beyond, bins cannot be told from each other.
    if not (low < high and math.isfinite(high - low)) or (high - low) / bins == 0:
        return None
    counts = np.zeros(bins, np.int64)
    for block in _iter_blocks(arrays):
        values = block[np.isfinite(block)]
        places = (values - low) / (high - low) * bins
        counts += np.bincount(np.clip(places.astype(np.int64), 0, bins - 1), minlength=bins)
    return {"low": low, "high": high, "counts": counts.tolist()}


def describe_values(arrays: Sequence[Array]) -> dict[str, Any]:
    """Return the statistics of arrays of numbers, and the histogram of their values, as JSON."""
    with np.errstate(all="ignore"):
        found = Statistics.of(arrays)
        counted = count_values(arrays, found.low, found.high) if arrays else None
    return {**found.to_json(), "histogram": counted}


def _iter_blocks(arrays: Iterable[Array]) -> Iterator[npt.NDArray[np.float64]]:
    for array in arrays:
        flat = array.reshape(-1)
        for begin in range(0, flat.size, _BLOCK):
            yield flat[begin : begin + _BLOCK].astype(np.float64)
