"""Files on disk: published ones, uploads on their way, and the work folders of attempts."""

import hashlib
import secrets
import shutil
import threading
from collections.abc import AsyncIterable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import run_sync

from qai_hub.local.problems import DISK_FULL, ProblemError, is_disk_full

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """What has arrived: its size in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


class Storage:
    """The folders in which a hub keeps its files, each under an id, never a user's name for it.

    Args:
        folder: Data folder of the hub.
    """

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._uploads = folder / "uploads"
        self._work = folder / "work"
        for each in (self._files, self._uploads, self._work):
            each.mkdir(mode=0o700, exist_ok=True)
        self.writers = Writers()

    def file(self, file_id: str) -> Path:
        """Return where a published file is."""
        return self._files / file_id

    def upload(self, upload_id: str) -> Path:
        """Return where an upload is collected."""
        return self._uploads / upload_id

    def begin_upload(self, upload_id: str) -> None:
        """Make the file that an upload is collected in."""
        self.upload(upload_id).touch(mode=0o600, exist_ok=False)

    def publish(self, source: Path, file_id: str) -> None:
        """Move a finished file to its place: it is there as a whole, or not at all."""
        source.chmod(0o600)
        source.replace(self.file(file_id))

    def publish_upload(self, upload_id: str, file_id: str) -> None:
        """Give an upload's file its place beside its old one, which `remove_uploads` takes away.

        So nothing is lost if the hub is killed before its database knows of it.
        """
        self.file(file_id).hardlink_to(self.upload(upload_id))

    def keep_only(self, files: Container[str], uploads: Container[str]) -> None:
        """Delete all published files and all uploads but those given, before any is written."""
        for folder, kept in ((self._files, files), (self._uploads, uploads)):
            for path in folder.iterdir():
                if path.name not in kept:
                    path.unlink()

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete what uploads have collected."""
        for upload_id in upload_ids:
            self.upload(upload_id).unlink(missing_ok=True)

    @contextmanager
    def work_folder(self, job_id: str, attempt: int) -> Iterator[Path]:
        """Make the empty folder that one attempt works in, and delete it afterwards."""
        folder = self._work / f"{job_id}-{attempt}"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def attempt_log(self, job_id: str, attempt: int) -> str:
        """Return what the log of an attempt says so far; nothing where none is under way."""
        try:
            log = self._work / f"{job_id}-{attempt}" / "hub.log"
            return log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def remove_files(self, file_ids: Iterable[str]) -> None:
        """Delete published files that nothing needs any more."""
        for file_id in file_ids:
            self.file(file_id).unlink(missing_ok=True)

    def scratch_file(self, text: str) -> Path:
        """Write a text to a file that is to be published."""
        path = self._work / secrets.token_hex(8)
        path.write_text(text, encoding="utf-8")
        return path

    def clear_work(self) -> None:
        """Delete what the attempts of an earlier process of the hub have left."""
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(mode=0o700, exist_ok=True)


class Writers:
    """Who is writing to which upload, so that no file changes once it is published."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: set[tuple[str, int]] = set()
        self._closed: set[str] = set()

    @contextmanager
    def writing(self, upload_id: str, part: int) -> Iterator[None]:
        """Write to a part of an upload.

        Raises:
            ProblemError: 409 if somebody else writes to it, or the upload is being finished.
        """
        with self._lock:
            if upload_id in self._closed:
                raise ProblemError(409, "This upload is being finished.")
            if (upload_id, part) in self._active:
                raise ProblemError(409, f"Part {part} is being uploaded by another request.")
            self._active.add((upload_id, part))
        try:
            yield
        finally:
            with self._lock:
                self._active.discard((upload_id, part))

    @contextmanager
    def finishing(self, upload_id: str) -> Iterator[None]:
        """Keep everybody from writing, until the end of the upload is in the database.

        Raises:
            ProblemError: 409 if somebody writes.
        """
        with self._lock:
            if any(active == upload_id for active, _ in self._active):
                raise ProblemError(409, "A part of this upload is still being uploaded.")
            self._closed.add(upload_id)
        try:
            yield
        finally:
            with self._lock:
                self._closed.discard(upload_id)


async def write_stream(
    chunks: AsyncIterable[bytes], path: Path, *, offset: int = 0, limit: int
) -> Received:
    """Write a stream into a file in place, in constant memory, hashing it on the way.

    Args:
        chunks: The bytes as they arrive.
        path: A file that exists.
        offset: Where in the file they go, in bytes.
        limit: Most bytes to take.

    Returns:
        What has arrived.

    Raises:
        ProblemError: 413 beyond the limit; 503 if the disk is full.
    """
    digest, size, block = hashlib.sha256(), 0, bytearray()
    # Unbuffered: a full disk shows where it is written, not where the file is closed.
    with path.open("r+b", buffering=0) as file:
        file.seek(offset)

        def store(data: bytes) -> None:
            digest.update(data)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]

        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise ProblemError(413, f"More than the {limit} bytes that were announced.")
                block += chunk
                if len(block) >= _BLOCK:
                    await run_sync(store, bytes(block))
                    block.clear()
            await run_sync(store, bytes(block))
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise DISK_FULL from error
    return Received(size, digest.hexdigest())
