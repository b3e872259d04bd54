"""Takes over what a worker has left in its folder.

A model that exploits a fault of a runtime decides what that is. In place of files, there may be
links to those of the hub or of other users, pipes that nobody writes to, or more than fits into
memory.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

# Without them, links are followed, and opening a pipe waits for a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class LeftFileError(ValueError):
    """What a worker has left is not a file of its own, or too large."""


def find_left_file(folder: Path, name: str) -> Path:
    """Return the path of a file, once the worker has ended.

    Args:
        folder: The worker's folder.
        name: The name of a file that is directly in it.

    Raises:
        FileNotFoundError: There is none.
        LeftFileError: It is something else.
    """
    if name in ("", ".", "..") or Path(name).name != name:
        raise LeftFileError(f"{name[:200]!r} is no name of a file in the folder of a worker")
    path = folder / name
    _check_kind(path, path.lstat())
    return path


def read_left_file(path: Path, limit: int) -> bytes:
    """Read a file, which the worker may still be changing.

    Args:
        path: The file, directly in the worker's folder.
        limit: Its maximum size, in bytes.

    Raises:
        FileNotFoundError: There is none.
        LeftFileError: It is something else, or larger.
    """
    with _open(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise LeftFileError(f"{path} has more than {limit} bytes")
    return content


def _open(path: Path) -> BinaryIO:
    # As the error of a link differs between systems, it is looked at beforehand as well.
    _check_kind(path, path.lstat())
    file = os.fdopen(os.open(path, _FLAGS), "rb")
    try:
        _check_kind(path, os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def _check_kind(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LeftFileError(f"{path} is not a file of its own")
