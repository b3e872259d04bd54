"""Datasets as HDF5 files."""

import numbers
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.closest import did_you_mean_file
from qai_hub.dataset_compression import MIN_COMPRESSED_BYTES, compression_options
from qai_hub.dataset_layout import add_input, get_stored_member, get_stored_sample, sample_key
from qai_hub.errors import UserError
from qai_hub.stored_arrays import StoredArrayChecker, StoredDataError, read_attribute
from qai_hub.tensors import DTYPES, DatasetEntries

if TYPE_CHECKING:
    import h5py
    import numpy as np

__all__ = ["check_entries", "check_h5", "dataset_entries_to_h5", "h5_to_dataset_entries"]

H5 = TypeVar("H5", bound="str | Path | h5py.Group")
A = TypeVar("A", str, int)

_MAX_NAME_BYTES = 4096


def dataset_entries_to_h5(entries: DatasetEntries, target: H5, *, compress: bool = True) -> H5:
    """Writes a dataset as HDF5, one array at a time.

    Arrays are stored as they are, except for inputs that shrink to about a third.

    Args:
        entries: For each name, in order, its samples; a bare array is one sample. All names have
            the same number of samples, with dtypes from `qai_hub.tensors.DTYPES`.
        target: Path of a file, which is replaced, or an open, empty HDF5 file.
        compress: Whether to compress at all; False where the file does not travel far.

    Returns:
        The target.

    Raises:
        UserError: If the entries are not a dataset.
        OSError: If the file cannot be written.
    """
    checked = _validate_entries(entries)
    with _open_h5(target, "w") as file:
        for order, (name, samples) in enumerate(checked.items()):
            group = add_input(file, order, name, len(samples))
            options = compression_options(samples) if compress else {}
            for index, sample in enumerate(samples):
                native = sample.astype(sample.dtype.newbyteorder("="), copy=False)
                large = sample.nbytes >= MIN_COMPRESSED_BYTES
                group.create_dataset(sample_key(index), data=native, **(options if large else {}))
    return target


def h5_to_dataset_entries(
    source: "str | Path | h5py.Group",
) -> dict[str, list["np.ndarray[Any, Any]"]]:
    """Reads a dataset from HDF5.

    Args:
        source: Path of a file, or an open HDF5 file.

    Returns:
        For each name, in order, its samples.

    Raises:
        FileNotFoundError: If the file does not exist.
        UserError: If the file does not hold a dataset, or is damaged.
    """
    with _open_h5(source, "r") as file:
        return {
            name: [_read_array(dataset) for dataset in datasets]
            for name, datasets in _read_inputs(file)
        }


def check_h5(source: "str | Path | h5py.Group") -> list[str]:
    """Checks that a file holds a dataset, without reading its arrays.

    Args:
        source: Path of a file, or an open HDF5 file.

    Returns:
        The names of the inputs, in order.

    Raises:
        FileNotFoundError: If the file does not exist.
        UserError: If the file does not hold a dataset, or is damaged.
    """
    with _open_h5(source, "r") as file:
        return [name for name, _ in _read_inputs(file)]


def check_entries(entries: object) -> None:
    """Checks that entries could be written.

    Args:
        entries: As for `dataset_entries_to_h5`.

    Raises:
        UserError: If the entries are not a dataset.
    """
    _validate_entries(entries)


def _validate_entries(entries: object) -> dict[str, list["np.ndarray[Any, Any]"]]:
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(
            'A dataset is a dictionary from names to lists of arrays, like {"image": [array]}, '
            f"not {_describe_type(entries, Mapping)}."
        )
    checked = {
        _check_name(name): _check_samples(name, samples) for name, samples in entries.items()
    }
    counts = {name: len(samples) for name, samples in checked.items()}
    if len(set(counts.values())) > 1:
        raise UserError(
            f"All inputs of a dataset must have the same number of samples; these have {counts}."
        )
    return checked


def _check_name(name: object) -> str:
    if not isinstance(name, str):
        raise UserError(f"The name of an input must be text, not {name!r}.")
    if "\0" in name or not _has_valid_length(name):
        raise UserError(
            f"{name[:50]!r} cannot name an input: it must be UTF-8 text without NUL, of at most "
            f"{_MAX_NAME_BYTES} bytes."
        )
    return name


