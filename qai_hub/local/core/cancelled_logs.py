"""The logs of jobs that were cancelled by another machine than the one that ran them.

Who cancels a job writes its log, with what the attempt has logged so far. Where each machine has a
data folder of its own, that is out of reach, so the machine that ran the job adds it.
"""

from qai_hub.local.core import kinds as states
from qai_hub.local.core.results import ResultStore
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.files.store import FileStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store import Store
from qai_hub.local.store.files import delete_unreferenced, get_file
from qai_hub.local.store.records import File, Job
from qai_hub.local.store.relations import get_artifacts, replace_artifact
from qai_hub.local.store.rows import JOBS


class CancelledLogs:
    """Completes these logs.

    Args:
        store: The database.
        storage: The files.
        work: The folders of the attempts of this process.
        results: Stores files of attempts.
    """

    def __init__(
        self, store: Store, storage: FileStore, work: WorkFolders, results: ResultStore
    ) -> None:
        self._store = store
        self._storage = storage
        self._work = work
        self._results = results

    def complete(self, job: Job) -> None:
        """Put what an attempt has logged before the line of who cancelled its job.

        Does nothing if nobody has, or if they could read it.

        Args:
            job: The job, as it was claimed.

        Raises:
            FilesUnavailableError: The storage of the files cannot be reached.
        """
        begun = self._work.read_log(job.id, job.attempt)
        file = self._find_log(job)
        if not begun or file is None:
            return
        end = b"".join(self._storage.open_range(file.id, 0, file.size)).decode()
        if end.count("\n") > 1:
            return
        whole = self._results.write_text(begun + end)
        with self._store.write() as db:
            self._results.publish(db, whole)
            replace_artifact(db, job.id, states.HUB_LOG, whole.file.id)
            # The file itself stays, as garbage: whoever has its URL may be about to fetch it.
            delete_unreferenced(db, [file.id])

    def _find_log(self, job: Job) -> File | None:
        """Return the log of a job whose last attempt was cancelled; None of another."""
        with self._store.read() as db:
            found = JOBS.get(db, job.id)
            if (
                found is None
                or found.attempt != job.attempt
                or found.failure_type != FailureType.CANCELLED
            ):
                return None
            (log,) = (
                each for each in get_artifacts(db, [job.id])[job.id] if each.type == states.HUB_LOG
            )
            return get_file(db, log.file_id)
