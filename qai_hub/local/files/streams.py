"""Writes a stream from the network to a file and computes its digest on the way."""

import hashlib
from collections.abc import AsyncIterable
from functools import partial
from pathlib import Path

from anyio.to_thread import run_sync

from qai_hub.local.disk import sync_descriptor
from qai_hub.local.errors import DISK_FULL, ProblemError, is_disk_full
from qai_hub.local.files.store import Received

_BLOCK = 1 << 20
# Bytes between two syncs, so that little is left to sync once everything has arrived, while the
# client waits.
_SYNC_EVERY = 8 << 20


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
    digest, size, block, unsynced = hashlib.sha256(), 0, bytearray(), 0
    # Unbuffered, so that a full disk is reported by the write and not when the file is closed.
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
