"""Files on disk: published ones, uploads on their way, and the work folders of attempts."""

import asyncio
import hashlib
import secrets
import shutil
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio import CancelScope
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.to_thread import run_sync

from qai_hub.local.disk import sync, sync_descriptor
from qai_hub.local.errors import DISK_FULL, ProblemError, is_disk_full

_BLOCK = 1 << 20
# Some at a time, so that little is left to wait for once all has arrived: clients are impatient.
_SYNC_EVERY = 8 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """What has arrived: its size in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


class Storage:
    """The folders in which a hub keeps its files, each under an id, never a user's name for it.

    What is durable outlasts a power cut: contents are synced where they are written, and the
    changed folders by `sync_folders`, which belongs before each commit that relies on them.

    Args:
        folder: Data folder of the hub.
        durable: Whether files are to be durable.

    Attributes:
        files: Folder of the published files.
        uploads: Folder of the uploads.
        work: Folder of what attempts work in.
        durable: Whether files are durable.
        writers: Who is writing to which upload.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.files = folder / "files"
        self.uploads = folder / "uploads"
        self.work = folder / "work"
        self.durable = durable
        for each in (self.files, self.uploads, self.work):
            each.mkdir(mode=0o700, exist_ok=True)
        if durable:
            sync(folder)
        self.writers = Writers()
        self._changed: set[Path] = set()
        self._lock = threading.Lock()

    def file(self, file_id: str) -> Path:
        """Return where a published file is."""
        return self.files / file_id

    def upload(self, upload_id: str) -> Path:
        """Return where an upload is collected."""
        return self.uploads / upload_id

    def begin_upload(self, upload_id: str) -> None:
        """Make the file that an upload is collected in."""
        self.upload(upload_id).touch(mode=0o600, exist_ok=False)
        self._note(self.uploads)

    def replace_upload(self, upload_id: str, source: Path) -> None:
        """Let a file that has come as a whole take the place of an upload's."""
        source.replace(self.upload(upload_id))
        self._note(self.uploads)

    def publish(self, source: Path, file_id: str) -> None:
        """Move a finished file to its place: it is there as a whole, or not at all."""
        source.chmod(0o600)
        source.replace(self.file(file_id))
        self._note(self.files)

    def publish_upload(self, upload_id: str, file_id: str) -> None:
        """Give an upload's file its place beside its old one, which `remove_uploads` takes away.

        So nothing is lost if the hub is killed before its database knows of it.
        """
        self.file(file_id).hardlink_to(self.upload(upload_id))
        self._note(self.files)

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete what uploads have collected."""
        for upload_id in upload_ids:
            self.upload(upload_id).unlink(missing_ok=True)

    def sync(self, paths: Iterable[Path]) -> None:
        """Wait until the contents of files are on the disk. It takes time."""
        if self.durable:
            for path in paths:
                sync(path)

    def sync_folders(self) -> None:
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

    @contextmanager
    def work_folder(self, job_id: str, attempt: int) -> Iterator[Path]:
        """Make the empty folder that one attempt works in, and delete it afterwards."""
        folder = self._attempt_folder(job_id, attempt)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def attempt_log(self, job_id: str, attempt: int) -> str:
        """Return what the log of an attempt says so far; nothing where none is under way."""
        try:
            log = self._attempt_folder(job_id, attempt) / "hub.log"
            return log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def remove_files(self, file_ids: Iterable[str]) -> None:
        """Delete published files that nothing needs any more."""
        for file_id in file_ids:
            self.file(file_id).unlink(missing_ok=True)

    def scratch_file(self, text: str) -> Path:
        """Write a text to a file that is to be published."""
        path = self.work / secrets.token_hex(8)
        path.write_text(text, encoding="utf-8")
        self.sync([path])
        return path

    def _attempt_folder(self, job_id: str, attempt: int) -> Path:
        return self.work / f"{job_id}-{attempt}"

    def _note(self, folder: Path) -> None:
        """Remember a folder that has changed, for `sync_folders`."""
        if self.durable:
            with self._lock:
                self._changed.add(folder)


class _Writer:
    """A request that writes to a part.

    Attributes:
        scope: What it does, to be cancelled.
        ended: Set once it writes nothing any more.
    """

    def __init__(self) -> None:
        self.scope = CancelScope()
        self.ended = asyncio.Event()


class Writers:
    """Who is writing to which upload, so that no file changes once it is published."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[tuple[str, int], _Writer] = {}
        self._closed: set[str] = set()

    @asynccontextmanager
    async def writing(self, upload_id: str, part: int) -> AsyncIterator[None]:
        """Write to a part of an upload, in the place of whoever does so already.

        Who sends a part again has given up the first try: its connection may be dead, and the hub
        would be the last to learn of it. To be entered on the event loop of the server.

        Raises:
            ProblemError: 409 if a newer request has taken this one's place, or the upload is being
                finished.
        """
        key, own = (upload_id, part), _Writer()
        with self._lock:
            if upload_id in self._closed:
                raise ProblemError(409, "This upload is being finished.")
            before = self._active.get(key)
            self._active[key] = own
        try:
            with own.scope:
                if before is not None:
                    before.scope.cancel()
                    with CancelScope(shield=True):
                        await before.ended.wait()
                    await checkpoint_if_cancelled()
                yield
        finally:
            own.ended.set()
            with self._lock:
                if self._active.get(key) is own:
                    del self._active[key]
        if own.scope.cancelled_caught:
            raise ProblemError(409, f"Part {part} has been sent again by a newer request.")

    @contextmanager
    def finishing(self, upload_id: str) -> Iterator[None]:
        """Keep everybody from writing, until the end of the upload is in the database.

        Raises:
            ProblemError: 409 if somebody writes.
        """
        with self._lock:
            if any(active == upload_id for active, _ in self._active):
                raise ProblemError(
                    409,
                    "A part of this upload is still being uploaded: try again in a moment.",
                    headers={"Retry-After": "2"},
                )
            self._closed.add(upload_id)
        try:
            yield
        finally:
            with self._lock:
                self._closed.discard(upload_id)


async def write_stream(
    chunks: AsyncIterable[bytes],
    path: Path,
    *,
    offset: int = 0,
    limit: int,
    durable: bool = False,
) -> Received:
    """Write a stream into a file in place, in constant memory, hashing it on the way.

    Args:
        chunks: The bytes as they arrive.
        path: A file that exists.
        offset: Where in the file they go, in bytes.
        limit: Most bytes to take.
        durable: Whether what has arrived must outlast a power cut.

    Returns:
        What has arrived.

    Raises:
        ProblemError: 413 beyond the limit; 503 if the disk is full.
    """
    digest, size, block, unsynced = hashlib.sha256(), 0, bytearray(), 0
    # Unbuffered: a full disk shows where it is written, not where the file is closed.
    with path.open("r+b", buffering=0) as file:
        file.seek(offset)

        def store(data: bytes, *, last: bool = False) -> None:
            nonlocal unsynced
            digest.update(data)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            unsynced += len(data)
            if durable and (last or unsynced >= _SYNC_EVERY):
                sync_descriptor(file.fileno())
                unsynced = 0

        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise ProblemError(413, f"More than the {limit} bytes that were announced.")
                block += chunk
                if len(block) >= _BLOCK:
                    await run_sync(store, bytes(block))
                    block.clear()
            await run_sync(partial(store, bytes(block), last=True))
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise DISK_FULL from error
    return Received(size, digest.hexdigest())
