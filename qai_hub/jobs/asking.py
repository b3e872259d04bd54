"""One look at a job that is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from qai_hub.errors import InternalError
from qai_hub.transport.carriers import within

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Response

    from qai_hub.jobs.base import Job
    from qai_hub.jobs.status import JobStatus


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

    transport = job._owner._transport

    def look() -> Response[api.Job]:
        with transport.single_request(time_limit):
            return transport.call(get_job.sync_detailed, job.job_id, **_preference(hold))

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

    transport = job._owner._transport
    with transport.single_request(time_limit):
        answer = await transport.call_async(
            get_job.asyncio_detailed, job.job_id, **_preference(hold)
        )
    return _status_of(job, answer)


def _preference(hold: int) -> dict[str, str]:
    return {"prefer": f"wait={hold}"} if hold else {}


def _status_of(job: Job, answer: Response[api.Job]) -> tuple[JobStatus, bool]:
    status = job._update(cast("api.Job", answer.parsed))
    return status, "preference-applied" in answer.headers
