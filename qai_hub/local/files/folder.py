"""A `FileStore` in the hub's data folder."""

import shutil
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

from qai_hub.local.disk import file_digest, sync
from qai_hub.local.files.quarantine import Quarantine, reconcile_folder, remove_published_uploads
from qai_hub.local.files.store import KnownFiles, NewFile, Received, Space, StoredFile
from qai_hub.local.files.streams import write_stream

_BLOCK = 1 << 20


class FolderStore:
    """A `FileStore` with two folders, one for published files and one for the uploads it receives.

    Durable files survive a power cut: contents are synced when they are written, and changed
    folders by `flush`.

    Args:
        folder: Data folder of the hub.
        durable: Whether files must survive a power cut.

    Attributes:
        files: Folder of the published files.
        uploads: Folder of the uploads.
        assembles: Whether `assemble` takes time.
        is_remote: Whether its methods send requests.
    """

    assembles = False
    is_remote = False

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.files = folder / "files"
        self.uploads = folder / "uploads"
        self._durable = durable
        for each in (self.files, self.uploads):
            each.mkdir(mode=0o700, exist_ok=True)
        if durable:
            sync(folder)
        self._changed: set[Path] = set()
        self._lock = threading.Lock()

    def file_path(self, file_id: str) -> Path:
        """Return the path of a published file."""
        return self.files / file_id

    def upload_path(self, upload_id: str) -> Path:
        """Return the path of the file that collects an upload."""
        return self.uploads / upload_id

    def put_if_absent(self, file_id: str, source: Path) -> None:
        """Publish a finished file atomically."""
        source.chmod(0o600)
        # A link, since renaming would replace an existing file.
        self.file_path(file_id).hardlink_to(source)
        source.unlink()
        self._mark_changed(self.files)

    def open_range(self, file_id: str, start: int, end: int) -> Iterator[bytes]:
        """Read the bytes of a published file from `start` up to but excluding `end`, in blocks."""
        with self.file_path(file_id).open("rb") as file:
            file.seek(start)
            while start < end and (block := file.read(min(_BLOCK, end - start))):
                start += len(block)
                yield block

    def localize(self, file_id: str, folder: Path) -> Path:
        """Return the path of a published file."""
        path = self.file_path(file_id)
        path.stat()
        return path

    def has(self, file_id: str) -> bool:
        """Return whether a published file is there."""
        return self.file_path(file_id).exists()

    def digest(self, file_id: str, size: int | None = None) -> str | None:
        """Return the SHA-256 digest of a published file, in hex; None if missing or changed."""
        path = self.file_path(file_id)
        try:
            return file_digest(path) if size in (None, path.stat().st_size) else None
        except FileNotFoundError:
            return None

    def remove(self, file_ids: Iterable[str]) -> None:
        """Delete published files that are no longer needed."""
        for file_id in file_ids:
            self.file_path(file_id).unlink(missing_ok=True)

    def begin_upload(self, upload_id: str) -> None:
        """Create the empty file that collects an upload."""
        self.upload_path(upload_id).touch(mode=0o600, exist_ok=False)
        self._mark_changed(self.uploads)

    def has_upload(self, upload_id: str) -> bool:
        """Return whether an upload is being collected."""
        return self.upload_path(upload_id).exists()

    async def write_part(
        self, upload_id: str, chunks: AsyncIterable[bytes], *, offset: int, limit: int
    ) -> Received:
        """Write a part of an upload to its place in the file."""
        return await write_stream(
            chunks, self.upload_path(upload_id), offset=offset, limit=limit, durable=self._durable
        )

    async def write_whole(
        self,
        upload_id: str,
        chunks: AsyncIterable[bytes],
        *,
        limit: int,
        check: Callable[[Received], None],
    ) -> Received:
        """Replace the content of an upload by a file that arrives as a whole."""
        # Beside the upload, as an interrupted form must not damage one that arrived complete.
        path = self.upload_path(f"{upload_id}.form")
        try:
            path.touch(mode=0o600)
            received = await write_stream(chunks, path, limit=limit, durable=self._durable)
            check(received)
            path.replace(self.upload_path(upload_id))
            self._mark_changed(self.uploads)
        finally:
            path.unlink(missing_ok=True)
        return received

    def assemble(self, upload_id: str, parts: Sequence[Received]) -> str | None:
        """Do nothing, as parts are written in place; return the digest, if there is one part."""
        # That of several requires reading the file again, which takes too long here.
        return parts[0].sha256 if len(parts) == 1 else None

    def publish_upload(self, upload_id: str, file_id: str, sha256: str | None = None) -> None:
        """Publish an upload's file, which also stays in its old place."""
        self.file_path(file_id).hardlink_to(self.upload_path(upload_id))
        self._mark_changed(self.files)

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete the files of uploads."""
        for upload_id in upload_ids:
            self.upload_path(upload_id).unlink(missing_ok=True)

    def stage(self, files: Iterable[NewFile]) -> None:
        """Wait until the contents of files are on disk. This takes time."""
        if self._durable:
            for file in files:
                sync(file.path)

    def flush(self) -> None:
        """Wait until the folders that have changed are on disk."""
        with self._lock:
            changed, self._changed = self._changed, set()
        try:
            for folder in changed:
                sync(folder)
        except OSError:
            with self._lock:
                self._changed |= changed
            raise

    def check_writable(self) -> None:
        """Check that files can be written now."""
        for folder in (self.files, self.uploads):
            # It has no name, so nothing is left of it, however this process ends.
            with TemporaryFile(dir=folder) as file:
                file.write(b"0")

    def measure_space(self) -> Space:
        """Return how much room there is for files."""
        usage = shutil.disk_usage(self.files)
        return Space(usage.total, usage.free)

    def list_files(self) -> Iterator[StoredFile]:
        """List all published files."""
        for path in self.files.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            modified = datetime.fromtimestamp(status.st_mtime, UTC)
            yield StoredFile(path.name, status.st_size, modified)

    def reconcile(self, known: KnownFiles, quarantine: Quarantine) -> int:
        """Reconcile the folders with the database, before they are used.

        Args:
            known: The files that the database knows.
            quarantine: Receives files that it does not know, and returns those that it does.

        Returns:
            Number of entries moved to the quarantine.
        """
        kept = [self.file_path(name) for name in known.files]
        remove_published_uploads(self.uploads, kept, known.uploads)
        unfinished = dict.fromkeys(set(known.uploads) - set(known.stale))
        moved = reconcile_folder(self.files, known.files, quarantine)
        return moved + reconcile_folder(self.uploads, unfinished, quarantine)

    def is_upload_lost(self, upload_id: str, quarantine: Quarantine) -> bool:
        """Return whether an upload's file is missing, both here and in the quarantine."""
        path = self.upload_path(upload_id)
        return not path.exists() and not quarantine.has(path)

    def _mark_changed(self, folder: Path) -> None:
        """Remember a folder that has changed, for `flush`."""
        if self._durable:
            with self._lock:
                self._changed.add(folder)
