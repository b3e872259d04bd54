"""Streams from the network to files, and the requests that write them."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

from anyio import CancelScope
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.to_thread import run_sync

from qai_hub.local.disk import sync_descriptor
from qai_hub.local.errors import DISK_FULL, ProblemError, is_disk_full
from qai_hub.local.files.store import Received

_BLOCK = 1 << 20
# Chunks that wait to be a block, however small a client makes them.
_MAX_WAITING = 256
# Bytes between two syncs, so that little is left to sync once everything has arrived, while the
# client waits.
_SYNC_INTERVAL_BYTES = 8 << 20


async def write_stream(
    chunks: AsyncIterable[bytes],
    path: Path,
    *,
    offset: int = 0,
    limit: int,
    durable: bool = False,
) -> Received:
    """Write a stream into a file in place, in constant memory, and compute its digest on the way.

    Args:
        chunks: The bytes as they arrive.
        path: A file that exists.
        offset: Where in the file they go, in bytes.
        limit: Maximum number of bytes to receive.
        durable: Whether the data must survive a power cut.

    Returns:
        Size and digest of the data.

    Raises:
        ProblemError: 413 beyond the limit; 503 if the disk is full.
    """
    digest, size, unsynced = hashlib.sha256(), 0, 0
    waiting: list[bytes] = []
    waiting_size = 0
    # Unbuffered, so that a full disk is reported by the write and not when the file is closed.
    with path.open("r+b", buffering=0) as file:
        file.seek(offset)

        def store(chunks: list[bytes], *, last: bool = False) -> None:
            nonlocal unsynced
            data = b"".join(chunks)
            digest.update(data)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            unsynced += len(data)
            if durable and (last or unsynced >= _SYNC_INTERVAL_BYTES):
                sync_descriptor(file.fileno())
                unsynced = 0

        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise ProblemError(
                        413, f"The data exceeds the {limit} bytes that were announced."
                    )
                waiting.append(chunk)
                waiting_size += len(chunk)
                if waiting_size >= _BLOCK or len(waiting) >= _MAX_WAITING:
                    await run_sync(store, waiting)
                    waiting, waiting_size = [], 0
            await run_sync(partial(store, waiting, last=True))
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise DISK_FULL from error
    return Received(size, digest.hexdigest())


class _Writer:
    """A request that is writing a part of an upload.

    Attributes:
        cancel_scope: The cancel scope of its work.
        ended: Set once it has stopped writing.
    """

    def __init__(self) -> None:
        self.cancel_scope = CancelScope()
        self.ended = asyncio.Event()


class UploadWriters:
    """The requests that are writing to uploads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[tuple[str, int], _Writer] = {}
        self._closed: set[str] = set()

    @asynccontextmanager
    async def writing(self, upload_id: str, part: int) -> AsyncIterator[None]:
        """Write to a part of an upload, in place of a request that is already doing so.

        A client that sends a part again has given up the first try, whose connection may be dead
        without the hub noticing. Must be entered on the event loop of the server.

        Raises:
            ProblemError: 409 if a newer request has replaced this one, or the upload is being
                finished.
        """
        key, own = (upload_id, part), _Writer()
        with self._lock:
            if upload_id in self._closed:
                raise ProblemError(409, "This upload is being finished.")
            before = self._active.get(key)
            self._active[key] = own
        try:
            with own.cancel_scope:
                if before is not None:
                    before.cancel_scope.cancel()
                    with CancelScope(shield=True):
                        await before.ended.wait()
                    await checkpoint_if_cancelled()
                yield
        finally:
            own.ended.set()
            with self._lock:
                if self._active.get(key) is own:
                    del self._active[key]
        if own.cancel_scope.cancelled_caught:
            raise ProblemError(409, f"Part {part} has been sent again by a newer request.")

    @contextmanager
    def finishing(self, upload_id: str) -> Iterator[None]:
        """Block all writers until the end of the upload is in the database.

        Raises:
            ProblemError: 409 if a request is writing to it.
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
