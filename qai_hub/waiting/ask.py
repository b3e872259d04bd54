"""One request for the status of a job, blocking or asynchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from qai_hub.errors import InternalError
from qai_hub.transport.threads import run_with_timeout

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Response

    from qai_hub.owner import Owner
    from qai_hub.status import JobStatus
    from qai_hub.waiting.schedule import Ask

__all__ = ["WaitableJob", "request_status", "request_status_async"]


class WaitableJob(Protocol):
    """A job, as far as waiting needs it."""

    @property
    def job_id(self) -> str:
        """Identifier."""

    @property
    def url(self) -> str:
        """URL of the job's page."""

    @property
    def verbose(self) -> bool:
        """Whether waits show their progress."""

    @property
    def _type_name(self) -> str:
        """What people read as the type of the job."""

    @property
    def _owner(self) -> Owner:
        """The owner of the job."""

    def _update(self, payload: api.Job) -> JobStatus:
        """Updates the job from an answer, and returns its status."""


def request_status(job: WaitableJob, instruction: Ask) -> tuple[JobStatus, bool]:
    """Asks for a job's status by a single request, which is not retried.

    Args:
        job: The job.
        instruction: How long the server may delay its answer (a long poll), and when to give up.

    Returns:
        The status, and whether the server applied the preference for a long poll.

    Raises:
        Error: If the request failed.
    """
    from qai_hub_api.api.jobs import get_job

    connection = job._owner._connection

    def send() -> Response[api.Job]:
        with connection.single_request(instruction.time_limit):
            return connection.call(get_job.sync_detailed, job.job_id, **_preference(instruction))

    # The request's time limits bound each of its steps; this one bounds the whole, since a name
    # server may hang and an answer may arrive byte by byte.
    try:
        answer = run_with_timeout(instruction.time_limit, send)
    except TimeoutError:
        raise _no_answer(job) from None
    return _status_in(answer, job)


async def request_status_async(job: WaitableJob, instruction: Ask) -> tuple[JobStatus, bool]:
    """Asks for a job's status in an event loop, as `request_status` does."""
    import asyncio

    from qai_hub_api.api.jobs import get_job

    connection = job._owner._connection
    try:
        async with asyncio.timeout(instruction.time_limit):
            with connection.single_request(instruction.time_limit):
                answer = await connection.call_async(
                    get_job.asyncio_detailed, job.job_id, **_preference(instruction)
                )
    except TimeoutError:
        raise _no_answer(job) from None
    return _status_in(answer, job)


def _preference(instruction: Ask) -> dict[str, str]:
    return {"prefer": f"wait={instruction.long_poll}"} if instruction.long_poll else {}


def _no_answer(job: WaitableJob) -> InternalError:
    host = job._owner.config.api_url
    return InternalError(f"Timeout occurred while communicating with {host}.")


def _status_in(answer: Response[api.Job], job: WaitableJob) -> tuple[JobStatus, bool]:
    status = job._update(cast("api.Job", answer.parsed))
    return status, "preference-applied" in answer.headers
