"""The requests of a wait: for the status of one job, blocking or not, and for pages of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from qai_hub.errors import InternalError
from qai_hub.status import JobStatus
from qai_hub.transport.threads import run_with_timeout
from qai_hub.transport.values import (
    find_part,
    has_ended,
    require_list,
    to_utc,
    valid_id_or_empty,
)

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Response

    from qai_hub.owner import Owner
    from qai_hub.waiting.listing import AskForPage
    from qai_hub.waiting.schedule import Ask

__all__ = [
    "WaitableJob",
    "request_page_async",
    "request_status",
    "request_status_async",
    "status_in_summary",
]

_PAGE = "a list of jobs"


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

    def _update_from_summary(self, summary: Any, status: JobStatus) -> None:  # noqa: ANN401 - by type
        """Updates what the summary of a job that has not ended tells."""


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
        raise _no_answer(job._owner) from None
    return _status_in(answer, job)


async def request_status_async(job: WaitableJob, instruction: Ask) -> tuple[JobStatus, bool]:
    """Asks for a job's status in an event loop, as `request_status` does."""
    from qai_hub_api.api.jobs import get_job

    answer: Response[api.Job] = await _call_once(
        job._owner,
        instruction.time_limit,
        get_job.asyncio_detailed,
        job.job_id,
        **_preference(instruction),
    )
    return _status_in(answer, job)


async def request_page_async(owner: Owner, instruction: AskForPage) -> list[tuple[str, Any]]:
    """Asks for a page of an account's jobs in an event loop, by a request that is not retried.

    Args:
        owner: An owner of the account's jobs.
        instruction: Which page to ask for, and when to give up.

    Returns:
        The jobs in the order of the list, each with its identifier: whole ones as `get_job` has
        them, or else their summaries, without what says the type. The identifier is empty if the
        type is not known.

    Raises:
        Error: If the request failed.
    """
    from qai_hub_api.api.jobs import list_job_summaries, list_jobs

    operation: Any = list_jobs if instruction.jobs else list_job_summaries
    answer = await _call_once(
        owner,
        instruction.time_limit,
        operation.asyncio_detailed,
        offset=instruction.offset,
        limit=instruction.limit,
    )
    page = answer.parsed
    if instruction.jobs:
        return [_find_job(payload) for payload in require_list(page.jobs, _PAGE)]
    return [_find_summary(payload) for payload in require_list(page.job_summaries, _PAGE)]


async def _call_once(
    owner: Owner,
    time_limit: float,
    operation: Any,  # noqa: ANN401 - a generated function
    *args: object,
    **kwargs: object,
) -> Any:  # noqa: ANN401 - what the operation returns
    """Calls a generated asynchronous function by a request that is not retried."""
    import asyncio

    connection = owner._connection
    try:
        async with asyncio.timeout(time_limit):
            with connection.single_request(time_limit):
                return await connection.call_async(operation, *args, **kwargs)
    except TimeoutError:
        raise _no_answer(owner) from None


def status_in_summary(summary: Any) -> JobStatus:  # noqa: ANN401 - by type of job
    """Returns the status that a summary tells, without a message."""
    ended = has_ended(to_utc(summary.completion_time))
    return JobStatus._from_wire(summary.job_state.value, ended=ended)


def _find_job(payload: api.Job) -> tuple[str, api.Job]:
    name, details = find_part(payload, "_job")
    return valid_id_or_empty(getattr(details, f"{name}_id", "")), payload


def _find_summary(payload: api.JobSummary) -> tuple[str, Any]:
    _, summary = find_part(payload, "_job_summary")
    return valid_id_or_empty(getattr(summary, "job_id", "")), summary


def _preference(instruction: Ask) -> dict[str, str]:
    return {"prefer": f"wait={instruction.long_poll}"} if instruction.long_poll else {}


def _no_answer(owner: Owner) -> InternalError:
    host = owner.config.api_url
    return InternalError(f"Timeout occurred while communicating with {host}.")


def _status_in(answer: Response[api.Job], job: WaitableJob) -> tuple[JobStatus, bool]:
    status = job._update(cast("api.Job", answer.parsed))
    return status, "preference-applied" in answer.headers
