"""Datasets as HDF5 files, and as NumPy files, which are made HDF5 to be uploaded."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.dataset_compression import MIN_COMPRESSED_BYTES, compression_options
from qai_hub.dataset_layout import add_input, sample_key
from qai_hub.errors import UserError
from qai_hub.hdf5_files import create_hdf5
from qai_hub.numpy_files import NumpyDataset, is_npz, is_numpy, sample_filename, write_npz
from qai_hub.stored_inputs import (
    check_input_name,
    get_samples,
    open_h5,
    read_array,
    read_inputs,
)
from qai_hub.temporary_files import temporary_folder
from qai_hub.tensors import DTYPES, DatasetEntries

if TYPE_CHECKING:
    import h5py
    import numpy as np

__all__ = [
    "as_h5",
    "check_entries",
    "check_file",
    "check_h5",
    "dataset_entries_to_h5",
    "h5_to_dataset_entries",
    "h5_to_npz",
]

H5 = TypeVar("H5", bound="str | Path | h5py.Group")


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
    count = len(next(iter(checked.values())))
    inputs = (
        (name, samples, compression_options(samples) if compress else {})
        for name, samples in checked.items()
    )
    return _write_h5(target, inputs, count)


def _write_h5(
    target: H5,
    inputs: "Iterable[tuple[str, Iterable[np.ndarray[Any, Any]], dict[str, Any]]]",
    count: int,
) -> H5:
    """Writes inputs: for each its name, its samples, and how they are compressed."""
    with _create_h5(target) as file:
        for order, (name, samples, options) in enumerate(inputs):
            group = add_input(file, order, name, count)
            for index, sample in enumerate(samples):
                native = sample.astype(sample.dtype.newbyteorder("="), copy=False)
                large = sample.nbytes >= MIN_COMPRESSED_BYTES
                group.create_dataset(sample_key(index), data=native, **(options if large else {}))
    return target


@contextmanager
def as_h5(path: Path, *, compress: bool = True) -> Iterator[Path]:
    """Provides the dataset at a path as an HDF5 file while the context is open.

    Args:
        path: An HDF5 file, a `.npz` file, or a folder of `.npz` files.
        compress: Whether what is read from NumPy files is compressed if its first sample shrinks.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        UserError: If it is no dataset, or is damaged.
    """
    if not is_numpy(path):
        yield path
        return
    found = NumpyDataset.find(path)
    with temporary_folder() as folder:
        inputs = (
            (
                name,
                found.read(name),
                compression_options([next(found.read(name))]) if compress else {},
            )
            for name in found.names
        )
        yield _write_h5(Path(folder) / "data.h5", inputs, len(found.files))


def h5_to_npz(
    source: "str | Path", target: Path, *, check: Callable[[list[Path]], None] | None = None
) -> list[Path]:
    """Writes a dataset as `.npz` files, one for each sample.

    Args:
        source: Path of an HDF5 file.
        target: The file, if its name ends in `.npz`, for a dataset of one sample. Otherwise the
            folder for the files, which is created if it does not exist.
        check: Called with the files before the first is written, to refuse them by an error; files
            that exist are replaced without it.

    Returns:
        The files, in the order of the samples.

    Raises:
        UserError: If the source does not hold a dataset, or is damaged; if it has several samples
            for a single file; or if the folder has other files, with which the new ones would not
            be a dataset.
    """
    with open_h5(source) as file:
        inputs = read_inputs(file)
        samples = get_samples(file, inputs)
        paths = _place_samples(target, inputs[0].sample_count)
        if check is not None:
            check(paths)
        for index, path in enumerate(paths):
            write_npz(path, {name: read_array(arrays[index]) for name, arrays in samples.items()})
    return paths


def _place_samples(target: Path, count: int) -> list[Path]:
    if is_npz(target) and not target.is_dir():
        if count > 1:
            raise UserError(
                f"The dataset has {count} samples, and a .npz file holds one: give a folder "
                f"instead of {target}."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        return [target]
    paths = [target / sample_filename(index, count) for index in range(count)]
    target.mkdir(parents=True, exist_ok=True)
    there = (each for each in target.iterdir() if not each.name.startswith("."))
    other = min((each for each in there if each not in paths), default=None)
    if other is not None:
        raise UserError(f"{target} holds {other.name} already: give a new folder.")
    return paths


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
    with open_h5(source) as file:
        samples = get_samples(file, read_inputs(file))
        return {name: [read_array(array) for array in arrays] for name, arrays in samples.items()}


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
    with open_h5(source) as file:
        return list(get_samples(file, read_inputs(file)))


def check_file(path: Path) -> None:
    """Checks that there is a dataset at a path, without reading its arrays.

    Args:
        path: An HDF5 file, a `.npz` file, or a folder of `.npz` files.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        UserError: If it is no dataset, or is damaged.
    """
    if is_numpy(path):
        for name in NumpyDataset.find(path).names:
            check_input_name(name)
    else:
        check_h5(path)


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
        check_input_name(name): _check_samples(name, samples) for name, samples in entries.items()
    }
    counts = {name: len(samples) for name, samples in checked.items()}
    if len(set(counts.values())) > 1:
        raise UserError(
            f"All inputs of a dataset must have the same number of samples; these have {counts}."
        )
    return checked


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
def _create_h5(target: "str | Path | h5py.Group") -> Iterator["h5py.Group"]:
    import h5py

    if isinstance(target, h5py.Group):
        yield target
        return
    with create_hdf5(Path(target)) as file:
        yield file
