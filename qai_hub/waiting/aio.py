"""Waiting for one job or many, in an event loop."""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack
from typing import Any, TypeAlias, TypeVar

from qai_hub.errors import Error
from qai_hub.status import JobStatus
from qai_hub.waiting.ask import WaitableJob, request_page_async, request_status_async
from qai_hub.waiting.listing import AskForPage
from qai_hub.waiting.many_jobs_schedule import AskFor
from qai_hub.waiting.progress import WaitProgress
from qai_hub.waiting.schedule import Pause
from qai_hub.waiting.wait import Wait

__all__ = ["iter_ended"]

J = TypeVar("J", bound=WaitableJob)

# Of the status of a job, and whether it was a long poll; or of the jobs on a page.
_Request: TypeAlias = asyncio.Task[Any]


async def iter_ended(
    wait: Wait[J], progress: WaitProgress[J]
) -> AsyncGenerator[tuple[J, JobStatus], None]:
    """Runs a wait.

    Args:
        wait: The wait.
        progress: What shows the jobs.

    Yields:
        Each job when it has ended, with its final status.

    Raises:
        TimeoutError: If some jobs have not ended in time. They continue.
        Error: If the server refuses a request, or has been failing for 5 minutes.
    """
    for index, status in wait.known.items():
        progress.update(index, status)
        yield wait.jobs[index], status
    requests: dict[_Request, AskFor | AskForPage] = {}
    async with AsyncExitStack() as connections:
        for owner in {id(job._owner): job._owner for job in wait.jobs}.values():
            await connections.enter_async_context(owner._connection.keep_open())
        try:
            while True:
                wake = _send_due_requests(wait, requests)
                if wake is None:
                    return
                for task in await _wait_for_first(requests, wake):
                    for index, status in _record_answer(wait, requests.pop(task), task):
                        progress.update(index, status)
                        if status.finished:
                            yield wait.jobs[index], status
        finally:
            for task in requests:
                task.cancel()
            await asyncio.gather(*requests, return_exceptions=True)


def _send_due_requests(
    wait: Wait[J], requests: dict[_Request, AskFor | AskForPage]
) -> float | None:
    """Sends the requests that are due.

    Returns:
        Seconds to wait for answers afterwards; None if all jobs have ended.
    """
    while True:
        step = wait.next(time.monotonic())
        if isinstance(step, AskFor):
            request = request_status_async(wait.jobs[step.index], step.ask)
            requests[asyncio.create_task(request)] = step
        elif isinstance(step, AskForPage):
            page = request_page_async(wait.owner_of(step), step)
            requests[asyncio.create_task(page)] = step
        elif isinstance(step, Pause):
            return step.seconds
        else:
            return None if step is None else float("inf")


def _record_answer(
    wait: Wait[J], step: AskFor | AskForPage, task: _Request
) -> list[tuple[int, JobStatus]]:
    """Records an answer, and returns what it tells: indices of jobs, and their statuses."""
    now = time.monotonic()
    try:
        answer = task.result()
    except Error as error:
        if isinstance(step, AskForPage):
            wait.page_failed(step, now, error)
        else:
            job = wait.jobs[step.index]
            error.add_note(f"It occurred while waiting for job {job.job_id}.")
            wait.failed(step.index, now, error)
        return []
    if isinstance(step, AskFor):
        status, long_polled = answer
        wait.answered(step.index, now, status, long_polled=long_polled)
        return [(step.index, status)]
    if step.jobs:
        return wait.fetched(step, now, answer)
    return wait.listed(step, now, answer)


async def _wait_for_first(requests: Collection[_Request], seconds: float) -> Collection[_Request]:
    """Waits for the first answers, up to a number of seconds."""
    if not requests:
        await asyncio.sleep(seconds)
        return ()
    limit = seconds if seconds < float("inf") else None
    done, _ = await asyncio.wait(requests, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    return done
