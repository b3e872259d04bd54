"""Waiting for a job, blocking."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

from qai_hub.errors import Error, InternalError
from qai_hub.status import JobStatus
from qai_hub.transport.errors import may_pass
from qai_hub.transport.threads import within
from qai_hub.waiting.progress import ProgressLine
from qai_hub.waiting.schedule import Ask, Expired, Finished, GiveUp, Pause, WaitSchedule

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Response

    from qai_hub.resources.job import Job

__all__ = ["AskForStatus", "too_late", "wait_for"]


class AskForStatus(Protocol):
    """Asks for the status of one job."""

    def __call__(self, hold: int, time_limit: float) -> tuple[JobStatus, bool]:
        """Sends one request, without trying again.

        Args:
            hold: Seconds to ask for in `Prefer: wait=N`; 0 for no such header.
            time_limit: Seconds after which the request is given up.

        Returns:
            The status, and whether the server applied the preference.

        Raises:
            Error: If the request failed.
        """


def wait_for(
    ask: AskForStatus,
    timeout: float | None,
    *,
    job_id: str,
    url: str,
    progress: ProgressLine | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    rng: random.Random | None = None,
) -> JobStatus:
    """Waits until a job has ended, well or not.

    Args:
        ask: Asks for the status once.
        timeout: Seconds to wait at most; 0 looks once, None waits for as long as it takes.
        job_id: Identifier of the job.
        url: Page of the job.
        progress: Where the state is shown; it is closed at the end.
        clock: Monotonic clock, in seconds.
        sleep: Sleeps for some seconds.
        rng: Source of the jitter.

    Returns:
        The final status.

    Raises:
        TimeoutError: If the job has not ended in time. It goes on.
        Error: If the server refuses, or has failed for 5 minutes.
        TypeError: If the timeout is no number.
        ValueError: If the timeout is NaN.
    """
    line = progress or ProgressLine(job_id, stream=None)
    schedule = WaitSchedule(
        timeout,
        now=clock(),
        rng=rng or random.Random(),  # noqa: S311 - jitter is no secret
        longest_hold=line.longest_hold,
    )
    status: JobStatus | None = None
    with line:
        while True:
            line.show(status)
            match schedule.next(clock()):
                case Ask(hold, time_limit):
                    try:
                        status, held = ask(hold, time_limit)
                    except Error as error:
                        schedule.failed(
                            clock(),
                            error,
                            transient=may_pass(error),
                            retry_after=error.retry_after,
                        )
                    else:
                        schedule.answered(clock(), finished=status.finished, held=held)
                case Pause(seconds):
                    sleep(min(seconds, line.tick))
                case Finished():
                    return cast(JobStatus, status)
                case GiveUp(error):
                    raise error
                case Expired(fault):
                    raise TimeoutError(too_late(job_id, url, timeout, status, fault)) from fault


def too_late(
    job_id: str,
    url: str,
    timeout: float | None,
    status: JobStatus | None,
    fault: Exception | None,
) -> str:
    """Tells that a job has not ended in time, and how to go on.

    Args:
        job_id: Identifier of the job.
        url: Page of the job.
        timeout: Seconds that were waited.
        status: Its last status, if that is known.
        fault: What went wrong at the last look, if it failed.

    Returns:
        The text.
    """
    state = "its state is not known" if status is None else f"it is in state {status.code}"
    text = (
        f"Job {job_id} has not ended within {timeout} s: {state}. It goes on: see {url}, or fetch "
        f'it again with hub.get_job("{job_id}") and wait on.'
    )
    return f"{text} The last request failed: {fault}" if fault else text


def ask(job: Job, hold: int, time_limit: float) -> tuple[JobStatus, bool]:
    """Asks for a job's status once.

    Args:
        job: The job.
        hold: Seconds that the server may hold its answer back until the job ends.
        time_limit: Seconds after which to give up.

    Returns:
        The status, and whether the server applied the preference to hold back.
    """
    from qai_hub_api.api.jobs import get_job

    connection = job._owner._connection

    def look() -> Response[api.Job]:
        with connection.single_request(time_limit):
            return connection.call(get_job.sync_detailed, job.job_id, **_preference(hold))

    # Time limits of the request bound each of its steps, this one all of them: a name server may
    # hang, and an answer may come byte by byte.
    try:
        answer = within(time_limit, look)
    except TimeoutError:
        host = job._owner.config.api_url
        raise InternalError(f"Timeout occurred while communicating with {host}.") from None
    return _status_of(job, answer)


async def ask_async(job: Job, hold: int, time_limit: float) -> tuple[JobStatus, bool]:
    """Does what `ask` does, in an event loop."""
    from qai_hub_api.api.jobs import get_job

    connection = job._owner._connection
    with connection.single_request(time_limit):
        answer = await connection.call_async(
            get_job.asyncio_detailed, job.job_id, **_preference(hold)
        )
    return _status_of(job, answer)


def _preference(hold: int) -> dict[str, str]:
    return {"prefer": f"wait={hold}"} if hold else {}


def _status_of(job: Job, answer: Response[api.Job]) -> tuple[JobStatus, bool]:
    status = job._update(cast("api.Job", answer.parsed))
    return status, "preference-applied" in answer.headers
