"""Brings a folder in line with what the database knows; what it does not know is put away.

Neither the database nor the clock is believed at once: the database may be another than the one
that the files belong to, and the clock may be wrong. So nothing is deleted that has not been in
the quarantine for days, and what the database knows comes back from there.
"""

import logging
import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from qai_hub.local.files.quarantine import Quarantine

_log = logging.getLogger(__name__)


def settle(folder: Path, sizes: Mapping[str, int | None], quarantine: Quarantine) -> int:
    """Keep in a folder what is known, and that alone.

    Args:
        folder: The folder.
        sizes: The files that are known, and their sizes in bytes where these are known as well.
        quarantine: Where other things go, and where files come back from.

    Returns:
        How many things went.
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
    """Delete uploads that have ended and whose files are in their places, by other names.

    Args:
        folder: Folder of the uploads.
        files: Where published files are.
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
    """Return what is in a folder, and whether it is a file, and no link to one."""
    with os.scandir(folder) as entries:
        return [(Path(entry), entry.is_file(follow_symlinks=False)) for entry in entries]
