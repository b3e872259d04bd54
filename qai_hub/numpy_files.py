"""Datasets as NumPy files.

A `.npz` file holds one sample: for each input, by its name, one array. A folder of such files holds
a sample in each. Nothing is unpickled, and sizes are checked before memory is allocated.
"""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qai_hub.closest import why_no_file
from qai_hub.errors import UserError
from qai_hub.tensors import DTYPES
from qai_hub.written_files import whole_file

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NumpyDataset", "is_npz", "is_numpy", "sample_filename", "write_npz"]

_SUFFIX = ".npz"
_MEMBER_SUFFIX = ".npy"
_MAX_HEADER_BYTES = 1 << 16

# How much larger than their stored bytes files can be. DEFLATE makes 258 bytes of 2 bits.
_EXPANSION = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
_ENCRYPTED = 1


def is_npz(path: Path) -> bool:
    """Returns whether a path has the suffix of a file of arrays."""
    return path.suffix.lower() == _SUFFIX


def is_numpy(path: Path) -> bool:
    """Returns whether a path is read as NumPy files, by its suffix or since it is a folder."""
    return path.suffix.lower() in {_SUFFIX, _MEMBER_SUFFIX} or path.is_dir()


def sample_filename(index: int, count: int) -> str:
    """Returns the name of a sample's file in a folder; in the order of names they are in order.

    Args:
        index: Number of the sample, from 0.
        count: How many samples there are.
    """
    return f"{index:0{len(str(count - 1))}}{_SUFFIX}"


def write_npz(path: Path, sample: dict[str, "np.ndarray[Any, Any]"]) -> None:
    """Writes a sample. The file appears under its name when it is complete.

    Args:
        path: The file, which is replaced.
        sample: An array for each input.
    """
    from numpy.lib.format import write_array

    # Not by `np.savez`, which takes names as keyword arguments, and cannot take all of them.
    with (
        whole_file(path) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name, array in sample.items():
            with archive.open(f"{name}{_MEMBER_SUFFIX}", "w", force_zip64=True) as member:
                write_array(member, array, allow_pickle=False)


@dataclass(frozen=True)
class NumpyDataset:
    """A dataset in NumPy files, all of which were found to be readable.

    Attributes:
        files: A file for each sample, in order.
        names: The names of the inputs, in order.
    """

    files: list[Path]
    names: list[str]

    @classmethod
    def find(cls, path: Path) -> "NumpyDataset":
        """Finds a dataset, without reading its arrays.

        Args:
            path: A `.npz` file, or a folder of them.

        Raises:
            FileNotFoundError: If there is nothing at the path.
            UserError: If it is no dataset, or is damaged.
        """
        files = _list_files(path)
        names = _check_file(files[0])
        for file in files[1:]:
            found = _check_file(file)
            if sorted(found) != sorted(names):
                raise UserError(
                    f"{file} has the arrays {found}, and {files[0]} has {names}: all samples need "
                    "the same inputs."
                )
        return cls(files, names)

    def read(self, name: str) -> Iterator["np.ndarray[Any, Any]"]:
        """Reads the samples of an input, one at a time.

        Args:
            name: Name of the input.

        Raises:
            UserError: If a file is damaged.
        """
        return (_read_array(file, name) for file in self.files)


def _read_array(file: Path, name: str) -> "np.ndarray[Any, Any]":
    from numpy.lib.format import read_array

    with _open_archive(file) as archive, archive.open(f"{name}{_MEMBER_SUFFIX}") as member:
        array: np.ndarray[Any, Any] = read_array(member, allow_pickle=False)
        # The checksum is compared at the end of the member.
        if member.read(1):
            raise UserError(f"{name!r} in {file} is longer than its header says.")
    return array


def _list_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(
            (each for each in path.iterdir() if not each.name.startswith(".")), key=_by_numbers
        )
        other = next((each for each in files if not is_npz(each)), None)
        if other or not files:
            raise UserError(
                f"{path} {f'holds {other.name}' if other else 'is empty'}: a folder can be a "
                "dataset if it holds nothing but .npz files, one for each sample."
            )
        return files
    if not path.is_file():
        raise FileNotFoundError(f"There is no dataset at {path}{why_no_file(path)}")
    if path.suffix.lower() == _MEMBER_SUFFIX:
        raise UserError(
            f"{path} does not say which input it is for: save it under the name of the input, "
            f'np.savez("inputs.npz", NAME=np.load({path.name!r})).'
        )
    return [path]


def _by_numbers(path: Path) -> tuple[list[tuple[str, int]], str]:
    """Sorts 9.npz before 10.npz."""
    parts = re.findall(r"(\D*)([0-9]*)", path.name)
    return [(text, int(number or -1)) for text, number in parts], path.name


def _check_file(path: Path) -> list[str]:
    """Checks what a file says of its arrays; returns their names."""
    with _open_archive(path) as archive:
        size = path.stat().st_size
        stored = 0
        names = []
        for info in archive.infolist():
            names.append(_check_member(path, archive, info))
            stored += info.compress_size
        if not names:
            raise UserError(f"{path} has no arrays.")
        if stored > size:
            raise UserError(f"{path} is damaged: its arrays are said to be longer than the file.")
    if len(set(names)) < len(names):
        raise UserError(f"{path} has two arrays with the same name.")
    return names


def _check_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if not info.filename.endswith(_MEMBER_SUFFIX):
        raise UserError(f"{path} holds {info.filename[:50]!r}, which is no array: use np.savez.")
    name = info.filename.removesuffix(_MEMBER_SUFFIX)
    shown = f"{name[:50]!r} in {path}"
    if info.flag_bits & _ENCRYPTED:
        raise UserError(f"{shown} is encrypted.")
    if info.compress_type not in _EXPANSION:
        raise UserError(f"{shown} is compressed as np.savez_compressed does not: use that.")
    if info.file_size > info.compress_size * _EXPANSION[info.compress_type]:
        raise UserError(
            f"{shown} is said to have {info.file_size} bytes, and only {info.compress_size} are "
            "stored, which cannot hold so much."
        )
    with archive.open(info) as member:
        start = BytesIO(member.read(_MAX_HEADER_BYTES))
    shape, dtype = _read_header(shown, start)
    if dtype.name not in DTYPES:
        raise UserError(
            f"{shown} has the dtype {dtype.name}: it must be one of {', '.join(DTYPES)}. Convert "
            "it, for example with array.astype(np.float32), and save it again."
        )
    if start.tell() + prod(shape) * dtype.itemsize != info.file_size:
        raise UserError(f"{shown} is damaged: its size is not that of its shape {shape}.")
    return name


def _read_header(shown: str, start: BytesIO) -> tuple[tuple[int, ...], "np.dtype[Any]"]:
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(start)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(start)
    # Which error the reader of headers raises depends on what is wrong with them. What they say is
    # for those who write such readers.
    except Exception as error:
        raise UserError(
            f"{shown} is no array, or is damaged: its header cannot be read."
        ) from error
    if dtype.hasobject:
        raise UserError(
            f"{shown} holds Python objects, which are not read, since reading them could run code: "
            "save an array of numbers. Samples of different shapes go into files of their own."
        )
    return shape, dtype


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise UserError(f"{path} is no .npz file, or is damaged: {error}.") from error
