"""Folders as ZIP archives that are never written: read where it is needed, as a file is."""

from __future__ import annotations

import bisect
import contextlib
import io
import operator
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from qai_hub.transfer.content import BLOCK_SIZE, FileContent, changed_during_upload

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

__all__ = ["FolderArchive"]

# The earliest time that a ZIP archive can tell.
_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16
# The last bits are how DOS marks a folder.
_FOLDER_MODE = 0o040755 << 16 | 0x10
_UNIX = 3


class FolderArchive:
    """A ZIP archive with a folder at its root, under the folder's name.

    Equal folders make equal archives: entries are sorted, and have no times and modes of their own.
    Creating the object reads each file once, for the checksums in the archive.

    Args:
        folder: The folder.

    Attributes:
        name: Name of the folder.
        size: Size of the archive in bytes.

    Raises:
        OSError: If a file cannot be read.
        UserError: If a file changes meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self.name = folder.resolve().name
        self._folder = folder
        self._entries = _list_entries(folder)
        self._files: list[FileContent] = []
        layout = _Layout()
        # Stored, as weights hardly compress: so it is known where each byte is.
        with zipfile.ZipFile(layout, "w") as zipped:
            for path in self._entries:
                name = (PurePosixPath(self.name) / path.relative_to(folder).as_posix()).as_posix()
                if path.is_dir():
                    zipped.writestr(_make_entry(f"{name}/", _FOLDER_MODE), b"")
                else:
                    self._files.append(FileContent(path))
                    _add_file(zipped, layout, _make_entry(name, _FILE_MODE), self._files[-1])
        self.size = layout.size
        self._pieces = sorted(layout.pieces.items(), key=operator.itemgetter(0))
        self._starts = [start for start, _ in self._pieces]

    def read(self, offset: int, size: int) -> bytes:
        """Reads bytes of the archive.

        Args:
            offset: Offset of the first byte.
            size: Number of bytes, all of which are in the archive.

        Returns:
            At least one byte, and at most as many as were asked for.

        Raises:
            UserError: If a file has changed.
            OSError: If a file cannot be read.
        """
        start, piece = self._pieces[bisect.bisect_right(self._starts, offset) - 1]
        skipped = offset - start
        if isinstance(piece, bytes):
            return piece[skipped : skipped + size]
        return piece.read(skipped, min(size, piece.size - skipped))

    def check_unchanged(self) -> None:
        """Checks that the folder is still the one of which parts have been read.

        Raises:
            UserError: If it has changed.
        """
        for file in self._files:
            file.check_unchanged()
        if _list_entries(self._folder) != self._entries:
            raise changed_during_upload(self._folder)


class _Layout(io.RawIOBase):
    """Stands for the file of an archive, and keeps where its bytes come from.

    Attributes:
        pieces: The headers, and the files between them, by their offset; none is empty.
        size: Size in bytes so far.
    """

    def __init__(self) -> None:
        self.pieces: dict[int, bytes | FileContent] = {}
        self.size = 0
        self._position = 0
        self._is_in_file = False

    @contextlib.contextmanager
    def in_file(self, file: FileContent) -> Iterator[None]:
        """Takes what is written during a block for the content of a file, and keeps none of it."""
        if file.size:
            self.pieces[self._position] = file
        self._is_in_file = True
        yield
        self._is_in_file = False

    def seekable(self) -> bool:
        """Returns that headers can be written over."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves to an offset from the beginning."""
        self._position = offset
        return offset

    def tell(self) -> int:
        """Returns the current offset."""
        return self._position

    def write(self, data: Buffer) -> int:
        """Keeps a header, or passes over bytes that can be read from their file again."""
        content = bytes(data)
        if content and not self._is_in_file:
            self.pieces[self._position] = content
        self._position += len(content)
        self.size = max(self.size, self._position)
        return len(content)


def _list_entries(folder: Path) -> list[Path]:
    return [folder, *sorted(folder.rglob("*"))]


def _make_entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.create_system, entry.external_attr = _UNIX, mode
    return entry


def _add_file(
    zipped: zipfile.ZipFile, layout: _Layout, entry: zipfile.ZipInfo, file: FileContent
) -> None:
    # The size decides which form of header the file needs.
    entry.file_size = file.size
    with zipped.open(entry, "w") as member, layout.in_file(file):
        offset = 0
        while offset < file.size:
            offset += member.write(file.read(offset, BLOCK_SIZE))
