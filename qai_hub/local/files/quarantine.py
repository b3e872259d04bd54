"""The quarantine: where a hub puts what it has no place for, instead of deleting it."""

import logging
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from qai_hub.local.clock import latest_time, rfc3339

_log = logging.getLogger(__name__)
_BATCH = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")
_SEEN = "seen.txt"
# By so many clocks it is known when things came here, even if one of them is wrong.
_READINGS = 4


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What lies in the quarantine of a hub.

    Attributes:
        folder: Where it is.
        count: How many things.
        size: Their size in bytes.

    Examples:
        >>> kept = local_hub.quarantined
        >>> f"{kept.count} things, {kept.size} bytes"
        '0 things, 0 bytes'
    """

    folder: Path
    count: int
    size: int


class Quarantine:
    """A folder in which each start of the hub that puts things away has a batch of its own.

    Things keep their names there, below that of the folder that they come from. Links are never
    followed. What cannot be moved stays where it is, and is told in the log.

    Args:
        folder: The folder; made when it is needed.
        now: The clock of this start.
        kept: How long things are kept, at the least.
    """

    def __init__(self, folder: Path, now: datetime, kept: timedelta) -> None:
        self._kept = kept
        self.folder = folder
        self._now = now
        self._batch: Path | None = None

    def put(self, path: Path) -> bool:
        """Move something here.

        Args:
            path: A file, folder or anything else, in one of the hub's folders.

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
            _log.warning("%s has no place here, and cannot be moved: %s", path, error)
            return False
        return True

    def give_back(self, path: Path, size: int | None = None) -> bool:
        """Move a file back to where it comes from.

        Args:
            path: Where that is; there is nothing.
            size: Its size in bytes; None for any.

        Returns:
            Whether it was here.
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
        """Tell whether a file that comes from a place is here."""
        return any(True for _ in self._find(path))

    def see(self) -> None:
        """Take note in each batch, old or new, that this start has seen it."""
        for batch in self._batches():
            with suppress(OSError):
                self._see(batch)

    def give_up(self, agreed: datetime) -> None:
        """Delete what has been here for long enough.

        Args:
            agreed: The time that starts have agreed on.
        """
        for batch in self._batches():
            came = latest_time(_readings(batch))
            if came is not None and came <= agreed - self._kept:
                _log.warning("%s is deleted: it was kept for %d days", batch, self._kept.days)
                shutil.rmtree(batch, ignore_errors=True)

    def content(self) -> Quarantined:
        """Tell what is here."""
        things = [
            thing
            for batch in self._batches()
            for place in _folders(batch)
            for thing in place.iterdir()
        ]
        return Quarantined(self.folder, len(things), sum(map(_size, things)))

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
        """Return the batches, latest first; what else somebody has put here is none."""
        if not self.folder.is_dir():
            return []
        found = [path for path in _folders(self.folder) if _BATCH.fullmatch(path.name)]
        return sorted(found, reverse=True)

    def _find(self, path: Path) -> Iterator[Path]:
        for batch in self._batches():
            found = batch / path.parent.name / path.name
            if _is_file(found):
                yield found

    def _see(self, batch: Path) -> None:
        """Add this start's clock to the first few that have seen a batch."""
        places = list(_folders(batch))
        for place in places:
            with suppress(OSError):
                place.rmdir()
        if not any(place.exists() for place in places):
            (batch / _SEEN).unlink(missing_ok=True)
            batch.rmdir()
            return
        readings = _readings(batch)
        if len(readings) < _READINGS:
            lines = [f"{rfc3339(each)}\n" for each in (*readings, self._now)]
            written = batch / f"{_SEEN}.new"
            written.write_text("".join(lines), encoding="utf-8")
            written.replace(batch / _SEEN)


def _readings(batch: Path) -> list[datetime]:
    """Return by which clocks the first starts saw a batch; none if that cannot be read."""
    try:
        lines = (batch / _SEEN).read_text(encoding="utf-8").split()
        moments = [datetime.fromisoformat(line) for line in lines]
    except (OSError, ValueError):
        return []
    return moments[:_READINGS] if all(moment.tzinfo for moment in moments) else []


def _folders(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _size(path: Path) -> int:
    """Return the size of a thing with all that can be seen in it, in bytes."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                size += Path(folder, name).lstat().st_size
    return size
