"""What is uploaded: the content of a file, read where it is needed, which must not change."""

import functools
import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from qai_hub.errors import UserError
from qai_hub.transport.threads import run_in_threads

__all__ = ["FileContent", "file_sha256", "find_intact_parts"]

_BLOCK = 1024 * 1024
_MAX_WORKERS = 4


class FileContent:
    """The content of a file as it is when this object is created.

    Args:
        path: The file.

    Attributes:
        path: The file.
        size: Its size in bytes.

    Raises:
        OSError: If there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._initial = _identify(path.stat())
        self.size = self._initial[0]

    def read(self, offset: int, size: int) -> bytes:
        """Reads bytes of the file.

        Args:
            offset: Offset of the first byte.
            size: Number of bytes, all of which are in the file.

        Returns:
            At least one byte, and at most as many as were asked for.

        Raises:
            UserError: If the file has changed.
            OSError: If the file cannot be read.
        """
        # The file is not kept open while waiting for the network, so that a program that is
        # interrupted meanwhile can delete it, on Windows too.
        with self.path.open("rb", buffering=0) as file:
            file.seek(offset)
            block = file.read(size)
            # After reading: what was written before that shows in the time.
            self._check(os.fstat(file.fileno()))
        if not block:
            raise self._changed()
        return block

    def check_unchanged(self) -> None:
        """Checks that the file is still the one of which parts have been read.

        Raises:
            UserError: If it has changed.
        """
        self._check(self.path.stat())

    def _check(self, found: os.stat_result) -> None:
        if _identify(found) != self._initial:
            raise self._changed()

    def _changed(self) -> UserError:
        return UserError(
            f"{self.path} changed during the upload, so that nothing was published: upload it once "
            "it is written completely."
        )


def _identify(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_intact_parts(path: Path, part_size: int, digests: Mapping[int, str]) -> set[int]:
    """Finds the parts of a file that a server has received as they are.

    Args:
        path: The file.
        part_size: Size of each part but the last one, in bytes.
        digests: SHA-256 in hex of the bytes that the server has received as each part, by index.

    Returns:
        The indices of the parts that have these digests.

    Raises:
        OSError: If the file cannot be read.
    """

    def is_intact(index: int) -> bool:
        return _part_sha256(path, index * part_size, part_size) == digests[index]

    indices = sorted(digests)
    tasks = [functools.partial(is_intact, index) for index in indices]
    results = run_in_threads(tasks, threading.Event(), _MAX_WORKERS)
    return {index for index, found in zip(indices, results, strict=True) if found}


def _part_sha256(path: Path, offset: int, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while size > 0 and (block := file.read(min(_BLOCK, size))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()
