"""The state of a wait for one job or many, without clock, sleep or requests.

It decides what to do next and what to report. `poll` and `aio` carry that out: `poll` blocking,
`aio` in an event loop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from qai_hub.errors import Error
from qai_hub.status import JobStatus
from qai_hub.transport.errors import is_transient
from qai_hub.waiting.ask import WaitableJob, ask
from qai_hub.waiting.many import OVERTIME as OVERTIME_OF_MANY
from qai_hub.waiting.many import Busy, Look, Rotation
from qai_hub.waiting.progress import ProgressLine, state_text
from qai_hub.waiting.schedule import LONGEST_HOLD, OVERTIME, Ask, Expired, GiveUp, Pause

__all__ = ["Wait", "WaitForOne", "line_of", "wait_for"]


J = TypeVar("J", bound=WaitableJob)

_MOST_NAMES = 20


class Wait(Generic[J]):
    """A wait for many jobs.

    Args:
        jobs: The jobs, each once.
        timeout: Maximum seconds to wait; 0 checks once, None waits without limit.
        now: The time on a monotonic clock, in seconds; the wait starts then.
        rng: Source of random jitter.
        longest_hold: Maximum seconds for which the server may hold an answer back.

    Attributes:
        jobs: The jobs.

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
        longest_hold: int = LONGEST_HOLD,
    ) -> None:
        self.jobs = jobs
        self._timeout = timeout
        self._statuses: dict[int, JobStatus] = {}
        self._ended = 0
        self._failures = 0
        self._rotation = Rotation(
            [self._server(job) for job in jobs],
            timeout,
            now=now,
            rng=rng or random.Random(),  # noqa: S311 - jitter is no secret
            overtime=self._overtime,
            longest_hold=longest_hold,
        )

    def progress_line(self) -> ProgressLine:
        """Makes the line that shows the progress of the wait."""
        return ProgressLine.on_stderr("jobs ended", verbose=any(job.verbose for job in self.jobs))

    @property
    def state(self) -> str:
        """Progress of the wait, in a few words."""
        symbol = "⏳" if self._ended < len(self.jobs) else "❌" if self._failures else "✅"
        failed = f"{self._failures} failed, " if self._failures else ""
        return f"{symbol} {failed}{self._ended} of {len(self.jobs)}"

    def status(self, index: int) -> JobStatus:
        """Returns the last known status of a job."""
        return self._statuses[index]

    def next(self, now: float) -> Look | Pause | Busy | None:
        """Returns the next instruction.

        Args:
            now: The time.

        Returns:
            `Look`, for which `answered` or `failed` must be called later; `Pause`, which an answer
            interrupts; `Busy`, to wait for an answer; None if all jobs have ended.

        Raises:
            TimeoutError: If some jobs have not ended in time. They continue.
            Error: If the server refuses a request, or has been failing for 5 minutes.
        """
        match self._rotation.next(now):
            case Look() | Pause() | Busy() as step:
                return step
            case GiveUp(error):
                raise error
            case Expired(fault):
                text = self._too_late()
                raise TimeoutError(
                    f"{text} The last request failed: {fault}" if fault else text
                ) from fault
            case _:
                return None

    def answered(self, index: int, now: float, status: JobStatus, *, held: bool) -> bool:
        """Records an answer.

        Args:
            index: Index of the job.
            now: The time.
            status: The status of the job.
            held: Whether the server reports that it held the answer back as asked (a long poll).

        Returns:
            Whether the job has ended.
        """
        self._statuses[index] = status
        self._ended += status.finished
        self._failures += status.failure
        self._rotation.answered(index, now, finished=status.finished, held=held)
        return status.finished

    def failed(self, index: int, now: float, error: Error) -> None:
        """Records a failed request.

        Args:
            index: Index of the job.
            now: The time.
            error: The error.
        """
        self._rotation.failed(
            index, now, error, transient=is_transient(error), retry_after=error.retry_after
        )

    def _server(self, job: J) -> str:
        """Returns a key of the job's server."""
        return job._owner.config.api_url

    def _too_late(self) -> str:
        if len(self.jobs) == 1:
            return self._one_too_late(self.jobs[0])
        left = self._rotation.left
        names = ", ".join(self._name(index) for index in left[:_MOST_NAMES])
        more = f" and {len(left) - _MOST_NAMES} more" if len(left) > _MOST_NAMES else ""
        return (
            f"{len(left)} of {len(self.jobs)} jobs have not ended within {self._timeout} s: "
            f"{names}{more}. They go on: wait for them again, or fetch them with hub.get_job(ID)."
        )

    def _one_too_late(self, job: J) -> str:
        status = self._statuses.get(0)
        state = "its state is not known" if status is None else f"it is in state {status.code}"
        return (
            f"Job {job.job_id} has not ended within {self._timeout} s: {state}. It goes on: see"
            f' {job.url}, or fetch it again with hub.get_job("{job.job_id}") and wait on.'
        )

    def _name(self, index: int) -> str:
        status = self._statuses.get(index)
        return f"{self.jobs[index].job_id} ({status.code if status else 'state not known'})"


class WaitForOne(Wait[J]):
    """A wait for one job, which has more time for its last check than each of many."""

    _overtime = OVERTIME

    def progress_line(self) -> ProgressLine:
        """Makes the line that shows the state of the job."""
        return line_of(self.jobs[0])

    @property
    def state(self) -> str:
        """State of the job."""
        return state_text(self._statuses.get(0))

    def _server(self, job: J) -> str:
        return ""


def line_of(job: WaitableJob) -> ProgressLine:
    """Makes the line that shows the state of a job."""
    return ProgressLine.on_stderr(f"{job.name} ({job.job_id})", verbose=job.verbose)


# Asks for the status once: returns it with whether the answer was held back; raises `Error`.
AskForStatus: TypeAlias = Callable[[WaitableJob, Ask], tuple[JobStatus, bool]]


def wait_for(
    job: WaitableJob,
    timeout: float | None,
    *,
    ask: AskForStatus = ask,
    progress: ProgressLine | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    rng: random.Random | None = None,
) -> JobStatus:
    """Waits until a job has ended, successfully or not.

    Args:
        job: The job.
        timeout: Maximum seconds to wait; 0 checks once, None waits without limit.
        ask: Asks for the status once.
        progress: Where to show the state, instead of stderr; closed at the end.
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
    with progress or line_of(job) as line:
        wait = WaitForOne([job], timeout, now=clock(), rng=rng, longest_hold=line.longest_hold)
        while True:
            line.tell(wait.state)
            step = wait.next(clock())
            if isinstance(step, Look):
                try:
                    status, held = ask(job, step.ask)
                except Error as error:
                    wait.failed(0, clock(), error)
                else:
                    wait.answered(0, clock(), status, held=held)
            elif isinstance(step, Pause):
                sleep(min(step.seconds, line.tick))
            else:
                return wait.status(0)
