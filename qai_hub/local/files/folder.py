"""Files in the hub's data folder."""

import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from pathlib import Path

from qai_hub.local.disk import file_digest, sync
from qai_hub.local.files.quarantine import Quarantine
from qai_hub.local.files.settling import drop_second_links, settle
from qai_hub.local.files.store import Known, Received
from qai_hub.local.files.streams import write_stream

_BLOCK = 1 << 20


class FolderStore:
    """Keeps files in two folders, one for published ones and one for uploads. It is a `FileStore`.

    What is durable outlasts a power cut: contents are synced where they are written, and the
    changed folders by `flush`.

    Args:
        folder: Data folder of the hub.
        durable: Whether files are to be durable.

    Attributes:
        files: Folder of the published files.
        uploads: Folder of the uploads.
    """

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

    def file(self, file_id: str) -> Path:
        """Return where a published file is."""
        return self.files / file_id

    def upload(self, upload_id: str) -> Path:
        """Return where an upload is collected."""
        return self.uploads / upload_id

    def put_if_absent(self, file_id: str, source: Path) -> None:
        """Publish a finished file; it is there as a whole, or not at all."""
        source.chmod(0o600)
        # A link, since a renamed file would take the place of another.
        self.file(file_id).hardlink_to(source)
        source.unlink()
        self._note(self.files)

    def open_range(self, file_id: str, start: int, end: int) -> Iterator[bytes]:
        """Read the bytes of a published file from `start` up to and without `end`, in blocks."""
        with self.file(file_id).open("rb") as file:
            file.seek(start)
            while start < end and (block := file.read(min(_BLOCK, end - start))):
                start += len(block)
                yield block

    def localize(self, file_id: str, folder: Path) -> Path:
        """Return the path of a published file."""
        path = self.file(file_id)
        path.stat()
        return path

    def has(self, file_id: str) -> bool:
        """Return whether a published file is there."""
        return self.file(file_id).exists()

    def digest(self, file_id: str, size: int | None = None) -> str | None:
        """Return the SHA-256 of a published file, in hex; None if it is gone or another."""
        path = self.file(file_id)
        try:
            return file_digest(path) if size in (None, path.stat().st_size) else None
        except FileNotFoundError:
            return None

    def remove(self, file_ids: Iterable[str]) -> None:
        """Delete published files that nothing needs any more."""
        for file_id in file_ids:
            self.file(file_id).unlink(missing_ok=True)

    def begin_upload(self, upload_id: str) -> None:
        """Make the empty file that an upload is collected in."""
        self.upload(upload_id).touch(mode=0o600, exist_ok=False)
        self._note(self.uploads)

    def has_upload(self, upload_id: str) -> bool:
        """Return whether an upload is being collected."""
        return self.upload(upload_id).exists()

    async def write_part(
        self, upload_id: str, chunks: AsyncIterable[bytes], *, offset: int, limit: int
    ) -> Received:
        """Write a part of an upload to its place in the file."""
        return await write_stream(
            chunks, self.upload(upload_id), offset=offset, limit=limit, durable=self._durable
        )

    async def write_whole(
        self,
        upload_id: str,
        chunks: AsyncIterable[bytes],
        *,
        limit: int,
        check: Callable[[Received], None],
    ) -> Received:
        """Let a file that arrives as a whole take the place of what an upload has collected."""
        # Beside the upload: a form that is cut off must not spoil one that had come whole.
        path = self.upload(f"{upload_id}.form")
        try:
            path.touch(mode=0o600)
            received = await write_stream(chunks, path, limit=limit, durable=self._durable)
            check(received)
            path.replace(self.upload(upload_id))
            self._note(self.uploads)
        finally:
            path.unlink(missing_ok=True)
        return received

    def publish_upload(self, upload_id: str, file_id: str) -> None:
        """Give an upload's file its place beside its old one."""
        self.file(file_id).hardlink_to(self.upload(upload_id))
        self._note(self.files)

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete what uploads have collected."""
        for upload_id in upload_ids:
            self.upload(upload_id).unlink(missing_ok=True)

    def stage(self, sources: Iterable[Path]) -> None:
        """Wait until the contents of files are on the disk. It takes time."""
        if self._durable:
            for path in sources:
                sync(path)

    def flush(self) -> None:
        """Wait until it is on the disk which files there are."""
        with self._lock:
            changed, self._changed = self._changed, set()
        try:
            for folder in changed:
                sync(folder)
        except OSError:
            with self._lock:
                self._changed |= changed
            raise

    def reconcile(self, known: Known, quarantine: Quarantine) -> int:
        """Bring the folders in line with the database."""
        kept = [self.file(name) for name in known.files]
        drop_second_links(self.uploads, kept, known.uploads)
        waited_for = dict.fromkeys(set(known.uploads) - set(known.stale))
        moved = settle(self.files, known.files, quarantine)
        return moved + settle(self.uploads, waited_for, quarantine)

    def is_upload_lost(self, upload_id: str, quarantine: Quarantine) -> bool:
        """Return whether nothing is left of an upload, here or in the quarantine."""
        path = self.upload(upload_id)
        return not path.exists() and not quarantine.has(path)

    def _note(self, folder: Path) -> None:
        """Remember a folder that has changed, for `flush`."""
        if self._durable:
            with self._lock:
                self._changed.add(folder)
