"""Digests of files that were published without one, as those are that arrived in several parts."""

import hashlib
import logging
import queue
import threading
from collections.abc import Callable

from qai_hub.local.files.store import FileStore
from qai_hub.local.store import Store
from qai_hub.local.store.files import get_file, set_digest
from qai_hub.local.store.records import File

_log = logging.getLogger(__name__)


class FileDigests:
    """Computes the SHA-256 of each file once, by one thread that reads it.

    The digests of its parts do not give that of a file, so it is read once more, while most of it
    is still in memory. Whoever needs the digest meanwhile waits for that thread.

    Args:
        store: The database.
        storage: The files.
    """

    def __init__(self, store: Store, storage: FileStore) -> None:
        self._store = store
        self._storage = storage
        self._running: set[str] = set()
        self._changed = threading.Condition()
        self._requested: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="digests", daemon=True)

    def start(self) -> None:
        """Start the thread in which `request` has digests computed."""
        self._thread.start()

    def stop(self) -> None:
        """Stop that thread; what it has not read is read when it is needed."""
        self._stopping.set()
        self._requested.put("")
        self._thread.join()

    def request(self, file_id: str) -> None:
        """Have the digest of a published file computed, and do not wait for it."""
        self._requested.put(file_id)

    def get(self, file_id: str) -> str | None:
        """Return the SHA-256 of a file, which may take as long as reading it.

        Args:
            file_id: The file.

        Returns:
            The digest in hex; None if the file is missing, or has lost bytes on the disk.
        """
        return self._get(file_id, lambda: False)

    def _work(self) -> None:
        while True:
            file_id = self._requested.get()
            if self._stopping.is_set():
                return
            try:
                self._get(file_id, self._stopping.is_set)
            except Exception:  # noqa: BLE001 - whoever needs the digest meets the same fault
                _log.exception("the digest of the file %s cannot be computed yet", file_id)

    def _get(self, file_id: str, is_interrupted: Callable[[], bool]) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: file_id not in self._running)
            self._running.add(file_id)
        try:
            with self._store.read() as db:
                file = get_file(db, file_id)
            if file is None or file.sha256 is not None:
                return None if file is None else file.sha256
            digest = self._compute(file, is_interrupted)
            if digest is not None:
                with self._store.write() as db:
                    set_digest(db, file_id, digest)
            return digest
        finally:
            with self._changed:
                self._running.discard(file_id)
                self._changed.notify_all()

    def _compute(self, file: File, is_interrupted: Callable[[], bool]) -> str | None:
        digest, size = hashlib.sha256(), 0
        try:
            for block in self._storage.open_range(file.id, 0, file.size):
                if is_interrupted():
                    return None
                digest.update(block)
                size += len(block)
        except FileNotFoundError:
            return None
        return digest.hexdigest() if size == file.size else None
