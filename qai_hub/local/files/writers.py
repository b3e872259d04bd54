"""Who writes to which upload, so that no file changes once it is published."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from anyio import CancelScope
from anyio.lowlevel import checkpoint_if_cancelled

from qai_hub.local.errors import ProblemError


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
