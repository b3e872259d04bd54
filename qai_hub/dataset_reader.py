"""Datasets in HDF5 files, read one sample at a time."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, SupportsIndex, overload

from qai_hub.display.text import format_fields
from qai_hub.errors import InvalidValueError, UserError
from qai_hub.numpy_files import is_npz
from qai_hub.stored_inputs import StoredInput, open_h5, read_inputs, read_sample

if TYPE_CHECKING:
    import h5py
    import numpy as np

__all__ = ["DatasetReader"]


class _WatchedFile:
    """An open file of a dataset, in which no read is trusted once it has changed.

    HDF5 itself reads zeros where a file was cut short after it was opened.

    Args:
        path: Path of the file, for messages.
        stream: The file, opened once more.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._state = self._get_state()

    def read(self, group: "h5py.Group", index: int) -> "np.ndarray[Any, Any]":
        self._check()
        try:
            return read_sample(group, index)
        finally:
            self._check()

    def _check(self) -> None:
        if self._stream.closed:
            raise InvalidValueError(
                f"The reader of {self._path} is closed: read samples within its `with` block."
            )
        if self._get_state() != self._state:
            raise UserError(f"{self._path} has changed since it was opened: open it again.")

    def _get_state(self) -> tuple[int, int]:
        status = os.fstat(self._stream.fileno())
        return status.st_size, status.st_mtime_ns


class _Samples(Sequence["np.ndarray[Any, Any]"]):
    """The samples of an input, read when they are asked for."""

    def __init__(self, stored: StoredInput, file: _WatchedFile) -> None:
        self._stored = stored
        self._file = file

    def __len__(self) -> int:
        return self._stored.sample_count

    @overload
    def __getitem__(self, index: SupportsIndex) -> "np.ndarray[Any, Any]": ...

    @overload
    def __getitem__(self, index: slice) -> list["np.ndarray[Any, Any]"]: ...

    def __getitem__(
        self, index: SupportsIndex | slice
    ) -> "np.ndarray[Any, Any] | list[np.ndarray[Any, Any]]":
        name, group, count = self._stored
        numbers = range(count)
        if isinstance(index, slice):
            return [self._file.read(group, number) for number in numbers[index]]
        try:
            number = numbers[index]
        except IndexError:
            raise IndexError(
                f"{name!r} has {count} samples, none with the index {index}."
            ) from None
        return self._file.read(group, number)

    def __iter__(self) -> Iterator["np.ndarray[Any, Any]"]:
        # Unlike a generator function, which would hold a sample while it reads the next one.
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} samples of {self._stored.name!r}>"


class DatasetReader(Mapping[str, Sequence["np.ndarray[Any, Any]"]]):
    """A dataset in an HDF5 file, whose samples are read when they are asked for.

    It looks like the dictionary that `Dataset.download` returns: for each name, in order, a
    sequence of arrays, one per sample. An index reads one sample, a slice a list of samples, and
    iteration one sample at a time; nothing is kept in memory. Leaving the `with` block, or
    `close()`, closes the file.

    `Dataset.open` returns a reader of a dataset on the hub.

    Args:
        path: Path of an HDF5 file, as `Dataset.download` writes it.

    Attributes:
        path: Path of the file.

    Raises:
        FileNotFoundError: If the file does not exist.
        UserError: If the file does not hold a dataset; when a sample is read, if it is damaged, or
            if the file has changed since it was opened.
        ValueError: If a sample is read after the reader was closed.

    Examples:
        >>> path = inference_job.download_output_data("outputs.h5")
        >>> with hub.DatasetReader(path) as outputs:
        ...     print(list(outputs), len(outputs["y"]), outputs["y"][0].shape)
        ...     largest = max(float(sample.max()) for sample in outputs["y"])
        ['y'] 1 (1, 3, 1, 1)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        if is_npz(self.path):
            raise UserError(f"{self.path} is a NumPy file: read it with numpy.load.")
        with ExitStack() as opened:
            inputs = read_inputs(opened.enter_context(open_h5(self.path)))
            file = _WatchedFile(self.path, opened.enter_context(self.path.open("rb")))
            self._samples = {each.name: _Samples(each, file) for each in inputs}
            self._opened = opened.pop_all()

    @classmethod
    def _open_temporary(cls, path: str, cleanup: ExitStack) -> Self:
        """Opens a file that is deleted when the reader is closed.

        Args:
            path: Path of the file.
            cleanup: Deletes it; left to the caller if the file cannot be opened.
        """
        reader = cls(path)
        cleanup.push(reader._opened)
        reader._opened = cleanup.pop_all()
        return reader

    def __getitem__(self, name: str) -> Sequence["np.ndarray[Any, Any]"]:
        if name not in self._samples:
            raise KeyError(
                f"{self.path} has no {name!r}: it has {', '.join(map(repr, self._samples))}."
            )
        return self._samples[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._samples)

    def __len__(self) -> int:
        return len(self._samples)

    def close(self) -> None:
        """Closes the file. Samples cannot be read any longer.

        Examples:
            >>> outputs = hub.DatasetReader(inference_job.download_output_data("outputs.h5"))
            >>> first = outputs["y"][0]
            >>> outputs.close()
        """
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = {name: len(samples) for name, samples in self.items()}
        return format_fields("DatasetReader", {"path": str(self.path), "samples": counts})
