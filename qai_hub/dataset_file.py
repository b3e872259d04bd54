"""Datasets as HDF5 files, and as NumPy files, which are made HDF5 to be uploaded."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.dataset_compression import MIN_COMPRESSED_BYTES, compression_options
from qai_hub.dataset_entries import check_counts, check_sample, validate_entries
from qai_hub.dataset_layout import add_input, sample_key
from qai_hub.errors import UserError
from qai_hub.hdf5_files import NewHDF5, create_hdf5
from qai_hub.numpy_files import NumpyDataset, is_npz, is_numpy, sample_filename, write_npz
from qai_hub.stored_inputs import (
    check_input_name,
    get_samples,
    open_h5,
    read_array,
    read_inputs,
)
from qai_hub.temporary_files import temporary_folder

if TYPE_CHECKING:
    import h5py
    import numpy as np

    from qai_hub.tensors import DatasetSamples

    Array = np.ndarray[Any, Any]

__all__ = [
    "as_h5",
    "check_file",
    "check_h5",
    "dataset_entries_to_h5",
    "h5_to_dataset_entries",
    "h5_to_npz",
]

H5 = TypeVar("H5", bound="str | Path | h5py.Group")


def dataset_entries_to_h5(entries: "DatasetSamples", target: H5, *, compress: bool = True) -> H5:
    """Writes a dataset as HDF5, one array at a time.

    Arrays are stored as they are, except for inputs that shrink to about a third.

    Args:
        entries: For each name, in order, its samples; a bare array is one sample. All names have
            the same number of samples, with dtypes from `qai_hub.tensors.DTYPES`. From iterables
            that are no lists, samples are taken as they are written: the first one of each name,
            then the second ones, and so on.
        target: Path of a file, which is replaced, or an open, empty HDF5 file.
        compress: Whether to compress at all; False where the file does not travel far.

    Returns:
        The target.

    Raises:
        UserError: If the entries are not a dataset.
        OSError: If the file cannot be written.
    """
    checked = validate_entries(entries)
    with _create_h5(target) as (file, check):
        writers = [
            _InputWriter(add_input(file, order, name, 0), name, samples, compress=compress)
            for order, (name, samples) in enumerate(checked.items())
        ]
        is_complete = False
        while not is_complete:
            written = [writer.write_sample() for writer in writers]
            check()
            is_complete = not all(written)
        check_counts({writer.name: writer.count for writer in writers})
        for writer in writers:
            writer.finish()
    return target


class _InputWriter:
    """Writes the samples of an input one by one.

    Args:
        group: The group of the input.
        name: Name of the input.
        samples: The samples, of which those in a list have been checked.
        compress: Whether samples are compressed if they shrink: those of a list, of which several
            are tried; of another iterable, the first one.
    """

    def __init__(
        self, group: "h5py.Group", name: str, samples: "Iterable[Array]", *, compress: bool
    ) -> None:
        self.name = name
        self.count = 0
        self._group = group
        self._samples = iter(samples)
        self._options: dict[str, Any] | None = None if compress else {}
        if compress and isinstance(samples, list):
            self._options = compression_options(samples)

    def write_sample(self) -> bool:
        """Writes the next sample; returns False if there is none."""
        for sample in self._samples:
            check_sample(self.name, self.count, sample)
            if self._options is None:
                self._options = compression_options([sample])
            native = sample.astype(sample.dtype.newbyteorder("="), copy=False)
            large = sample.nbytes >= MIN_COMPRESSED_BYTES
            options = self._options if large else {}
            self._group.create_dataset(sample_key(self.count), data=native, **options)
            self.count += 1
            return True
        return False

    def finish(self) -> None:
        """Writes how many samples there are."""
        self._group.attrs["batch_count"] = self.count


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
        samples = {name: found.read(name) for name in found.names}
        yield dataset_entries_to_h5(samples, Path(folder) / "data.h5", compress=compress)


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


@contextmanager
def _create_h5(target: "str | Path | h5py.Group") -> Iterator[NewHDF5]:
    import h5py

    if isinstance(target, h5py.Group):
        yield NewHDF5(target, lambda: None)
        return
    with create_hdf5(Path(target)) as created:
        yield created
