"""Where files that the user has named are written, whatever writes them.

A file appears under its name when it is complete. What is there and is no file is left alone, and
a link stays one: what it leads to is replaced.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qai_hub.errors import UserError

__all__ = ["check_place", "find_place", "make_folder", "move_whole", "whole_file", "write_whole"]


def find_place(path: Path) -> Path:
    """Returns where to put a file in place of what is at a path.

    Args:
        path: The path that the user has named, or its place in a folder that they have.

    Returns:
        That path; if a link is there, the path that it leads to.

    Raises:
        UserError: A folder, a device, a pipe or a socket is there.
    """
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device, a pipe or a socket"
        raise UserError(f"{path} is {kind}, which no file replaces: give the path of a file.")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def make_folder(path: Path) -> None:
    """Creates a folder, unless it exists.

    Args:
        path: The folder.

    Raises:
        UserError: If something else is there.
        OSError: If it cannot be created.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is not a folder: give the path of a folder.")
    path.mkdir(parents=True, exist_ok=True)


def check_place(path: Path) -> None:
    """Checks that a file can be written, before there is anything to write.

    Args:
        path: The file. A missing folder is created.

    Raises:
        UserError: Something other than a file is there, or the folder is none.
        OSError: The folder cannot be created or written; the error names the file.
    """
    with _part_beside(path) as (part, _):
        part.touch()


def write_whole(path: Path, text: str) -> None:
    """Writes a text to a file.

    Args:
        path: The file; an existing one is replaced, and a missing folder is created.
        text: The text, which is encoded as UTF-8.

    Raises:
        UserError: Something other than a file is there.
        OSError: The file cannot be written; the error names it.
    """
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Lets a file be written under another name, and gives it its own at the end.

    Args:
        path: The file; an existing one is replaced, and a missing folder is created.

    Yields:
        Where to write it.

    Raises:
        UserError: Something other than a file is there.
        OSError: The file cannot be written; the error names it.
    """
    with _part_beside(path) as (part, place):
        yield part
        part.replace(place)


def move_whole(source: Path, path: Path) -> None:
    """Moves a file that is complete.

    Args:
        source: The file.
        path: Where to; an existing file is replaced, and a missing folder is created.

    Raises:
        UserError: Something other than a file is there.
        OSError: The file cannot be moved; the error names the path.
    """
    with _part_beside(path) as (part, place):
        try:
            source.replace(place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # A link has led to another disk.
            shutil.copyfile(source, part)
            part.replace(place)
            source.unlink()


@contextmanager
def _part_beside(path: Path) -> Iterator[tuple[Path, Path]]:
    """Yields the path of a part of a file, which is removed at the end, and where the file goes."""
    place = find_place(path)
    # Beside it, and not longer than names may be, however long its own is.
    part = place.with_name(f".qai-hub.{secrets.token_hex(4)}.part")
    try:
        make_folder(place.parent)
        try:
            yield part, place
        finally:
            with suppress(OSError):
                part.unlink()
    except OSError as error:
        # Nobody knows the part, and an error of a write, such as that of a full disk, names none.
        error.filename, error.filename2 = str(path), None
        raise
