"""The state of a wait for one job or many, and the loop that waits for one job, blocking.

The state decides what to do next and what to report, without clock, sleep or requests. The function
`wait_for_job` carries that out for one job; the module `aio` does so in an event loop, for one or
many.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from qai_hub.errors import Error
from qai_hub.next_steps import Step
from qai_hub.status import JobStatus
from qai_hub.transport.errors import is_transient
from qai_hub.waiting.ask import WaitableJob, request_status, status_in_summary
from qai_hub.waiting.listing import AskForPage, Listed
from qai_hub.waiting.many_jobs_schedule import OVERTIME as OVERTIME_OF_MANY
from qai_hub.waiting.many_jobs_schedule import AskFor, AwaitAnswer, ManyJobsSchedule
from qai_hub.waiting.progress import WaitProgress
from qai_hub.waiting.schedule import MAX_LONG_POLL, OVERTIME, Ask, Expired, GiveUp, Pause

if TYPE_CHECKING:
    from qai_hub.owner import Owner

__all__ = ["Wait", "WaitForOne", "wait_for_job"]


J = TypeVar("J", bound=WaitableJob)

_MAX_NAMES = 20


class Wait(Generic[J]):
    """A wait for many jobs.

    Args:
        jobs: The jobs, each once.
        timeout: Maximum seconds to wait; 0 checks once, None waits without limit.
        now: The time on a monotonic clock, in seconds; the wait starts then.
        rng: Source of random jitter.
        max_long_poll: Maximum seconds of a long poll.
        known: Final statuses by the indices of jobs that were just fetched: these are not asked
            for.

    Attributes:
        jobs: The jobs.
        known: As given.

    Raises:
        TypeError: If the timeout is not a number.
        ValueError: If the timeout is NaN.
        UserError: If a job's client has no valid configuration.
    """

    _overtime = OVERTIME_OF_MANY

    def __init__(
        self,
        jobs: Sequence[J],
        timeout: float | None,
        *,
        now: float,
        rng: random.Random | None = None,
        max_long_poll: int = MAX_LONG_POLL,
        known: Mapping[int, JobStatus] | None = None,
    ) -> None:
        self.jobs = jobs
        self.known = dict(known or {})
        self._timeout = timeout
        self._statuses = dict(self.known)
        self._schedule = ManyJobsSchedule(
            [self._server(job) for job in jobs],
            timeout,
            now=now,
            rng=rng or random.Random(),  # noqa: S311 - jitter is no secret
            lists=[self._account(job) for job in jobs],
            overtime=self._overtime,
            max_long_poll=max_long_poll,
        )
        self._schedule.leave_out(self.known, now)
        self._indices: dict[tuple[Hashable, str], int] = {
            (self._account(job), job.job_id): index for index, job in enumerate(jobs)
        }

    def status(self, index: int) -> JobStatus:
        """Returns the last known status of a job."""
        return self._statuses[index]

    def next(self, now: float) -> AskFor | AskForPage | Pause | AwaitAnswer | None:
        """Returns the next instruction.

        Args:
            now: The time.

        Returns:
            `AskFor`, for which `answered` or `failed` must be called later; `AskForPage`, for which
            `listed`, `fetched` or `page_failed` must be called later; `Pause`, which an answer
            interrupts; `AwaitAnswer`, to wait for an answer; None if all jobs have ended.

        Raises:
            TimeoutError: If some jobs have not ended in time. They continue.
            Error: If the server refuses a request, or has been failing for 5 minutes.
        """
        match self._schedule.next(now):
            case AskFor() | AskForPage() | Pause() | AwaitAnswer() as step:
                return step
            case GiveUp(error):
                raise error
            case Expired(fault):
                text = self._timeout_message()
                raise TimeoutError(
                    f"{text} The last request failed: {fault}" if fault else text
                ) from fault
            case _:
                return None

    def answered(self, index: int, now: float, status: JobStatus, *, long_polled: bool) -> None:
        """Records an answer.

        Args:
            index: Index of the job.
            now: The time.
            status: The status of the job.
            long_polled: Whether the server reports that it applied the long poll.
        """
        self._statuses[index] = status
        self._schedule.answered(index, now, finished=status.finished, long_polled=long_polled)

    def failed(self, index: int, now: float, error: Error) -> None:
        """Records a failed request.

        Args:
            index: Index of the job.
            now: The time.
            error: The error.
        """
        self._schedule.failed(
            index, now, error, transient=is_transient(error), retry_after=error.retry_after
        )

    def owner_of(self, page: AskForPage) -> Owner:
        """Returns an owner of the jobs on a page."""
        return next(job._owner for job in self.jobs if self._account(job) == page.key)

    def listed(
        self, page: AskForPage, now: float, found: Sequence[tuple[str, Any]]
    ) -> list[tuple[int, JobStatus]]:
        """Records a page of summaries.

        Args:
            page: What was asked for.
            now: The time.
            found: The summaries, in order, each with the identifier of its job.

        Returns:
            The jobs that run, by their indices, and their statuses.
        """
        listed: dict[int, Listed] = {}
        statuses: dict[int, JobStatus] = {}
        unfinished = set(self._schedule.unfinished)
        for position, (job_id, summary) in enumerate(found):
            index = self._indices.get((page.key, job_id))
            if index is None:
                continue
            status = status_in_summary(summary)
            listed[index] = Listed(position, not status.pending, status.finished)
            if index in unfinished and not status.finished:
                self.jobs[index]._update_from_summary(summary, status)
                statuses[index] = status
        self._statuses.update(statuses)
        self._schedule.listed(page, now, listed, len(found))
        return list(statuses.items())

    def fetched(
        self, page: AskForPage, now: float, found: Sequence[tuple[str, Any]]
    ) -> list[tuple[int, JobStatus]]:
        """Records a page of whole jobs.

        Args:
            page: What was asked for.
            now: The time.
            found: The jobs, in order, each with its identifier.

        Returns:
            The jobs whose end is news, and those that run, by their indices, and their statuses.
        """
        # A job that is being asked for is left to that answer, which may be older than the page.
        wanted = set(self._schedule.unfinished) - self._schedule.open_jobs
        payloads = {self._indices.get((page.key, job_id)): payload for job_id, payload in found}
        news: list[tuple[int, JobStatus]] = []
        for index in sorted(wanted & payloads.keys()):
            # What cannot be read is asked for by itself, and that says what is wrong with it.
            with suppress(Error):
                news.append((index, self.jobs[index]._update(payloads[index])))
        self._statuses.update(news)
        self._schedule.fetched(page, now, [index for index, status in news if status.finished])
        return news

    def page_failed(self, page: AskForPage, now: float, error: Error) -> None:
        """Records a failed request for a page.

        Args:
            page: What was asked for.
            now: The time.
            error: The error.
        """
        self._schedule.page_failed(
            page, now, transient=is_transient(error), retry_after=error.retry_after
        )

    def _server(self, job: J) -> str:
        """Returns a key of the job's server."""
        return job._owner.config.api_url

    def _account(self, job: J) -> tuple[str, str]:
        """Returns a key of the list that tells of the job."""
        return job._owner.config.api_url, job._owner.config.api_token

    def _timeout_message(self) -> str:
        if len(self.jobs) == 1:
            return self._single_timeout_message(self.jobs[0])
        left = self._schedule.unfinished
        names = ", ".join(self._name(index) for index in left[:_MAX_NAMES])
        more = f" and {len(left) - _MAX_NAMES} more" if len(left) > _MAX_NAMES else ""
        look = Step("fetch each with hub.get_job(ID)", "see each with `qai-hub job show JOB`")
        return (
            f"{len(left)} of {len(self.jobs)} jobs have not ended within {self._timeout} s: "
            f"{names}{more}. They continue: wait for them again, or {look}."
        )

    def _single_timeout_message(self, job: J) -> str:
        status = self._statuses.get(0)
        state = "its state is unknown" if status is None else f"it is in state {status.code}"
        again = Step(
            f'fetch it again with hub.get_job("{job.job_id}") and wait again',
            f"wait again with `qai-hub job wait {job.job_id}`",
        )
        return (
            f"Job {job.job_id} has not ended within {self._timeout} s: {state}. It continues: see"
            f" {job.url}, or {again}."
        )

    def _name(self, index: int) -> str:
        status = self._statuses.get(index)
        return f"{self.jobs[index].job_id} ({status.code if status else 'state unknown'})"


