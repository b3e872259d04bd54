"""Checks of datasets in memory, and of samples that are made as they are written."""

from collections.abc import Iterable, Iterator, Mapping, Sized
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeGuard

from qai_hub.errors import UserError
from qai_hub.stored_inputs import check_input_name
from qai_hub.tensors import DTYPES

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["check_counts", "check_sample", "validate_entries"]


def validate_entries(entries: object) -> dict[str, "Iterable[Array]"]:
    """Checks that entries can be written, as far as that can be told beforehand.

    Args:
        entries: For each name, its samples. Those in lists and tuples are checked; from other
            iterables, none is taken.

    Returns:
        For each name, in order, its samples: a list of arrays, or an iterable.

    Raises:
        UserError: If the entries are not a dataset.
    """
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(
            'A dataset is a dictionary from names to lists of arrays, like {"image": [array]}, '
            f"not {_describe_type(entries, Mapping)}."
        )
    checked = {
        check_input_name(name): _check_samples(name, samples) for name, samples in entries.items()
    }
    counts = {name: len(samples) for name, samples in checked.items() if isinstance(samples, Sized)}
    if len(set(counts.values())) > 1:
        raise UserError(
            f"All inputs of a dataset must have the same number of samples; these have {counts}."
        )
    _check_iterators(checked)
    return checked


def check_sample(name: str, index: int, sample: object) -> None:
    """Checks a sample.

    Args:
        name: Name of its input.
        index: Number of the sample, from 0.
        sample: The sample.

    Raises:
        UserError: If it is not an array, or of another dtype than samples can have.
    """
    import numpy as np

    if not isinstance(sample, np.ndarray):
        raise UserError(
            f"Sample {index} of {name!r} has the type {type(sample).__name__}: it must be a "
            "numpy array. Convert it with np.asarray(sample, dtype=np.float32)."
        )
    if sample.dtype.name not in DTYPES:
        raise UserError(
            f"Sample {index} of {name!r} has the dtype {sample.dtype.name}: it must be one of "
            f"{', '.join(DTYPES)}. Convert it, for example with sample.astype(np.float32)."
        )


def check_counts(counts: Mapping[str, int]) -> None:
    """Checks how many samples of each input there were when one of them had no more.

    Args:
        counts: For each name, how many samples were taken, in turns.

    Raises:
        UserError: If one has none, or one has more than another.
    """
    shortest = min(counts, key=counts.__getitem__)
    longest = max(counts, key=counts.__getitem__)
    if not counts[shortest]:
        raise UserError(
            f"{shortest!r} has no samples. An iterator gives its samples only once: make a new one."
        )
    if counts[longest] > counts[shortest]:
        raise UserError(
            "All inputs of a dataset must have the same number of samples; "
            f"{shortest!r} has {counts[shortest]}, and {longest!r} has more."
        )


def _check_samples(name: str, samples: object) -> "Iterable[Array]":
    import numpy as np

    if isinstance(samples, np.ndarray):
        samples = [samples]
    if isinstance(samples, list | tuple) and samples:
        for index, sample in enumerate(samples):
            check_sample(name, index, sample)
        return list(samples)
    if _is_iterator_like(samples):
        return samples
    raise UserError(
        f"{name!r} must have a list of arrays, one for each sample, not "
        f"{_describe_type(samples, list | tuple)}."
    )


def _check_iterators(entries: Mapping[str, "Iterable[Array]"]) -> None:
    """Refuses an iterator with two names: each input would get every other sample."""
    names: dict[int, str] = {}
    for name, samples in entries.items():
        if isinstance(samples, Iterator) and names.setdefault(id(samples), name) != name:
            raise UserError(
                f"{names[id(samples)]!r} and {name!r} have the same iterator, which gives each "
                "sample only once: make one for each of them."
            )


def _is_iterator_like(samples: object) -> "TypeGuard[Iterable[Array]]":
    """Returns whether samples can be taken one by one from an object that is no list."""
    # Tensors and arrays of files do not tell one sample from several.
    is_something_else = isinstance(samples, list | tuple | str | bytes | Mapping)
    is_array = hasattr(samples, "__array__")
    return isinstance(samples, Iterable) and not is_something_else and not is_array


def _describe_type(value: object, expected: type | UnionType) -> str:
    return "an empty one" if isinstance(value, expected) else type(value).__name__
