"""The inputs of a dataset in an HDF5 file, checked before anything of their size is allocated."""

import numbers
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qai_hub.closest import why_no_file
from qai_hub.dataset_layout import get_stored_member, get_stored_sample
from qai_hub.errors import UserError
from qai_hub.next_steps import Step
from qai_hub.stored_arrays import StoredArrayChecker, StoredDataError, read_attribute

if TYPE_CHECKING:
    import h5py
    import numpy as np

__all__ = [
    "StoredInput",
    "check_input_name",
    "get_samples",
    "open_h5",
    "read_array",
    "read_inputs",
    "read_sample",
]

A = TypeVar("A", str, int)

_HOW_TO_GET_HDF5 = Step(
    'hub.upload_dataset({"image": [array]}) makes a dataset of arrays, and a download of it an '
    "HDF5 file.",
    "`qai-hub dataset upload --help` tells what they hold.",
)
_MAX_NAME_BYTES = 4096


class StoredInput(NamedTuple):
    """An input of a dataset.

    Attributes:
        name: Its name.
        group: The group that holds its samples.
        sample_count: Number of samples that it is said to have.
    """

    name: str
    group: "h5py.Group"
    sample_count: int


def check_input_name(name: object) -> str:
    """Checks that a name can be that of an input.

    Args:
        name: The name.

    Returns:
        The name.

    Raises:
        UserError: If it cannot.
    """
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


@contextmanager
def open_h5(source: "str | Path | h5py.Group") -> Iterator["h5py.Group"]:
    """Opens an HDF5 file.

    Args:
        source: Path of a file, or an open HDF5 file, which is left open.

    Yields:
        The open file.

    Raises:
        FileNotFoundError: If the file does not exist.
        UserError: If it is no HDF5 file.
    """
    import h5py

    if isinstance(source, h5py.Group):
        yield source
        return
    path = Path(source)
    if path.is_dir():
        raise FileNotFoundError(
            f"There is no dataset at {path}: it is a folder, and a dataset is an HDF5 file."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no dataset at {path}{why_no_file(path)}")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path} is no HDF5 file, or is cut short. A dataset is an HDF5 file, a .npz file, or "
            f"a folder of .npz files: {_HOW_TO_GET_HDF5}"
        ) from error
    with file:
        yield file


def read_inputs(file: "h5py.Group") -> list[StoredInput]:
    """Reads which inputs a dataset has, but nothing of their samples.

    Args:
        file: The open file.

    Returns:
        The inputs, in order.

    Raises:
        UserError: If the file does not hold a dataset, or is damaged.
    """
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
        inputs = [_read_input(group) for group in groups]
        if not inputs:
            raise UserError("It has no inputs.")
        if len({each.name for each in inputs}) < len(inputs):
            raise UserError("Two of its inputs have the same name.")
        if len({each.sample_count for each in inputs}) > 1:
            raise UserError("Its inputs have different numbers of samples.")
        return inputs


def _read_input(group: "h5py.Group") -> StoredInput:
    name = check_input_name(_get_attribute(group, "name", str))
    count = _get_attribute(group, "batch_count", int)
    if count < 1:
        raise UserError(f"{group.name} has the batch_count {count}: it must be at least 1.")
    return StoredInput(name, group, count)


def get_samples(
    file: "h5py.Group", inputs: Iterable[StoredInput]
) -> dict[str, list["h5py.Dataset"]]:
    """Checks all samples of a dataset without reading them.

    Args:
        file: The open file.
        inputs: Its inputs.

    Returns:
        For each name, in order, the samples.

    Raises:
        UserError: If a sample is missing or is not an array of numbers, or if the file cannot hold
            all that it declares.
    """
    with _report_damage(file):
        stored = StoredArrayChecker(file)
        return {
            name: [_get_sample(group, index, stored) for index in range(count)]
            for name, group, count in inputs
        }


def read_sample(group: "h5py.Group", index: int) -> "np.ndarray[Any, Any]":
    """Reads a sample, after checking that the file can hold it.

    Args:
        group: The group of its input.
        index: Number of the sample, from 0.

    Raises:
        UserError: If it is missing, not an array of numbers, or damaged.
    """
    with _report_damage(group):
        sample = _get_sample(group, index, StoredArrayChecker(group))
    return read_array(sample)


def read_array(array: "h5py.Dataset") -> "np.ndarray[Any, Any]":
    """Reads an array that has been checked.

    Args:
        array: The array.

    Raises:
        UserError: If it is damaged.
    """
    import numpy as np

    with _report_damage(array):
        return np.asarray(array[()])


def _get_sample(group: "h5py.Group", index: int, stored: StoredArrayChecker) -> "h5py.Dataset":
    sample = get_stored_sample(group, index)
    if sample.dtype.kind not in "biuf":
        raise UserError(f"{sample.name} has the dtype {sample.dtype}: it must hold numbers.")
    stored.check(sample)
    return sample


def _get_attribute(group: "h5py.Group", key: str, kind: type[A]) -> A:
    value = read_attribute(group, key)
    if isinstance(value, bytes):
        value = value.decode()
    elif isinstance(value, numbers.Integral):
        value = int(value)
    if not isinstance(value, kind):
        raise UserError(f"{group.name} has no attribute {key} of type {kind.__name__}.")
    return value


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
