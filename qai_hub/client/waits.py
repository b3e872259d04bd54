"""Waiting for many jobs at once, blocking."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from qai_hub.resources.job import Job
from qai_hub.status import JobStatus
from qai_hub.waiting.wait import Wait

__all__ = ["as_completed", "distinct", "list_of_jobs", "wait_all"]

J = TypeVar("J", bound=Job)


def wait_all(jobs: Iterable[Job], timeout: float | None = None) -> list[JobStatus]:
    """Waits until all of some jobs have ended, well or not.

    Jobs that failed are returned as such, not raised. However many jobs there are, at most 8
    requests are open, and at most 20 begin in a second. Ctrl+C stops waiting; the jobs go on.

    Args:
        jobs: The jobs, of any clients.
        timeout: Seconds to wait at most; 0 looks once at each, None waits for as long as it takes.

    Returns:
        The final statuses, in the order of the jobs.

    Raises:
        TimeoutError: If jobs have not ended in time. They go on, and can be waited for again.
        UserError: If the server refuses to tell about a job.
        InternalError: If the server has not answered for 5 minutes.

    Examples:
        >>> statuses = hub.wait_all(jobs, timeout=3600)
        >>> all(status.success for status in statuses)
        True
    """
    given = list_of_jobs(jobs)
    statuses = dict(_ended(distinct(given), timeout))
    return [statuses[job] for job in given]


def as_completed(jobs: Iterable[J], timeout: float | None = None) -> Iterator[J]:
    """Iterates over jobs as they end, well or not.

    The time runs from the call on. Requests are sent as in `wait_all`, while the caller works on a
    job too.

    Args:
        jobs: The jobs, of any clients.
        timeout: Seconds to wait at most; 0 looks once at each, None waits for as long as it takes.

    Returns:
        An iterator of the jobs, each once. It raises what `wait_all` raises, after the jobs that
        ended before.

    Examples:
        >>> for job in hub.as_completed(jobs, timeout=3600):
        ...     logs = job.download_job_logs("logs")
    """
    return (job for job, _ in _ended(distinct(list_of_jobs(jobs)), timeout))


def list_of_jobs(jobs: Iterable[J]) -> list[J]:
    """Checks some jobs.

    Args:
        jobs: The jobs.

    Returns:
        The same, as a list.

    Raises:
        TypeError: If one of them is no job.
    """
    if isinstance(jobs, Job):
        raise TypeError("Give a list of jobs, or use job.wait() for one.")
    given = list(jobs)
    for job in given:
        if not isinstance(job, Job):
            raise TypeError(f"{job!r} is no job: give jobs, such as hub.get_job returns.")
    return given


def distinct(jobs: Iterable[J]) -> list[J]:
    """Leaves out jobs that were there before."""
    return list(dict.fromkeys(jobs))


def _ended(jobs: list[J], timeout: float | None) -> Iterator[tuple[J, JobStatus]]:
    # Nothing needs an event loop but a wait: asyncio is imported here.
    from qai_hub.waiting.aio import ended
    from qai_hub.waiting.thread import in_background

    return in_background(ended(Wait(jobs, timeout, now=time.monotonic())))
