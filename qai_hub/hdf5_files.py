"""HDF5 files that are written, in whole or not at all.

If a write fails, as on a full disk, HDF5 cannot close the file either, and its library ends the
process with a segmentation fault. So it is not told: it writes on into nothing, and the error is
raised between writes or when the file is closed.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import h5py

__all__ = ["NewHDF5", "create_hdf5"]


class NewHDF5(NamedTuple):
    """An HDF5 file that is being written.

    Attributes:
        file: The open file.
        check: Raises the `OSError` of a write that failed, so that nobody goes on for nothing.
    """

    file: "h5py.Group"
    check: Callable[[], None]


@contextlib.contextmanager
def create_hdf5(path: Path) -> Iterator[NewHDF5]:
    """Creates an HDF5 file, and removes it if an error ends the block or the file is incomplete.

    Args:
        path: Path of the file, which is replaced.

    Yields:
        The open file, and its check.

    Raises:
        OSError: If it cannot be written.
    """
    import h5py

    sink = _Sink(str(path), "w+b")
    try:
        with sink, h5py.File(sink, "w") as file:
            yield NewHDF5(file, partial(sink.raise_kept, path))
        sink.raise_kept(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _Sink(io.FileIO):
    """A file that keeps the first error of a write, and pretends that all went well."""

    error: OSError | None = None

    def raise_kept(self, path: Path) -> None:
        if self.error is not None:
            raise OSError(self.error.errno, self.error.strerror, str(path))

    def write(self, content: Any) -> int:  # noqa: ANN401 - any buffer
        rest = memoryview(content)
        try:
            while rest and self.error is None:
                rest = rest[super().write(rest) or 0 :]
        except OSError as error:
            self.error = error
        return len(content)

    def readinto(self, target: Any) -> int:  # noqa: ANN401 - any buffer
        count = super().readinto(target)
        # HDF5 reads back what it has written.
        return len(target) if self.error is not None else count or 0

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0
