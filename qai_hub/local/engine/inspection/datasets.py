"""Tells what is in a dataset: shapes, types, ranges, histograms, and small pictures of samples."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from qai_hub.dataset_layout import get_stored_sample
from qai_hub.local.engine.dataset_files import DatasetInput, read_inputs, report_damage
from qai_hub.local.engine.inspection.numbers import Array, describe_values
from qai_hub.local.engine.inspection.pictures import preview
from qai_hub.stored_arrays import StoredArrayChecker

_MAX_ENTRIES = 64
_MAX_SAMPLES = 1000
_MAX_BYTES = 64 << 20
_PREVIEWS = 4
# The pictures of a page, in characters.
_MAX_PICTURES = 2 << 20
_MAX_SHAPES = 8
NAME_LIMIT = 200


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """The samples of an entry, as far as they are read.

    Attributes:
        name: Its name.
        samples: How many it has.
        dtype: The type of their elements.
        shapes: Their shapes.
        arrays: The first of them; none if they are not numbers.
        is_partial: Whether the last of these is the beginning of a sample.
    """

    name: str
    samples: int
    dtype: str
    shapes: Sequence[Sequence[int]]
    arrays: Sequence[Array]
    is_partial: bool

    @property
    def whole_samples(self) -> int:
        """The number of samples that were read as a whole."""
        return len(self.arrays) - self.is_partial


def inspect_dataset(path: Path) -> dict[str, Any]:
    """Tell what is in a dataset.

    Args:
        path: The HDF5 file.

    Returns:
        The number of its `entries`, and what each of the first has.

    Raises:
        JobFailure: It is not a dataset, or damaged.
    """
    room = _MAX_PICTURES
    entries = list[dict[str, Any]]()
    with open_dataset(path) as reader:
        for entry in reader.read():
            pictures = list[dict[str, Any]]()
            for array in entry.arrays[:_PREVIEWS]:
                if array.size and room > 0:
                    pictures.append(preview(array))
                    room -= len(pictures[-1].get("source", ""))
            entries.append(
                {
                    "name": entry.name,
                    "dtype": entry.dtype,
                    "shapes": entry.shapes,
                    "samples": entry.samples,
                    "read": entry.whole_samples,
                    "is_partial": entry.is_partial,
                    "values": describe_values(entry.arrays) if entry.arrays else None,
                    "previews": pictures,
                }
            )
        return {"entries": entries, "entry_count": reader.count}


class DatasetReader:
    """Reads the first samples of each entry of a dataset.

    Args:
        file: The open file.
    """

    def __init__(self, file: h5py.File) -> None:
        self._inputs = read_inputs(file)
        self._arrays = StoredArrayChecker(file)

    @property
    def count(self) -> int:
        """The number of entries."""
        return len(self._inputs)

    def read(self) -> Iterator[ReadEntry]:
        """Read the entries, one after the other."""
        wanted = self._inputs[:_MAX_ENTRIES]
        for entry in wanted:
            yield self._read_entry(entry, _MAX_BYTES // len(wanted))

    def _read_entry(self, entry: DatasetInput, room: int) -> ReadEntry:
        shapes, arrays = dict[tuple[int, ...], None](), list[Array]()
        dtype, is_partial = "", False
        for index in range(min(entry.batches, _MAX_SAMPLES)):
            stored = get_stored_sample(entry.group, index)
            self._arrays.check(stored)
            shape = tuple(stored.shape or ())
            if len(shapes) < _MAX_SHAPES:
                shapes[shape] = None
            dtype = dtype or stored.dtype.name[:NAME_LIMIT]
            if stored.dtype.kind not in "biuf" or stored.shape is None:
                break
            rows = _fitting_rows(stored, room)
            is_partial = rows is not None
            if rows == 0:
                is_partial = False
                break
            arrays.append(stored[()] if rows is None else stored[:rows])
            room -= arrays[-1].nbytes
            if is_partial:
                break
        return ReadEntry(
            entry.name[:NAME_LIMIT],
            max(0, entry.batches),
            dtype,
            [list(shape) for shape in shapes],
            [array.astype(array.dtype.newbyteorder("=")) for array in arrays],
            is_partial,
        )


def _fitting_rows(stored: h5py.Dataset, room: int) -> int | None:
    """Return how much of the first dimension of a sample fits; None for all of it."""
    size = int(stored.size) * int(stored.dtype.itemsize)
    if size <= room:
        return None
    rows = int(stored.shape[0])
    return room * rows // size


@contextmanager
def open_dataset(path: Path) -> Iterator[DatasetReader]:
    """Open a dataset.

    Raises:
        JobFailure: It is not a dataset, or damaged.
    """
    with report_damage(), h5py.File(path, "r") as file:
        yield DatasetReader(file)
