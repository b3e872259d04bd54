"""Folders in which downloads collect their files until all of them are there."""

import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qai_hub.written_files import make_folder

if sys.platform != "win32":
    import fcntl

__all__ = ["is_partial", "staging_folder"]

_PREFIX = ".qai-hub-"
_SUFFIX = ".part"
_STALE_SECONDS = 7 * 24 * 3600.0
_KEPT = "What has arrived is kept: run the same command again to fetch only the rest."


@contextmanager
def staging_folder(folder: Path, key: str) -> Iterator[Path]:
    """Provides a folder on the same disk as another one, which is created if it is missing.

    After an interruption or a failure, files that have arrived in part stay in it, and are there
    again at the next download of the same thing. One process at a time has it; others get one of
    their own, which does not stay.

    Args:
        folder: The folder that the files are for.
        key: What is downloaded.

    Yields:
        The folder, which has no other files at first.

    Raises:
        UserError: Something other than a folder is in the place of `folder`.
        OSError: The folder cannot be created or written; it names `folder`.
    """
    make_folder(folder)
    _remove_stale(folder)
    path = folder / f"{_PREFIX}{re.sub(r'[^0-9A-Za-z_-]', '_', key)[:100]}{_SUFFIX}"
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        with _claim(path) as is_ours:
            if is_ours:
                with _keeping_partial_files(path):
                    yield path
            else:
                with tempfile.TemporaryDirectory(_SUFFIX, _PREFIX, folder) as temporary:
                    yield Path(temporary)
    except OSError as error:
        # Nobody knows the folder in between.
        if _PREFIX in str(error.filename):
            error.filename, error.filename2 = str(folder), None
        raise


def is_partial(path: Path) -> bool:
    """Returns whether a file in such a folder is a part of one, or tells what that part is."""
    return path.name.endswith((".part", ".part.json"))


@contextmanager
def _keeping_partial_files(path: Path) -> Iterator[None]:
    # A process that was killed has removed nothing.
    _remove_complete_files(path)
    try:
        yield
    except BaseException as error:
        _remove_complete_files(path)
        if _list_files(path):
            error.add_note(_KEPT)
        else:
            shutil.rmtree(path, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _claim(path: Path) -> Iterator[bool]:
    """Locks a folder during a block; False if another process has it, or it cannot be locked."""
    if sys.platform == "win32":
        yield False
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield _is_ours(descriptor, path)
    finally:
        os.close(descriptor)


def _is_ours(descriptor: int, path: Path) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found, named = os.fstat(descriptor), path.lstat()
    except OSError:
        # Another process has it or has removed it, or this file system has no locks.
        return False
    return os.path.samestat(found, named) and found.st_uid == os.geteuid()


def _remove_stale(folder: Path) -> None:
    """Removes folders to which nobody has come back for a week."""
    oldest = time.time() - _STALE_SECONDS
    with contextlib.suppress(OSError):
        for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            with _claim(path) as is_ours:
                if is_ours and all(
                    each.lstat().st_mtime < oldest for each in (path, *_list_files(path))
                ):
                    shutil.rmtree(path, ignore_errors=True)


def _remove_complete_files(path: Path) -> None:
    for each in _list_files(path):
        if not is_partial(each):
            each.unlink(missing_ok=True)


def _list_files(path: Path) -> list[Path]:
    return [each for each in path.rglob("*") if not each.is_dir()]
