"""The quarantine: holds files that a hub does not know, instead of deleting them."""

import logging
import os
import re
import shutil
import stat
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from qai_hub.local.clock import latest_time, rfc3339

_log = logging.getLogger(__name__)
_BATCH_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")
_READINGS_FILE = "seen.txt"
# The number of clock readings that date a batch, enough even if one of them is wrong.
_MAX_READINGS = 4


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The content of a hub's quarantine.

    Attributes:
        folder: The folder of the quarantine.
        count: Number of files and folders.
        size: Their total size in bytes.

    Examples:
        >>> kept = local_hub.quarantined
        >>> f"{kept.count} entries, {kept.size} bytes"
        '0 entries, 0 bytes'
    """

    folder: Path
    count: int
    size: int


class Quarantine:
    """A folder with a separate batch for each start of the hub that quarantines something.

    Entries keep their names there, below the name of the folder that they come from. Links are
    never followed. What cannot be moved stays where it is and is logged.

    Args:
        folder: The folder; created when it is needed.
        now: The clock of this start.
        retention: Minimum time that entries are kept.
    """

    def __init__(self, folder: Path, now: datetime, retention: timedelta) -> None:
        self._retention = retention
        self.folder = folder
        self._now = now
        self._batch: Path | None = None

    def put(self, path: Path) -> bool:
        """Move an entry into the quarantine.

        Args:
            path: A file, folder or other entry in one of the hub's folders.

        Returns:
            Whether it has been moved.
        """
        try:
            if self._batch is None:
                self._batch = self._new_batch()
            place = self._batch / path.parent.name
            place.mkdir(mode=0o700, exist_ok=True)
            path.rename(place / path.name)
        except OSError as error:
            _log.warning(
                "%s does not belong here, and cannot be moved to the quarantine: %s", path, error
            )
            return False
        return True

    def restore(self, path: Path, size: int | None = None) -> bool:
        """Move a file back to where it came from.

        Args:
            path: Its original path, which does not exist.
            size: Its size in bytes; None for any.

        Returns:
            Whether it was in the quarantine.
        """
        for found in self._find(path):
            if size is None or found.stat().st_size == size:
                try:
                    found.rename(path)
                except OSError as error:
                    _log.warning("%s cannot be moved back to %s: %s", found, path, error)
                    return False
                return True
        return False

    def has(self, path: Path) -> bool:
        """Return whether the file that came from a path is in the quarantine."""
        return any(True for _ in self._find(path))

    def record_start(self) -> None:
        """Record in each batch, old or new, that this start has seen it."""
        for batch in self._batches():
            with suppress(OSError):
                self._record_reading(batch)

    def purge(self, agreed: datetime) -> None:
        """Delete batches that have been here for long enough.

        Args:
            agreed: The time that consecutive starts have agreed on.
        """
        for batch in self._batches():
            arrived = latest_time(_read_readings(batch))
            if arrived is not None and arrived <= agreed - self._retention:
                _log.warning("%s is deleted: it was kept for %d days", batch, self._retention.days)
                shutil.rmtree(batch, ignore_errors=True)

    def summarize(self) -> Quarantined:
        """Return what the quarantine contains."""
        entries = [
            entry
            for batch in self._batches()
            for place in _list_folders(batch)
            for entry in place.iterdir()
        ]
        return Quarantined(self.folder, len(entries), sum(map(_size, entries)))

    def _new_batch(self) -> Path:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        name = rfc3339(self._now)[:19].replace("-", "").replace(":", "") + "Z"
        number = 1
        while True:
            batch = self.folder / (name if number == 1 else f"{name}-{number}")
            try:
                batch.mkdir(mode=0o700)
            except FileExistsError:
                number += 1
            else:
                return batch

    def _batches(self) -> list[Path]:
        """Return the batches, latest first; other entries are ignored."""
        if not self.folder.is_dir():
            return []
        found = [path for path in _list_folders(self.folder) if _BATCH_NAME.fullmatch(path.name)]
        return sorted(found, reverse=True)

    def _find(self, path: Path) -> Iterator[Path]:
        for batch in self._batches():
            found = batch / path.parent.name / path.name
            if _is_file(found):
                yield found

    def _record_reading(self, batch: Path) -> None:
        """Add this start's clock reading to a batch, unless it already has enough of them."""
        places = list(_list_folders(batch))
        for place in places:
            with suppress(OSError):
                place.rmdir()
        if not any(place.exists() for place in places):
            (batch / _READINGS_FILE).unlink(missing_ok=True)
            batch.rmdir()
            return
        readings = _read_readings(batch)
        if len(readings) < _MAX_READINGS:
            lines = [f"{rfc3339(each)}\n" for each in (*readings, self._now)]
            written = batch / f"{_READINGS_FILE}.new"
            written.write_text("".join(lines), encoding="utf-8")
            written.replace(batch / _READINGS_FILE)


def _read_readings(batch: Path) -> list[datetime]:
    """Return the clock readings of the first starts that saw a batch; none if unreadable."""
    try:
        lines = (batch / _READINGS_FILE).read_text(encoding="utf-8").split()
        moments = [datetime.fromisoformat(line) for line in lines]
    except (OSError, ValueError):
        return []
    return moments[:_MAX_READINGS] if all(moment.tzinfo for moment in moments) else []


def _list_folders(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _size(path: Path) -> int:
    """Return the size in bytes of an entry with all its readable content."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                size += Path(folder, name).lstat().st_size
    return size


def reconcile_folder(folder: Path, sizes: Mapping[str, int | None], quarantine: Quarantine) -> int:
    """Keep only known files in a folder.

    Args:
        folder: The folder.
        sizes: The known files, and their sizes in bytes; None for an unknown size.
        quarantine: Receives all other entries, and returns known files.

    Returns:
        Number of entries moved to the quarantine.
    """
    present, moved = set(), 0
    for path, is_file in list_entries(folder):
        if is_file and path.name in sizes:
            present.add(path.name)
        else:
            moved += quarantine.put(path)
    for name in sizes.keys() - present:
        if quarantine.restore(folder / name, sizes[name]):
            _log.warning("%s was restored from the quarantine", folder / name)
    return moved


def remove_published_uploads(folder: Path, files: Iterable[Path], uploads: Container[str]) -> None:
    """Delete ended uploads whose files are published already, under another name.

    Args:
        folder: Folder of the uploads.
        files: Paths of the published files.
        uploads: The uploads that have not ended.
    """
    ended = {
        path: path.stat()
        for path, is_file in list_entries(folder)
        if is_file and path.name not in uploads
    }
    if any(status.st_nlink > 1 for status in ended.values()):
        kept = {_identity(place.stat()) for place in files if place.is_file()}
        for path, status in ended.items():
            if _identity(status) in kept:
                path.unlink()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def list_entries(folder: Path) -> list[tuple[Path, bool]]:
    """Return the entries of a folder, and whether each is a file and not a link."""
    with os.scandir(folder) as entries:
        return [(Path(entry), entry.is_file(follow_symlinks=False)) for entry in entries]
