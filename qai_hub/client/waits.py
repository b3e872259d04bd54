"""Blocking waits for several jobs at once."""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TypeVar

from qai_hub.resources.job import Job
from qai_hub.resources.resource_list import ResourceList
from qai_hub.status import JobStatus
from qai_hub.waiting.progress import WaitProgress
from qai_hub.waiting.wait import Wait

__all__ = ["as_completed", "check_jobs", "unique_jobs", "wait_all", "wait_for_fetched"]

J = TypeVar("J", bound=Job)


def wait_all(jobs: Iterable[Job], timeout: float | None = None) -> list[JobStatus]:
    """Waits until all given jobs have ended, successfully or not.

    A failed job is returned with its status; no exception is raised. However many jobs there are,
    at most 8 requests are open at a time, and at most 20 are sent per second. Ctrl+C stops waiting;
    the jobs continue.

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
        >>> statuses = hub.wait_all(jobs, timeout=3600)
        >>> all(status.success for status in statuses)
        True
    """
    return _wait(check_jobs(jobs), timeout, {})


def wait_for_fetched(jobs: Iterable[Job], timeout: float | None = None) -> list[JobStatus]:
    """Waits as `wait_all` does for jobs that were just fetched: no request is sent for the ended.

    Args:
        jobs: The jobs.
        timeout: As in `wait_all`.

    Returns:
        The final statuses, in the order of the jobs.
    """
    checked = check_jobs(jobs)
    statuses = {job: job._last_status for job in checked}
    return _wait(checked, timeout, {k: v for k, v in statuses.items() if v and v.finished})


def _wait(
    checked: list[Job], timeout: float | None, known: Mapping[Job, JobStatus]
) -> list[JobStatus]:
    unique = unique_jobs(checked)
    progress = WaitProgress(unique, grouped=True)
    with progress:
        statuses = dict(_iterate_ended(unique, timeout, progress, known))
    return ResourceList(statuses[job] for job in checked)


def as_completed(jobs: Iterable[J], timeout: float | None = None) -> Iterator[J]:
    """Iterates over jobs as they end, successfully or not.

    The timeout counts from the call. Requests are sent as in `wait_all`, also while the caller
    processes a job.

    Args:
        jobs: The jobs, which may come from different clients.
        timeout: Maximum seconds to wait; 0 checks each job once, None waits without limit.

    Returns:
        An iterator over the jobs, each once. It raises the errors of `wait_all`, after returning
        the jobs that ended before.

    Examples:
        >>> for job in hub.as_completed(jobs, timeout=3600):
        ...     logs = job.download_job_logs("logs")
    """
    unique = unique_jobs(check_jobs(jobs))
    progress = WaitProgress(unique)
    return _hand_out(_iterate_ended(unique, timeout, progress, {}), progress)


def check_jobs(jobs: Iterable[J]) -> list[J]:
    """Checks that all items are jobs.

    Args:
        jobs: The items.

    Returns:
        The jobs, as a list.

    Raises:
        TypeError: If one of them is not a job.
    """
    if isinstance(jobs, Job):
        raise TypeError("Pass a list of jobs, or use job.wait() for a single job.")
    checked = list(jobs)
    for job in checked:
        if not isinstance(job, Job):
            raise TypeError(f"{job!r} is not a job: pass jobs, such as hub.get_job returns.")
    return checked


def unique_jobs(jobs: Iterable[J]) -> list[J]:
    """Removes duplicate jobs."""
    return list(dict.fromkeys(jobs))


def _hand_out(
    ended: Generator[tuple[J, JobStatus], None, None], progress: WaitProgress[J]
) -> Generator[J, None, None]:
    """Hands out the jobs, and shows nothing while the caller's code runs."""
    with progress, closing(ended):
        for job, _ in ended:
            progress.suspend()
            yield job
            progress.resume()


def _iterate_ended(
    jobs: list[J],
    timeout: float | None,
    progress: WaitProgress[J],
    known: Mapping[Job, JobStatus],
) -> Generator[tuple[J, JobStatus], None, None]:
    # asyncio is imported here because only waiting needs an event loop.
    from qai_hub.waiting.aio import iter_ended
    from qai_hub.waiting.thread import iterate_in_thread

    wait = Wait(
        jobs,
        timeout,
        now=time.monotonic(),
        max_long_poll=progress.max_long_poll,
        known={index: known[job] for index, job in enumerate(jobs) if job in known},
    )
    return iterate_in_thread(iter_ended(wait, progress))
