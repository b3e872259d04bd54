"""The client for asyncio.

The event loop itself sends requests, and retries them if that is safe; threads handle files,
archives and arrays. Cancelling a task closes its connections and ends its subtasks; submitted jobs
continue.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from qai_hub.aio.signatures import AsyncTypedClient
from qai_hub.client.waits import check_jobs, unique_jobs
from qai_hub.resources.job import Job
from qai_hub.resources.resource_list import ResourceList
from qai_hub.waiting.aio import iter_ended
from qai_hub.waiting.progress import WaitProgress
from qai_hub.waiting.wait import Wait

if TYPE_CHECKING:
    from qai_hub.status import JobStatus

__all__ = ["AsyncClient", "as_completed", "wait_all"]


J = TypeVar("J", bound=Job)


async def wait_all(jobs: Iterable[Job], timeout: float | None = None) -> list[JobStatus]:  # noqa: ASYNC109 - as hub.wait_all
    """Waits until all given jobs have ended, as `hub.wait_all` does.

    Args:
        jobs: The jobs, which may come from different clients.
        timeout: Maximum seconds to wait; 0 checks each job once, None waits without limit.

    Returns:
        The final statuses, in the order of the jobs.

    Raises:
        TimeoutError: If some jobs have not ended in time. They continue and can be waited for
            again.
        UserError: If the server refuses to report the status of a job.
        InternalError: If the server has not responded for 5 minutes.

    Examples:
        >>> import asyncio
        >>> asyncio.run(hub.aio.wait_all(jobs, timeout=3600))
        [JobStatus(code='SUCCESS', message=''), JobStatus(code='SUCCESS', message='')]
    """
    checked = check_jobs(jobs)
    unique = unique_jobs(checked)
    with WaitProgress(unique, grouped=True) as progress:
        ended = _iterate_ended(unique, timeout, progress)
        statuses = {job: status async for job, status in ended}
    return ResourceList(statuses[job] for job in checked)


def as_completed(jobs: Iterable[J], timeout: float | None = None) -> AsyncIterator[J]:
    """Iterates over jobs as they end, as `hub.as_completed` does.

    Args:
        jobs: The jobs, which may come from different clients.
        timeout: Maximum seconds to wait; 0 checks each job once, None waits without limit.

    Returns:
        An asynchronous iterator over the jobs, each once. It raises the errors of `wait_all`.

    Examples:
        >>> import asyncio
        >>> async def report():
        ...     async for job in hub.aio.as_completed(jobs, timeout=3600):
        ...         print(job.get_status())
        >>> asyncio.run(report())
        SUCCESS
        SUCCESS
    """
    unique = unique_jobs(check_jobs(jobs))
    progress = WaitProgress(unique)
    return _hand_out(_iterate_ended(unique, timeout, progress), progress)


def _iterate_ended(
    jobs: list[J], timeout: float | None, progress: WaitProgress[J]
) -> AsyncGenerator[tuple[J, JobStatus], None]:
    wait = Wait(jobs, timeout, now=time.monotonic(), max_long_poll=progress.max_long_poll)
    return iter_ended(wait, progress)


async def _hand_out(
    ended: AsyncGenerator[tuple[J, JobStatus], None], progress: WaitProgress[J]
) -> AsyncIterator[J]:
    """Hands out the jobs, and shows nothing while the caller's code runs."""
    with progress:
        async with aclosing(ended):
            async for job, _ in ended:
                progress.suspend()
                yield job
                progress.resume()


class AsyncClient(AsyncTypedClient):
    """A client of one hub, as one user, whose methods are coroutines.

    The methods take and return the same as those of `Client`. Within `async with`, requests share
    connections; otherwise each call opens connections and closes them. Jobs, models and datasets
    are the classes that `Client` returns: their methods block, except `Job.wait_async`. Pass to the
    methods only objects from the same hub and account.

    Args:
        config: The configuration; None reads it from the environment and `~/.qai_hub/client.ini`.
        profile: Name of a profile to read instead, from `~/.qai_hub/PROFILE.ini`.
        default_project_id: Project of uploads and jobs; overrides the configuration's.

    Raises:
        FileNotFoundError: If the profile does not exist.
        UserError: If the profile is not valid, or if both a configuration and a profile are given.

    Examples:
        >>> import asyncio
        >>> async def main():
        ...     async with hub.aio.AsyncClient() as client:
        ...         job = await client.submit_compile_job("model.onnx", device)
        ...         status = await client.wait(job, timeout=3600)
        ...         return status, await client.download_target_model(job, "compiled")
        >>> asyncio.run(main())
        (JobStatus(code='SUCCESS', message=''), 'compiled.onnx')
    """
