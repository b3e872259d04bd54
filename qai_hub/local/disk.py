"""Syncing files and folders to disk, and digests of files."""

import hashlib
import os
import sys
from pathlib import Path

if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl


def sync(path: Path) -> None:
    """Wait until the content of a file, or the entries of a folder, are on disk."""
    flags = os.O_RDONLY
    if sys.platform == "win32":
        if path.is_dir():
            # Windows cannot sync a folder.
            return
        flags = os.O_RDWR
    descriptor = os.open(path, flags)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """Wait until everything written to an open file is on disk."""
    if sys.platform == "darwin":
        try:
            # On macOS, fsync leaves data in the drive's cache.
            fcntl(descriptor, F_FULLFSYNC)
        except OSError:
            # Some file systems, such as network file systems, do not support the command.
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


def make_folder(path: Path, *, durable: bool) -> None:
    """Create a folder that only its owner can enter, with any missing parents.

    Args:
        path: The folder.
        durable: Whether they must survive a power cut.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if durable:
        for each in missing:
            sync(each.parent)


def file_digest(path: Path) -> str:
    """Return the SHA-256 digest of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
