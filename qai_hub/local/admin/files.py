"""Copies of files of a hub, which never change once they are there."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qai_hub.local.disk import sync


@dataclass(frozen=True, slots=True)
class CopiedFiles:
    """What has been copied.

    Attributes:
        count: Number of files.
        size: Their size in bytes.
        missing: Number of files that were not there, or not of their size.
    """

    count: int = 0
    size: int = 0
    missing: int = 0


def copy_files(sizes: Iterable[tuple[str, int]], source: Path, target: Path) -> CopiedFiles:
    """Copy files that never change: as links, if both folders are on one file system.

    Args:
        sizes: Their names and sizes in bytes.
        source: Their folder.
        target: The folder that receives them, which exists. Files that it has stay as they are.

    Returns:
        What has been copied.
    """
    count = total = missing = 0
    for name, size in sizes:
        try:
            is_whole = (source / name).stat().st_size == size
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            missing += 1
            continue
        if not (target / name).exists():
            _link_or_copy(source / name, target / name)
        count, total = count + 1, total + size
    sync(target)
    return CopiedFiles(count, total, missing)


def copy_file(source: Path, target: Path) -> None:
    """Copy the content of a file, which replaces the target as a whole."""
    partial = target.with_name(f"{target.name}.part")
    shutil.copyfile(source, partial)
    partial.chmod(0o600)
    sync(partial)
    partial.replace(target)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        # Another file system, or one without links.
        copy_file(source, target)
