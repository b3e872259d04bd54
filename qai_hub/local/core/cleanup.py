"""Cleanup when a hub starts: files that it does not know are quarantined, not deleted."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from qai_hub.local.clock import Clock, agreed_time, rfc3339
from qai_hub.local.config import Retention
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.quarantine import Quarantine, Quarantined
from qai_hub.local.files.store import KnownFiles
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store import Store
from qai_hub.local.store.data_folder import get_start_times, save_start_times
from qai_hub.local.store.files import (
    delete_responses,
    delete_uploads,
    get_unexpired_sizes,
    get_upload_times,
)
from qai_hub.local.store.rows import JOBS

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """The result of the cleanup at a start.

    Attributes:
        agreed_time: The time that this start and earlier ones agree on; None at the first start.
        quarantined: The content of the quarantine.
    """

    agreed_time: datetime | None
    quarantined: Quarantined


def clean_up(
    store: Store, storage: FolderStore, work: WorkFolders, clock: Clock, retention: Retention
) -> CleanupResult:
    """Reconcile the folders of a hub with its database, before they are used.

    Files that the database does not know, those of expired datasets, and uploads that are days old
    are moved to the quarantine. Files that have been in the quarantine for days, and old responses
    to POSTs, are deleted.

    Args:
        store: The database.
        storage: The files.
        work: The folders of attempts.
        clock: Returns the current time.
        retention: How long things are kept.

    Returns:
        The result.
    """
    now = clock()
    with store.read() as db:
        agreed = agreed_time(now, get_start_times(db))
        files = get_unexpired_sizes(db, _ago(agreed, timedelta(0)))
        upload_times = get_upload_times(db)
    stale = {
        key for key, created in upload_times.items() if created <= _ago(agreed, retention.uploads)
    }
    quarantine = Quarantine(work.folder.parent / "quarantine", now, retention.quarantine)
    moved = storage.reconcile(KnownFiles(files, upload_times.keys(), stale), quarantine)
    moved += work.clear(lambda job_id: _is_job(store, job_id), quarantine)
    quarantine.record_start()
    if agreed is not None:
        quarantine.purge(agreed)
    lost = [key for key in stale if storage.is_upload_lost(key, quarantine)]
    with store.write() as db:
        save_start_times(db, now, agreed)
        delete_responses(db, _ago(agreed, retention.answers))
        delete_uploads(db, lost)
    content = quarantine.summarize()
    if moved:
        _log.warning(
            "%d unknown or expired files were moved to %s: they are kept there for at least %d "
            "days, and restored if the database knows them again",
            moved,
            content.folder,
            retention.quarantine.days,
        )
    return CleanupResult(agreed, content)


def _ago(agreed: datetime | None, span: timedelta) -> str:
    """Return the time a span ago, as it is stored; the earliest possible if none is agreed on."""
    return "" if agreed is None else rfc3339(agreed - span)


def _is_job(store: Store, job_id: str) -> bool:
    with store.read() as db:
        return JOBS.get(db, job_id) is not None
