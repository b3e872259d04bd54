"""Order at the start: what is the hub's is in its place, and all else is put away, not deleted.

Neither the database nor the clock is believed at once: the database may be another than the one
that the files belong to, and the clock may be wrong. So nothing is deleted that has not been in
the quarantine for days, and what the database knows comes back from there.
"""

import logging
import os
import re
import shutil
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from qai_hub.local.clock import Clock, agreed_time, rfc3339
from qai_hub.local.config import Retention
from qai_hub.local.core.quarantine import Quarantine, Quarantined
from qai_hub.local.files import Storage
from qai_hub.local.store import Store
from qai_hub.local.store.data_folder import earlier_times, keep_times
from qai_hub.local.store.files import (
    begun_uploads,
    forget_answers,
    remove_uploads,
    unexpired_files,
)
from qai_hub.local.store.rows import JOBS

_log = logging.getLogger(__name__)
_ATTEMPT = re.compile(r"(?P<job>[0-9a-z]+)-[0-9]+")


@dataclass(frozen=True, slots=True)
class Order:
    """What a start has found.

    Attributes:
        agreed: The time that this start has agreed on with those before; None at the first.
        quarantined: What lies in the quarantine.
    """

    agreed: datetime | None
    quarantined: Quarantined


def clean_up(store: Store, storage: Storage, clock: Clock, retention: Retention) -> Order:
    """Bring the folders of a hub in line with its database, before anybody uses them.

    Files that the database does not know, those of expired datasets, and uploads of days ago go to
    the quarantine. Deleted are what has been there for days, and old answers to POSTs.

    Args:
        store: The database.
        storage: The files.
        clock: Returns the time.
        retention: How long things are kept.

    Returns:
        What was found.
    """
    now = clock()
    with store.read() as db:
        agreed = agreed_time(now, earlier_times(db))
        files = unexpired_files(db, _before(agreed, timedelta(0)))
        begun = begun_uploads(db)
    stale = {key for key, created in begun.items() if created <= _before(agreed, retention.uploads)}
    quarantine = Quarantine(storage.files.parent / "quarantine", now, retention.quarantine)
    _drop_second_links(storage, files.keys(), begun.keys())
    moved = (
        _settle(storage.files, files, quarantine)
        + _settle(storage.uploads, dict.fromkeys(begun.keys() - stale), quarantine)
        + _clear(storage.work, store, quarantine)
    )
    quarantine.see()
    if agreed is not None:
        quarantine.give_up(agreed)
    gone = [key for key in stale if not _is_kept(storage.upload(key), quarantine)]
    with store.write() as db:
        keep_times(db, now, agreed)
        forget_answers(db, _before(agreed, retention.answers))
        remove_uploads(db, gone)
    content = quarantine.content()
    if moved:
        _log.warning(
            "%s has taken in what the database does not know, and what has expired (%d in number): "
            "there it is kept for %d days or more, and from there it comes back if it is known",
            content.folder,
            moved,
            retention.quarantine.days,
        )
    return Order(agreed, content)


def _before(agreed: datetime | None, span: timedelta) -> str:
    """Return the time a span ago, as it is stored; before all times if none is agreed on."""
    return "" if agreed is None else rfc3339(agreed - span)


def _settle(folder: Path, sizes: Mapping[str, int | None], quarantine: Quarantine) -> int:
    """Keep in a folder what is known, and that alone.

    Args:
        folder: The folder.
        sizes: The files that are known, and their sizes in bytes where these are known as well.
        quarantine: Where other things go, and where files come back from.

    Returns:
        How many things went.
    """
    there, moved = set(), 0
    for path, is_file in _entries(folder):
        if is_file and path.name in sizes:
            there.add(path.name)
        else:
            moved += quarantine.put(path)
    for name in sizes.keys() - there:
        if quarantine.give_back(folder / name, sizes[name]):
            _log.warning("%s has come back from the quarantine", folder / name)
    return moved


def _clear(work: Path, store: Store, quarantine: Quarantine) -> int:
    """Delete what attempts at jobs have left, which are made again; all else goes."""
    moved = 0
    for path, _ in _entries(work):
        attempt = _ATTEMPT.fullmatch(path.name)
        if attempt and path.is_dir() and not path.is_symlink():
            with store.read() as db:
                known = JOBS.get(db, attempt["job"]) is not None
            if known:
                shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            moved += quarantine.put(path)
    return moved


def _drop_second_links(storage: Storage, files: Iterable[str], uploads: Container[str]) -> None:
    """Take away uploads that have ended and whose files are in their places, by other names."""
    left = {
        path: path.stat()
        for path, is_file in _entries(storage.uploads)
        if is_file and path.name not in uploads
    }
    if any(status.st_nlink > 1 for status in left.values()):
        places = (storage.file(name) for name in files)
        kept = {_identity(place.stat()) for place in places if place.is_file()}
        for path, status in left.items():
            if _identity(status) in kept:
                path.unlink()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_kept(path: Path, quarantine: Quarantine) -> bool:
    return path.exists() or quarantine.has(path)


def _entries(folder: Path) -> list[tuple[Path, bool]]:
    """Return what is in a folder, and whether it is a file, and no link to one."""
    with os.scandir(folder) as entries:
        return [(Path(entry), entry.is_file(follow_symlinks=False)) for entry in entries]
