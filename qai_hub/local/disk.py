"""Files and folders on disk: written through to it, and their digests."""

import hashlib
import os
import sys
from pathlib import Path

if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    flags = os.O_RDONLY
    if sys.platform == "win32":
        if path.is_dir():
            # Windows has no way to wait for these.
            return
        flags = os.O_RDWR
    descriptor = os.open(path, flags)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """Wait until what was written to an open file is on the disk."""
    if sys.platform == "darwin":
        try:
            # There, fsync leaves data in the drive's own memory.
            fcntl(descriptor, F_FULLFSYNC)
        except OSError:
            # Some file systems, such as those of other machines, do not know the command.
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


def make_folder(path: Path, *, durable: bool) -> None:
    """Make a folder that only its owner can enter, and those above it, where they are missing.

    Args:
        path: The folder.
        durable: Whether they must outlast a power cut.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if durable:
        for each in missing:
            sync(each.parent)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
