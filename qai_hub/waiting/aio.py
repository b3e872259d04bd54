"""Waiting for many jobs at once, in an event loop."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import AsyncExitStack
from typing import Generic, TypeVar

from qai_hub.errors import Error, InternalError
from qai_hub.resources.job import Job
from qai_hub.status import JobStatus
from qai_hub.transport.errors import may_pass
from qai_hub.waiting.many import OVERTIME, Busy, Look, Rotation
from qai_hub.waiting.poll import ask_async, too_late
from qai_hub.waiting.progress import ProgressLine
from qai_hub.waiting.schedule import Ask, Expired, Finished, GiveUp, Pause

__all__ = ["Gathering"]

J = TypeVar("J", bound=Job)

_MOST_NAMES = 20


class Gathering(Generic[J]):
    """A wait for many jobs, whose time runs from here on.

    Args:
        jobs: The jobs, each once.
        timeout: Seconds to wait at most; 0 looks once, None waits for as long as it takes.
        overtime: Seconds past the timeout after which it ends, whatever comes.

    Raises:
        TypeError: If the timeout is no number.
        ValueError: If the timeout is NaN.
        UserError: If a job's client has no valid configuration.
    """

    def __init__(
        self, jobs: Sequence[J], timeout: float | None, *, overtime: float = OVERTIME
    ) -> None:
        self._jobs = jobs
        self._timeout = timeout
        self._statuses: dict[int, JobStatus] = {}
        self._ended = 0
        self._failures = 0
        self._rotation = Rotation(
            [job._owner.config.api_url for job in jobs],
            timeout,
            now=time.monotonic(),
            rng=random.Random(),  # noqa: S311 - jitter is no secret
            overtime=overtime,
        )

    async def run(self) -> AsyncGenerator[tuple[J, JobStatus], None]:
        """Waits.

        Yields:
            Each job when it has ended, and its final status.

        Raises:
            TimeoutError: If jobs have not ended in time. They go on.
            Error: If the server refuses, or has failed for 5 minutes.
        """
        verbose = any(job.verbose for job in self._jobs)
        looks: dict[asyncio.Task[tuple[JobStatus, bool]], int] = {}
        with ProgressLine.on_stderr("jobs ended", verbose=verbose) as line:
            async with AsyncExitStack() as connections:
                for owner in {id(job._owner): job._owner for job in self._jobs}.values():
                    await connections.enter_async_context(owner._connection.kept_open())
                try:
                    while True:
                        line.tell(self._state())
                        wake = self._begin(looks)
                        if wake is None:
                            return
                        for task in await _first(looks, min(wake, line.tick)):
                            index = looks.pop(task)
                            if self._take_in(index, task):
                                yield self._jobs[index], self._statuses[index]
                finally:
                    for task in looks:
                        task.cancel()
                    await asyncio.gather(*looks, return_exceptions=True)

    def _begin(self, looks: dict[asyncio.Task[tuple[JobStatus, bool]], int]) -> float | None:
        """Sends what is to be sent now; tells for how long to wait then, None for no longer."""
        while True:
            match self._rotation.next(time.monotonic()):
                case Look(index, ask):
                    looks[asyncio.create_task(_look(self._jobs[index], ask))] = index
                case Pause(seconds):
                    return seconds
                case Busy():
                    return float("inf")
                case Finished():
                    return None
                case GiveUp(error):
                    raise error
                case Expired(fault):
                    raise TimeoutError(self._too_late(fault)) from fault

    def _take_in(self, index: int, task: asyncio.Task[tuple[JobStatus, bool]]) -> bool:
        """Takes an answer in; tells whether the job has ended."""
        now = time.monotonic()
        try:
            status, held = task.result()
        except Error as error:
            error.add_note(f"This came of waiting for job {self._jobs[index].job_id}.")
            self._rotation.failed(
                index,
                now,
                error,
                transient=may_pass(error),
                retry_after=error.retry_after,
            )
            return False
        self._statuses[index] = status
        self._ended += status.finished
        self._failures += status.failure
        self._rotation.answered(index, now, finished=status.finished, held=held)
        return status.finished

    def _state(self) -> str:
        symbol = "⏳" if self._ended < len(self._jobs) else "❌" if self._failures else "✅"
        told = f"{self._failures} failed, " if self._failures else ""
        return f"{symbol} {told}{self._ended} of {len(self._jobs)}"

    def _too_late(self, fault: Exception | None) -> str:
        left = self._rotation.left
        if len(self._jobs) == 1:
            (job,) = self._jobs
            return too_late(job.job_id, job.url, self._timeout, self._statuses.get(0), fault)
        names = ", ".join(self._name(index) for index in left[:_MOST_NAMES])
        more = f" and {len(left) - _MOST_NAMES} more" if len(left) > _MOST_NAMES else ""
        text = (
            f"{len(left)} of {len(self._jobs)} jobs have not ended within {self._timeout} s: "
            f"{names}{more}. They go on: wait for them again, or fetch them with hub.get_job(ID)."
        )
        return f"{text} The last request failed: {fault}" if fault else text

    def _name(self, index: int) -> str:
        status = self._statuses.get(index)
        return f"{self._jobs[index].job_id} ({status.code if status else 'state not known'})"


async def _look(job: Job, ask: Ask) -> tuple[JobStatus, bool]:
    """Asks for a job; time limits of the request bound each of its steps, this one all of them."""
    try:
        async with asyncio.timeout(ask.time_limit):
            return await ask_async(job, ask.hold, ask.time_limit)
    except TimeoutError:
        host = job._owner.config.api_url
        raise InternalError(f"Timeout occurred while communicating with {host}.") from None


async def _first(
    looks: Collection[asyncio.Task[tuple[JobStatus, bool]]], seconds: float
) -> Collection[asyncio.Task[tuple[JobStatus, bool]]]:
    """Waits for the first answers, but no longer than some seconds."""
    if not looks:
        await asyncio.sleep(seconds)
        return ()
    limit = seconds if seconds < float("inf") else None
    done, _ = await asyncio.wait(looks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    return done
