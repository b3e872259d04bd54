"""Requests that wait for the end of a job. Each costs a future, but no thread."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Read = TypeVar("_Read")


class Waiters:
    """The requests that are waiting for jobs.

    Requests register on the event loop that serves them; any thread may notify them.

    Args:
        limit: Maximum number that may wait at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)

    def __len__(self) -> int:
        return self._count

    def open(self) -> None:
        """Accept requests, on the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Release all requests; later ones do not wait. Must be called on the event loop."""
        self._loop = None
        self._wake(None)

    @contextmanager
    def register(self, job_id: str) -> Iterator[asyncio.Future[None] | None]:
        """Register for the end of a job; must be done before its state is read.

        Args:
            job_id: The job.

        Yields:
            A future that is done once the job has ended or waiting is over; None if too many
            requests are waiting already.
        """
        if self._count >= self._limit:
            yield None
            return
        ended = asyncio.get_running_loop().create_future()
        if self._loop is None:
            ended.set_result(None)
        self._waiting[job_id].add(ended)
        self._count += 1
        try:
            yield ended
        finally:
            self._count -= 1
            self._waiting[job_id].discard(ended)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    def job_ids(self) -> list[str]:
        """Return the jobs that requests are waiting for. May be called from any thread."""
        return list(self._waiting.copy())

    def notify(self, job_ids: Sequence[str] | None) -> None:
        """Notify requests, from any thread, that jobs have ended; all of them if None."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._wake, job_ids)
        except RuntimeError:
            # The loop has been closed since; its requests have been released.
            return

    def _wake(self, job_ids: Sequence[str] | None) -> None:
        for job_id in tuple(self._waiting) if job_ids is None else job_ids:
            for ended in self._waiting.get(job_id, ()):
                if not ended.done():
                    ended.set_result(None)


class SharedReads(Generic[_Key, _Read]):
    """Reads once what many requests want at the same moment, as the end of a job wakes them all.

    All requests must be on one event loop.
    """

    def __init__(self) -> None:
        self._reads: dict[_Key, asyncio.Future[_Read]] = {}

    async def read(self, key: _Key, read: Callable[[], Awaitable[_Read]]) -> _Read:
        """Return what is read for a key, by this request or by another that has just begun to.

        Args:
            key: What is read. Whoever gives the same key may have the same result, even one that
                was read a moment ago.
            read: Reads it.
        """
        reading = self._reads.get(key)
        if reading is None:
            reading = self._reads[key] = asyncio.ensure_future(read())
            reading.add_done_callback(lambda done: self._forget(key, done))
        # A client that disconnects takes nothing from the others.
        return await asyncio.shield(reading)

    def _forget(self, key: _Key, done: "asyncio.Future[_Read]") -> None:
        del self._reads[key]
        if not done.cancelled():
            # Those who wait raise it; if none is left, nobody needs to.
            done.exception()
