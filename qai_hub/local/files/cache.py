"""A cache of files on this machine's disk, for workers that read them as local files."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qai_hub.local.disk import file_digest

_PARTIAL = ".part"
# Seconds without a write after which a partial file is one that a killed process has left.
_ABANDONED_SECONDS = 3600.0

Fetch = Callable[[], Iterator[bytes]]


class FileCache:
    """Files by id, each with its digest in its name, so that a damaged one is known as such.

    The least recently used are deleted once the cache is full. A file that an attempt uses has
    another link, outside of the cache, so its content stays. Processes of one machine may share the
    folder.

    Args:
        folder: The folder, which is created.
        max_size: Size of all files in bytes, above which some are deleted.
    """

    def __init__(self, folder: Path, max_size: int) -> None:
        self._folder = folder
        self._max_size = max_size
        self._lock = threading.Lock()
        self._busy: dict[str, tuple[threading.Lock, int]] = {}
        folder.mkdir(mode=0o700, exist_ok=True)

    def get(
        self, file_id: str, fetch: Fetch, *, sha256: str | None = None, link: Path | None = None
    ) -> str:
        """Have a file in the cache, and fetch it unless it is there, undamaged.

        Args:
            file_id: The file.
            fetch: Returns its content in blocks.
            sha256: The digest that it must have when it arrives, in hex; None for any.
            link: A path that the file is to have as well; None for none.

        Returns:
            Its SHA-256 digest, in hex.

        Raises:
            OSError: It cannot be fetched or written, or arrived damaged.
        """
        # One thread fetches it, and others that need it meanwhile wait for that.
        with self._exclusive(file_id):
            path = self._find(file_id) or self._fetch(file_id, fetch, sha256)
            if link is not None:
                link.unlink(missing_ok=True)
                link.hardlink_to(path)
        self._evict()
        return path.name.rpartition(".")[2]

    def _find(self, file_id: str) -> Path | None:
        for path in self._folder.glob(f"{file_id}.*"):
            if path.suffix == _PARTIAL:
                continue
            with suppress(FileNotFoundError):
                if file_digest(path) == path.name.rpartition(".")[2]:
                    path.touch()
                    return path
                path.unlink()
        return None

    def _fetch(self, file_id: str, fetch: Fetch, sha256: str | None) -> Path:
        partial = self._folder / f"{file_id}.{secrets.token_hex(8)}{_PARTIAL}"
        digest = hashlib.sha256()
        try:
            partial.touch(mode=0o600)
            with partial.open("wb", buffering=0) as file:
                for block in fetch():
                    digest.update(block)
                    rest = memoryview(block)
                    while rest:
                        rest = rest[file.write(rest) :]
            if sha256 not in (None, digest.hexdigest()):
                raise OSError(f"the file {file_id} arrived damaged")
            return partial.replace(self._folder / f"{file_id}.{digest.hexdigest()}")
        finally:
            partial.unlink(missing_ok=True)

    def _evict(self) -> None:
        """Delete the files that were not used for longest, until the others fit."""
        found: list[tuple[float, int, Path]] = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                is_new = time.time() - status.st_mtime < _ABANDONED_SECONDS
                if path.suffix != _PARTIAL or not is_new:
                    found.append((status.st_mtime, status.st_size, path))
        excess = sum(size for _, size, _ in found) - self._max_size
        for _, size, path in sorted(found):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size

    @contextmanager
    def _exclusive(self, file_id: str) -> Iterator[None]:
        with self._lock:
            lock, users = self._busy.get(file_id, (threading.Lock(), 0))
            self._busy[file_id] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                _, users = self._busy[file_id]
                if users == 1:
                    del self._busy[file_id]
                else:
                    self._busy[file_id] = (lock, users - 1)
