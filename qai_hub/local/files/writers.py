"""Tracks the requests that write to uploads, so that no published file changes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from anyio import CancelScope
from anyio.lowlevel import checkpoint_if_cancelled

from qai_hub.local.errors import ProblemError


class _Writer:
    """A request that is writing a part of an upload.

    Attributes:
        scope: The cancel scope of its work.
        ended: Set once it has stopped writing.
    """

    def __init__(self) -> None:
        self.scope = CancelScope()
        self.ended = asyncio.Event()


class Writers:
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
