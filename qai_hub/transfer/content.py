"""What is uploaded: bytes that are read where they are needed, and must not change meanwhile."""

import functools
import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from qai_hub.errors import UserError
from qai_hub.transport.threads import run_in_threads

__all__ = [
    "BLOCK_SIZE",
    "Content",
    "FileContent",
    "PartDigest",
    "changed_during_upload",
    "content_sha256",
    "find_intact_parts",
    "open_content",
]

BLOCK_SIZE = 1024 * 1024
"""Number of bytes to read at a time."""

_MAX_WORKERS = 4


class Content(Protocol):
    """The content of a file, or what is uploaded as one."""

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def read(self, offset: int, size: int) -> bytes:
        """Reads at least one byte, and at most a number of bytes.

        Raises:
            UserError: If what is read has changed.
            OSError: If it cannot be read.
        """

    def check_unchanged(self) -> None:
        """Checks that the content is still that of which parts have been read.

        Raises:
            UserError: If it has changed.
        """


class FileContent:
    """The content of a file as it is when this object is created.

    Args:
        path: The file.

    Attributes:
        path: The file.
        name: Its name.
        size: Its size in bytes.

    Raises:
        OSError: If there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
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
            raise changed_during_upload(self.path)
        return block

    def check_unchanged(self) -> None:
        """Checks that the file is still the one of which parts have been read.

        Raises:
            UserError: If it has changed.
        """
        self._check(self.path.stat())

    def _check(self, found: os.stat_result) -> None:
        if _identify(found) != self._initial:
            raise changed_during_upload(self.path)


def _identify(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def open_content(source: Path | Content) -> Content:
    """Returns the content of a file, if given its path.

    Raises:
        OSError: If there is no such file.
    """
    return FileContent(source) if isinstance(source, Path) else source


def changed_during_upload(path: Path) -> UserError:
    """Returns the error about a file or folder that has changed while it was uploaded."""
    return UserError(
        f"{path} changed during the upload, so that nothing was published: upload it once it is "
        "written completely."
    )


def content_sha256(content: Content) -> str:
    """Returns the SHA-256 of a content, in hex.

    Raises:
        UserError: If it has changed.
        OSError: If it cannot be read.
    """
    return _range_digest(content, 0, content.size, "sha256")


class PartDigest(NamedTuple):
    """The digest of the bytes that a server has received as a part.

    Attributes:
        kind: `"sha256"` or `"md5"`.
        value: The digest in hex.
    """

    kind: str
    value: str


def find_intact_parts(
    content: Content, part_size: int, digests: Mapping[int, PartDigest]
) -> set[int]:
    """Finds the parts of a file that a server has received as they are.

    Args:
        content: The content of the file.
        part_size: Size of each part but the last one, in bytes.
        digests: Digests of the bytes that the server has received as each part, by index.

    Returns:
        The indices of the parts that have these digests.

    Raises:
        UserError: If the content has changed.
        OSError: If it cannot be read.
    """

    def is_intact(index: int) -> bool:
        start = index * part_size
        end = min(start + part_size, content.size)
        expected = digests[index]
        return _range_digest(content, start, end, expected.kind) == expected.value

    indices = sorted(digests)
    tasks = [functools.partial(is_intact, index) for index in indices]
    results = run_in_threads(tasks, threading.Event(), _MAX_WORKERS)
    return {index for index, found in zip(indices, results, strict=True) if found}


def _range_digest(content: Content, start: int, end: int, kind: str) -> str:
    digest = hashlib.new(kind, usedforsecurity=False)
    while start < end:
        block = content.read(start, min(BLOCK_SIZE, end - start))
        digest.update(block)
        start += len(block)
    return digest.hexdigest()