class WaitForOne(Wait[J]):
    """A wait for one job, which has more time for its last check than each of many."""

    _overtime = OVERTIME

    def _server(self, job: J) -> str:
        return ""

    def _account(self, job: J) -> tuple[str, str]:
        return "", ""


# Asks for the status once: returns it with whether it was a long poll; raises `Error`.
AskForStatus: TypeAlias = Callable[[WaitableJob, Ask], tuple[JobStatus, bool]]


def wait_for_job(
    job: WaitableJob,
    timeout: float | None,
    *,
    ask: AskForStatus = request_status,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    rng: random.Random | None = None,
) -> JobStatus:
    """Waits until a job has ended, successfully or not.

    Args:
        job: The job.
        timeout: Maximum seconds to wait; 0 checks once, None waits without limit.
        ask: Asks for the status once.
        clock: Monotonic clock, in seconds.
        sleep: Sleeps for some seconds.
        rng: Source of random jitter.

    Returns:
        The final status.

    Raises:
        TimeoutError: If the job has not ended in time. It continues.
        Error: If the server refuses a request, or has been failing for 5 minutes.
        TypeError: If the timeout is not a number.
        ValueError: If the timeout is NaN.
    """
    with WaitProgress([job]) as shown:
        wait = WaitForOne([job], timeout, now=clock(), rng=rng, max_long_poll=shown.max_long_poll)
        while True:
            step = wait.next(clock())
            if isinstance(step, AskFor):
                try:
                    status, long_polled = ask(job, step.ask)
                except Error as error:
                    wait.failed(0, clock(), error)
                else:
                    wait.answered(0, clock(), status, long_polled=long_polled)
                    shown.update(0, status)
            elif isinstance(step, Pause):
                sleep(step.seconds)
            else:
                return wait.status(0)