def _has_valid_length(name: str) -> bool:
    try:
        return len(name.encode()) <= _MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False


def _check_samples(name: str, samples: object) -> list["np.ndarray[Any, Any]"]:
    import numpy as np

    if isinstance(samples, np.ndarray):
        samples = [samples]
    if not isinstance(samples, list | tuple) or not samples:
        raise UserError(
            f"{name!r} must have a list of arrays, one for each sample, not "
            f"{_describe_type(samples, list | tuple)}."
        )
    for index, sample in enumerate(samples):
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
    return list(samples)


def _describe_type(value: object, expected: type | UnionType) -> str:
    return "an empty one" if isinstance(value, expected) else type(value).__name__


@contextmanager
def _open_h5(source: "str | Path | h5py.Group", mode: str) -> Iterator["h5py.Group"]:
    import h5py

    if isinstance(source, h5py.Group):
        yield source
        return
    path = Path(source)
    if mode == "r" and not path.is_file():
        raise FileNotFoundError(f"There is no dataset at {path}.{did_you_mean_file(path)}")
    try:
        file = h5py.File(path, mode)
    except OSError as error:
        if mode == "w":
            raise
        raise UserError(f"{path} is no HDF5 file, or is cut short: {error}.") from error
    try:
        with file:
            yield file
    except BaseException:
        if mode == "w":
            path.unlink(missing_ok=True)
        raise


def _read_inputs(file: "h5py.Group") -> list[tuple[str, list["h5py.Dataset"]]]:
    """Returns the inputs in order, each with its samples, which are checked but not read."""
    import h5py

    with _report_damage(file):
        data = get_stored_member(file, "data", h5py.Group)
        keys = sorted(data, key=lambda key: (len(key), key))
        groups = [get_stored_member(data, key, h5py.Group) for key in keys]
        orders = [read_attribute(group, "order") for group in groups]
        if any(order is not None for order in orders):
            if sorted(map(str, orders)) != sorted(map(str, range(len(groups)))):
                shown = f"{orders[:20]}{' and more' if len(orders) > 20 else ''}"
                raise UserError(f"The inputs have the orders {shown}: some are missing.")
            groups.sort(key=lambda group: int(group.attrs["order"]))
        stored = StoredArrayChecker(file)
        inputs = [
            (_check_name(_get_attribute(group, "name", str)), _get_samples(group, stored))
            for group in groups
        ]
        if not inputs:
            raise UserError("It has no inputs.")
        if len(dict(inputs)) < len(inputs):
            raise UserError("Two of its inputs have the same name.")
        if len({len(batches) for _, batches in inputs}) > 1:
            raise UserError("Its inputs have different numbers of samples.")
        return inputs


def _get_samples(group: "h5py.Group", stored: StoredArrayChecker) -> list["h5py.Dataset"]:
    count = _get_attribute(group, "batch_count", int)
    if count < 1:
        raise UserError(f"{group.name} has the batch_count {count}: it must be at least 1.")
    return [_check_stored(get_stored_sample(group, index), stored) for index in range(count)]


def _check_stored(batch: "h5py.Dataset", stored: StoredArrayChecker) -> "h5py.Dataset":
    if batch.dtype.kind not in "biuf":
        raise UserError(f"{batch.name} has the dtype {batch.dtype}: it must hold numbers.")
    stored.check(batch)
    return batch


def _get_attribute(group: "h5py.Group", key: str, kind: type[A]) -> A:
    value = read_attribute(group, key)
    if isinstance(value, bytes):
        value = value.decode()
    elif isinstance(value, numbers.Integral):
        value = int(value)
    if not isinstance(value, kind):
        raise UserError(f"{group.name} has no attribute {key} of type {kind.__name__}.")
    return value


def _read_array(batch: "h5py.Dataset") -> "np.ndarray[Any, Any]":
    import numpy as np

    with _report_damage(batch):
        return np.asarray(batch[()])


@contextmanager
def _report_damage(member: "h5py.Group | h5py.Dataset") -> Iterator[None]:
    prefix = f"{member.file.filename} holds no dataset"
    try:
        yield
    except (UserError, StoredDataError) as error:
        raise UserError(f"{prefix}: {error}") from None
    # Which error h5py raises for a damaged file depends on where the damage is.
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{prefix}, or is damaged: {error}.") from error
