"""Locking jobs, and carrying them out again, in an event loop."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qai_hub.aio.manage import AsyncManagingClient
from qai_hub.client.submitter import AsyncSubmitter

if TYPE_CHECKING:
    from qai_hub.resources.job import Job
    from qai_hub.resources.job_lock import JobLock, LockReplay


class AsyncLockingClient(AsyncManagingClient):
    """An asynchronous client that locks what went into jobs, and repeats them."""

    async def lock_jobs(self, jobs: Iterable[Job | str]) -> JobLock:
        """Locks what went into jobs, as `Client.lock_jobs` does.

        Args:
            jobs: Jobs of this client's server, or their identifiers.

        Returns:
            The lock.

        Raises:
            TypeError: If it is a single job.
            UserError: If there is no job, or one has failed or cannot be seen.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> lock = asyncio.run(client.lock_jobs([inference_job]))
            >>> [job.type for job in lock.jobs]
            ['compile', 'inference']
        """
        from qai_hub.client.lock_jobs import lock_jobs

        async with self._driver() as driver:
            return await lock_jobs(driver, self._client, jobs)

    async def replay_lock(
        self, lock: JobLock | str | os.PathLike[str], files: str | os.PathLike[str] | None = None
    ) -> LockReplay:
        """Carries out the jobs of a lock again, as `Client.replay_lock` does.

        Args:
            lock: The lock, or the path of its file.
            files: Folder with models and data that the hub lacks; None for none.

        Returns:
            The new jobs, and what differs.

        Raises:
            TypeError: If it is neither a lock nor a path.
            FileNotFoundError: If the file of the lock, or the folder, does not exist.
            UserError: If it is not a lock, a device, a model or data is missing, or the service
                refuses a job.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.replay_lock(hub.lock_jobs([compile_job]))).is_same
            True
        """
        from qai_hub.client.replay import replay_lock

        async with self._driver() as driver:
            return await replay_lock(AsyncSubmitter(self._client, driver), lock, files)
