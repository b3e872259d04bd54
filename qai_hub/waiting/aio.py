"""Waiting for one job or many, in an event loop."""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack
from typing import TypeAlias, TypeVar

from qai_hub.errors import Error
from qai_hub.status import JobStatus
from qai_hub.waiting.ask import WaitableJob, ask_async
from qai_hub.waiting.many import Look
from qai_hub.waiting.poll import Wait
from qai_hub.waiting.schedule import Pause

__all__ = ["ended"]

J = TypeVar("J", bound=WaitableJob)

_Looking: TypeAlias = asyncio.Task[tuple[JobStatus, bool]]


async def ended(wait: Wait[J]) -> AsyncGenerator[tuple[J, JobStatus], None]:
    """Runs a wait.

    Args:
        wait: The wait.

    Yields:
        Each job when it has ended, with its final status.

    Raises:
        TimeoutError: If some jobs have not ended in time. They continue.
        Error: If the server refuses a request, or has been failing for 5 minutes.
    """
    looks: dict[_Looking, int] = {}
    with wait.progress_line() as line:
        async with AsyncExitStack() as connections:
            for owner in {id(job._owner): job._owner for job in wait.jobs}.values():
                await connections.enter_async_context(owner._connection.kept_open())
            try:
                while True:
                    line.tell(wait.state)
                    wake = _begin(wait, looks)
                    if wake is None:
                        return
                    for task in await _first(looks, min(wake, line.tick)):
                        index = looks.pop(task)
                        if _take_in(wait, index, task):
                            yield wait.jobs[index], wait.status(index)
            finally:
                for task in looks:
                    task.cancel()
                await asyncio.gather(*looks, return_exceptions=True)


def _begin(wait: Wait[J], looks: dict[_Looking, int]) -> float | None:
    """Sends the requests that are due.

    Returns:
        Seconds to wait for answers afterwards; None if all jobs have ended.
    """
    while True:
        step = wait.next(time.monotonic())
        if isinstance(step, Look):
            look = ask_async(wait.jobs[step.index], step.ask)
            looks[asyncio.create_task(look)] = step.index
        elif isinstance(step, Pause):
            return step.seconds
        else:
            return None if step is None else float("inf")


def _take_in(wait: Wait[J], index: int, task: _Looking) -> bool:
    """Records an answer, and returns whether the job has ended."""
    now = time.monotonic()
    try:
        status, held = task.result()
    except Error as error:
        error.add_note(f"This came of waiting for job {wait.jobs[index].job_id}.")
        wait.failed(index, now, error)
        return False
    return wait.answered(index, now, status, held=held)


async def _first(looks: Collection[_Looking], seconds: float) -> Collection[_Looking]:
    """Waits for the first answers, up to a number of seconds."""
    if not looks:
        await asyncio.sleep(seconds)
        return ()
    limit = seconds if seconds < float("inf") else None
    done, _ = await asyncio.wait(looks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    return done
