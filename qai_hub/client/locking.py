"""Locking jobs, and carrying them out again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qai_hub.client.combined import CombinedClient
from qai_hub.driver import run_blocking

if TYPE_CHECKING:
    from qai_hub.resources.job import Job
    from qai_hub.resources.job_lock import JobLock, LockReplay


class LockingClient(CombinedClient):
    """A client that locks what went into jobs, and repeats them."""

    def lock_jobs(self, jobs: Iterable[Job | str]) -> JobLock:
        """Locks what went into jobs, and into all jobs that their models come from.

        Waits for their end. Files whose digests the service does not tell are downloaded to find
        these out, and so are DLCs.

        Args:
            jobs: Jobs of this client's server, or their identifiers.

        Returns:
            The lock, which has nothing secret, and no addresses of people.

        Raises:
            TypeError: If it is a single job.
            UserError: If there is no job, or one has failed or cannot be seen.

        Examples:
            >>> lock = hub.lock_jobs([inference_job])
            >>> [job.type for job in lock.jobs]
            ['compile', 'inference']
        """
        from qai_hub.client.lock_jobs import lock_jobs

        return run_blocking(lock_jobs(self._driver, self, jobs))

    def replay_lock(
        self, lock: JobLock | str | os.PathLike[str], files: str | os.PathLike[str] | None = None
    ) -> LockReplay:
        """Carries out the jobs of a lock again, and compares what comes out.

        Their models and data are found on the hub by their content, or uploaded from a folder. The
        jobs are submitted at once and waited for; the cache of a local hub does not serve them.

        Args:
            lock: The lock, or the path of its file.
            files: Folder with models and data, which is searched with its subfolders for what the
                hub lacks; None for none.

        Returns:
            The new jobs, and what differs.

        Raises:
            TypeError: If it is neither a lock nor a path.
            FileNotFoundError: If the file of the lock, or the folder, does not exist.
            UserError: If it is not a lock, a device, a model or data is missing, or the service
                refuses a job.

        Examples:
            >>> hub.lock_jobs([compile_job]).save("hub.lock")
            >>> replay = hub.replay_lock("hub.lock")
            >>> replay.is_same, replay.differences
            (True, ())
        """
        from qai_hub.client.replay import replay_lock

        return run_blocking(replay_lock(self._submitter, lock, files))
