"""Reconciles a folder with the database: files that the database does not know are quarantined.

Neither the database nor the clock is trusted at once: the database may not be the one that the
files belong to, and the clock may be wrong. So nothing is deleted that has not been in the
quarantine for days, and files that the database knows are moved back from there.
"""

import logging
import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from qai_hub.local.files.quarantine import Quarantine

_log = logging.getLogger(__name__)


def settle(folder: Path, sizes: Mapping[str, int | None], quarantine: Quarantine) -> int:
    """Keep only known files in a folder.

    Args:
        folder: The folder.
        sizes: The known files, and their sizes in bytes; None for an unknown size.
        quarantine: Receives all other entries, and returns known files.

    Returns:
        Number of entries moved to the quarantine.
    """
    there, moved = set(), 0
    for path, is_file in entries(folder):
        if is_file and path.name in sizes:
            there.add(path.name)
        else:
            moved += quarantine.put(path)
    for name in sizes.keys() - there:
        if quarantine.give_back(folder / name, sizes[name]):
            _log.warning("%s has come back from the quarantine", folder / name)
    return moved


def drop_second_links(folder: Path, files: Iterable[Path], uploads: Container[str]) -> None:
    """Delete ended uploads whose files are published already, under another name.

    Args:
        folder: Folder of the uploads.
        files: Paths of the published files.
        uploads: The uploads that have not ended.
    """
    left = {
        path: path.stat()
        for path, is_file in entries(folder)
        if is_file and path.name not in uploads
    }
    if any(status.st_nlink > 1 for status in left.values()):
        kept = {_identity(place.stat()) for place in files if place.is_file()}
        for path, status in left.items():
            if _identity(status) in kept:
                path.unlink()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def entries(folder: Path) -> list[tuple[Path, bool]]:
    """Return the entries of a folder, and whether each is a file and not a link."""
    with os.scandir(folder) as entries:
        return [(Path(entry), entry.is_file(follow_symlinks=False)) for entry in entries]
