"""What expires while a hub runs: unfinished uploads, old responses, and what has its time."""

import logging
import threading
from datetime import datetime, timedelta
from itertools import chain

from qai_hub.local.clock import Clock, agreed_time, rfc3339
from qai_hub.local.config import Retention
from qai_hub.local.core.pruning import Pruner
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.streams import UploadWriters
from qai_hub.local.store import Store
from qai_hub.local.store.files import delete_responses, delete_uploads, get_upload_times

_log = logging.getLogger(__name__)
_INTERVAL = timedelta(hours=1)


class Expiry:
    """Deletes what has expired, at regular intervals.

    The clock may be wrong for a while, so a time counts only once two consecutive sweeps agree
    on it.

    Args:
        store: The database.
        storage: The files.
        writers: The requests that are writing to uploads.
        clock: Returns the current time.
        retention: How long things are kept.
    """

    def __init__(
        self,
        store: Store,
        storage: FileStore,
        writers: UploadWriters,
        clock: Clock,
        retention: Retention,
    ) -> None:
        self._store = store
        self._storage = storage
        self._writers = writers
        self._clock = clock
        self._retention = retention
        self._previous: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="expiry", daemon=True)

    def start(self) -> None:
        """Start the thread that sweeps."""
        self._thread.start()

    def stop(self) -> None:
        """Stop that thread."""
        self._stopping.set()
        self._thread.join()

    def sweep(self) -> None:
        """Delete what has expired, as far as this sweep and the one before agree on the time."""
        now, previous = self._clock(), self._previous
        self._previous = now
        agreed = agreed_time(now, [] if previous is None else [previous])
        if agreed is None:
            return
        with self._store.write() as db:
            delete_responses(db, rfc3339(agreed - self._retention.answers))
        # Nobody gets signed URLs of it any more, and those that somebody has are no longer valid.
        latest = agreed - self._retention.uploads - self._retention.signatures
        with self._store.read() as db:
            times = get_upload_times(db)
        for upload_id, created in times.items():
            if created <= rfc3339(latest):
                self._delete_upload(upload_id)
        self._prune(agreed)

    def _prune(self, agreed: datetime) -> None:
        """Delete jobs, models and files of datasets that are no longer kept."""
        kept, pruner = self._retention, Pruner(self._store.write, self._storage.remove)
        steps = [pruner.release_datasets(rfc3339(agreed - kept.quarantine))]
        if kept.jobs is not None:
            steps.append(pruner.prune_jobs(rfc3339(agreed - kept.jobs)))
        if kept.models is not None:
            steps.append(pruner.prune_models(rfc3339(agreed - kept.models)))
        jobs = models = 0
        for deleted in chain.from_iterable(steps):
            jobs, models = jobs + deleted.jobs, models + deleted.models
            if self._stopping.is_set():
                break
        if jobs or models:
            _log.info(
                "%d jobs and %d models were kept for long enough and are deleted", jobs, models
            )

    def _delete_upload(self, upload_id: str) -> None:
        try:
            with self._writers.finishing(upload_id):
                with self._store.write() as db:
                    delete_uploads(db, [upload_id])
                self._storage.remove_uploads([upload_id])
        except ProblemError:
            # A part that began to arrive in time still arrives.
            return
        _log.info("the upload %s was abandoned and is deleted", upload_id)

    def _work(self) -> None:
        interval = min(_INTERVAL, self._retention.uploads).total_seconds()
        while not self._stopping.wait(interval):
            try:
                self.sweep()
            except Exception:  # noqa: BLE001 - the next sweep tries again
                _log.exception("what has expired cannot be deleted yet")
