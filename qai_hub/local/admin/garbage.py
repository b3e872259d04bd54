"""Collects files that nobody needs any more, while the processes of a hub run.

A hub of one process does so when it starts. Several processes share a folder, in which each may be
about to publish something that the database does not know yet: so only what is old counts.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Column, select

from qai_hub.local.clock import Clock, agreed_time, now
from qai_hub.local.config import DEFAULT_RETENTION
from qai_hub.local.files.quarantine import Quarantine
from qai_hub.local.store.data_folder import (
    get_start_times,
    require_files_of,
    save_start_times,
)
from qai_hub.local.store.database import read_identity
from qai_hub.local.store.opening import open_hub
from qai_hub.local.store.schema import files, nodes, uploads

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Garbage:
    """What has been collected, or would be.

    Attributes:
        files: Files that the database does not know.
        uploads: Leftovers of uploads.
        folders: Folders of processes that have gone.
        size: Size of all these in bytes.
        restored: Files that came back from the quarantine, as the database knows them.
    """

    files: int
    uploads: int
    folders: int
    size: int
    restored: int


def collect_garbage(
    database: str,
    data_dir: Path,
    min_age: timedelta = timedelta(days=1),
    *,
    dry_run: bool = False,
    clock: Clock = now,
) -> Garbage:
    """Move files that the database does not know to the quarantine.

    Folders of processes that have gone are deleted, and so is what has been in the quarantine for
    long enough.

    Args:
        database: URL of the database.
        data_dir: The folder of its files.
        min_age: Age of what counts: longer than anything may take from a file to its row.
        dry_run: Whether to count only.
        clock: Returns the current time.

    Returns:
        What has been collected, or would be.

    Raises:
        DatabaseError: The database cannot be used, or the folder is not the one of its files.
        OSError: The folder cannot be read or written.
    """
    require_folder_of(database, data_dir)
    quarantine = Quarantine(data_dir / "quarantine", clock(), DEFAULT_RETENTION.quarantine)
    before = _read_file_clock(data_dir) - min_age.total_seconds()
    collector = _Collector(database, data_dir, before, quarantine, dry_run=dry_run)
    restored = collector.restore_files()
    moved_files = collector.move_unknown("files", files.c.id)
    moved_uploads = collector.move_unknown("uploads", uploads.c.id)
    folders = collector.delete_folders()
    if not dry_run:
        _purge(database, data_dir, quarantine, clock())
    return Garbage(moved_files, moved_uploads, folders, collector.size, restored)


class _Collector:
    def __init__(
        self,
        database: str,
        data_dir: Path,
        before: float,
        quarantine: Quarantine,
        *,
        dry_run: bool,
    ) -> None:
        self._database = database
        self._data_dir = data_dir
        self._before = before
        self._quarantine = quarantine
        self._dry_run = dry_run
        self.size = 0

    def move_unknown(self, folder: str, column: Column[str]) -> int:
        """Quarantine the old entries of a folder that are in no row; return their number."""
        return self._collect(self._data_dir / folder, column, self._quarantine.put)

    def delete_folders(self) -> int:
        """Delete the old folders of processes that the database does not know any more."""
        return self._collect(self._data_dir / "nodes", nodes.c.id, _delete_folder)

    def restore_files(self) -> int:
        """Take back files that the database knows, and return their number."""
        known: dict[str, int] = {}
        names = (path.name for path in self._data_dir.glob("quarantine/*/files/*"))
        while batch := list(islice(names, _AT_ONCE)):
            query = select(files.c.id, files.c.size).where(files.c.id.in_(batch))
            with open_hub(self._database, self._data_dir, write=False) as db:
                known |= {row.id: row.size for row in db.execute(query)}
        missing = {
            name: size
            for name, size in known.items()
            if not (self._data_dir / "files" / name).exists()
        }
        if self._dry_run:
            return len(missing)
        return sum(
            self._quarantine.restore(self._data_dir / "files" / name, size)
            for name, size in missing.items()
        )

    def _collect(self, folder: Path, column: Column[str], remove: Callable[[Path], bool]) -> int:
        count = 0
        entries = self._old_entries(folder)
        while batch := list(islice(entries, _AT_ONCE)):
            # Asked after the entries were seen: a row that has come meanwhile is known.
            known = self._known(column, {_id_of(path) for path in batch})
            for path in batch:
                if _id_of(path) not in known:
                    size = _size(path)
                    if self._dry_run or remove(path):
                        count, self.size = count + 1, self.size + size
        return count

    def _old_entries(self, folder: Path) -> Iterator[Path]:
        if not folder.is_dir():
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if _last_change(Path(entry)) < self._before:
                        yield Path(entry)

    def _known(self, column: Column[str], names: Collection[str]) -> set[str]:
        with open_hub(self._database, self._data_dir, write=False) as db:
            return set(db.execute(select(column).where(column.in_(names))).scalars())


def require_folder_of(database: str, data_dir: Path) -> None:
    """Check that a folder has the files of a database.

    Raises:
        DatabaseError: The database cannot be used, or the folder is another's.
    """
    with open_hub(database, data_dir, write=False) as db:
        require_files_of(db, data_dir, read_identity(db)[1])


def _purge(database: str, data_dir: Path, quarantine: Quarantine, moment: datetime) -> None:
    """Delete what has been in the quarantine for long, by a time that two collections agree on."""
    quarantine.record_start()
    with open_hub(database, data_dir) as db:
        agreed = agreed_time(moment, get_start_times(db))
        save_start_times(db, moment, agreed)
    if agreed is not None:
        quarantine.purge(agreed)


def _read_file_clock(folder: Path) -> float:
    """Return the time of the clock that dates the files, which may be another machine's."""
    probe = folder / f"{secrets.token_hex(8)}.clock"
    try:
        probe.touch(mode=0o600)
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _last_change(path: Path) -> float:
    """Return when an entry was last written, linked or moved, or a file in its folders made."""
    status = path.lstat()
    changes = [status.st_mtime, status.st_ctime]
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            with suppress(FileNotFoundError):
                changes.append(Path(folder).stat().st_mtime)
    return max(changes)


def _id_of(path: Path) -> str:
    """Return the id that an entry is named after; a form has a suffix."""
    return path.name.removesuffix(".form")


def _delete_folder(path: Path) -> bool:
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


def _size(path: Path) -> int:
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(_size(each) for each in path.iterdir())
