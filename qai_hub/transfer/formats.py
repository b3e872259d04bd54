"""Detection of downloaded files that do not have the format of their suffix.

Most file servers announce a checksum. Where none is known, the format is the only proof that the
bytes are those of the file, and not of a response that something on the way made up.
"""

import io
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import BinaryIO

__all__ = ["unexpected_format"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_GRAPH_FIELD = 7
"""Field number of the graph in ONNX's ModelProto: no model is without it."""
_MAX_FIELDS = 100_000
"""Outermost fields that are looked at; models have a few, one for each function and property."""
_FIXED_SIZES = {1: 8, 5: 4}
"""Size of a value in bytes for the wire types of protobuf that have a fixed one."""


def unexpected_format(name: str, file: BinaryIO) -> str | None:
    """Describes a file that does not have the format that its suffix names.

    Only formats that prescribe a signature or a structure count, and only a few bytes are read.

    Args:
        name: Name of the file.
        file: The whole file. Its position is changed.

    Returns:
        A description for a message, such as `"something other than an HDF5 file"`; None if it may
        be that file, or if nothing is known of the format.
    """
    known = _FORMATS.get(PurePosixPath(name).suffix.lower())
    if known is None:
        return None
    kind, matches = known
    return None if matches(file) else f"something other than {kind}"


def _has_signature(*signatures: bytes, at: int = 0) -> Callable[[BinaryIO], bool]:
    def matches(file: BinaryIO) -> bool:
        file.seek(at)
        return file.read(max(map(len, signatures))).startswith(signatures)

    return matches


def _is_hdf5(file: BinaryIO) -> bool:
    """Looks where a user block may end: at 0, 512, 1024, 2048 and so on, as HDF5 prescribes."""
    size, at = file.seek(0, io.SEEK_END), 0
    while at < size:
        file.seek(at)
        if file.read(len(_HDF5)) == _HDF5:
            return True
        at = at * 2 or 512
    return False


def _is_onnx(file: BinaryIO) -> bool:
    """Walks over the outermost fields, which must end where the file ends, and finds a graph."""
    size, at, graph = file.seek(0, io.SEEK_END), 0, False
    for _ in range(_MAX_FIELDS):
        if at >= size:
            return graph and at == size
        file.seek(at)
        head = file.read(20)
        key, used = _varint(head, 0)
        if not key >> 3 or not used:
            return False
        value, after = _varint(head, used)
        match key & 7:
            case 0 if after:
                at += after
            case 2 if after:
                at += after + value
                graph = graph or key >> 3 == _GRAPH_FIELD
            case 1 | 5 as kind:
                at += used + _FIXED_SIZES[kind]
            case _:
                return False
    return True


def _varint(block: bytes, start: int) -> tuple[int, int]:
    """Reads a number of protobuf; the second value is the position after it, 0 if there is none."""
    value = 0
    for index, byte in enumerate(block[start : start + 10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, start + index + 1
    return 0, 0


_FORMATS: dict[str, tuple[str, Callable[[BinaryIO], bool]]] = {
    ".onnx": ("an ONNX model", _is_onnx),
    ".tflite": ("a TensorFlow Lite model", _has_signature(b"TFL3", at=4)),
    ".h5": ("an HDF5 file", _is_hdf5),
    ".hdf5": ("an HDF5 file", _is_hdf5),
    ".npy": ("a NumPy array", _has_signature(b"\x93NUMPY")),
    ".npz": ("a NumPy archive", _has_signature(*_ZIP)),
    ".zip": ("a ZIP archive", _has_signature(*_ZIP)),
    ".gz": ("a gzip file", _has_signature(b"\x1f\x8b")),
}
