"""What a dataset file has: its inputs, whose samples are read one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import h5py
import numpy as np

from qai_hub.dataset_layout import get_stored_member
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.stored_arrays import StoredDataError, read_attribute


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """An input in a dataset file.

    Attributes:
        name: Its name.
        order: Its place among the inputs.
        batches: Number of its samples, as the file tells it.
        group: The group that holds them.
    """

    name: str
    order: int
    batches: int
    group: h5py.Group


@contextmanager
def report_damage() -> Iterator[None]:
    """Report what is wrong with a dataset file.

    Raises:
        JobFailure: The block has met damage.
    """
    try:
        yield
    except StoredDataError as error:
        raise invalid_inputs(f"The dataset cannot be read: {error}") from None
    # The exception that h5py raises for a damaged file depends on where the damage is.
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = f"The dataset is not an HDF5 file, or it is damaged: {error}."
        raise invalid_inputs(reason) from None


def read_inputs(file: h5py.File) -> list[DatasetInput]:
    """Return the inputs in a dataset file, in order.

    Raises:
        JobFailure: An input lacks what each has.
        StoredDataError: The file holds something else.
    """
    data = get_stored_member(file, "data", h5py.Group)
    entries = []
    for key in data:
        group = get_stored_member(data, key, h5py.Group)
        name = read_attribute(group, "name")
        name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        order, count = read_attribute(group, "order"), read_attribute(group, "batch_count")
        whole = (int, np.integer)
        if not (isinstance(name, str) and isinstance(order, whole) and isinstance(count, whole)):
            raise invalid_inputs(
                f"The group data/{key} of the dataset lacks one of the attributes name (text), "
                "order and batch_count (integers)."
            )
        entries.append(DatasetInput(name, int(order), int(count), group))
    return sorted(entries, key=lambda entry: entry.order)


def invalid_inputs(reason: str) -> JobFailure:
    """Return the failure of a job whose dataset is not what it should be."""
    return JobFailure(FailureType.INVALID_INPUTS, reason)
