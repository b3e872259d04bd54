"""Tells how two datasets differ, entry by entry."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qai_hub.local.engine.inspection.datasets import ReadEntry, open_dataset
from qai_hub.local.engine.inspection.numbers import Array, describe_values
from qai_hub.local.engine.slices import compute_psnr


def compare_datasets(path: Path, reference: Path) -> dict[str, Any]:
    """Tell how the entries of a dataset differ from those of another that have the same names.

    Args:
        path: The HDF5 file.
        reference: The file that it is compared with.

    Returns:
        What is known of each of its `entries`, and the names of those that only the other has.

    Raises:
        JobFailure: One of them is not a dataset, or damaged.
    """
    with open_dataset(path) as ours, open_dataset(reference) as theirs:
        others = {entry.name: entry for entry in theirs.read()}
        entries = [_compare(entry, others.pop(entry.name, None)) for entry in ours.read()]
    return {"entries": entries, "missing": [*others]}


def _compare(entry: ReadEntry, other: ReadEntry | None) -> dict[str, Any]:
    if other is None:
        return {"name": entry.name, "problem": "The other job has no output of this name."}
    pairs = list(zip(entry.arrays, other.arrays, strict=False))
    if not pairs:
        return {"name": entry.name, "problem": "It has no values to compare."}
    ours, theirs = next(
        ((a.shape, b.shape) for a, b in pairs if a.shape != b.shape),
        (None, None),
    )
    if ours is not None:
        problem = f"Its shape is {_words(ours)}, and that of the other is {_words(theirs or ())}."
        return {"name": entry.name, "problem": problem}
    return {"name": entry.name, "problem": "", "samples": len(pairs), **_measure(pairs)}


def _measure(pairs: Sequence[tuple[Array, Array]]) -> dict[str, Any]:
    squared, count, peak, largest, broken = 0.0, 0, 0.0, 0.0, 0
    differences = list[Array]()
    with np.errstate(all="ignore"):
        for ours, theirs in pairs:
            actual, expected = ours.astype(np.float64), theirs.astype(np.float64)
            # What is NaN, or the same infinity, in both is equal.
            same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
            comparable = np.isfinite(actual) & np.isfinite(expected)
            broken += int(np.count_nonzero(~comparable & ~same))
            difference = (actual - expected)[comparable]
            differences.append(difference)
            squared += float(np.square(difference).sum())
            count += difference.size
            peak = max(peak, float(np.abs(expected[comparable]).max(initial=0.0)))
            largest = max(largest, float(np.abs(difference).max(initial=0.0)))
        psnr = compute_psnr(squared, count, peak) if np.isfinite([squared, peak]).all() else None
    return {
        "psnr": psnr,
        "is_equal": not squared and not broken,
        "largest": largest if np.isfinite(largest) else None,
        "peak": peak,
        "broken": broken,
        "values": describe_values(differences),
    }


def _words(shape: Sequence[int]) -> str:
    return " \N{MULTIPLICATION SIGN} ".join(map(str, shape)) or "that of a number"
