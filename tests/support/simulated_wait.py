"""A wait on a simulated server, by a clock that only the wait moves."""

import random
from collections.abc import Iterator

from qai_hub.owner import Owner
from qai_hub.status import JobStatus
from qai_hub.waiting.ask import WaitableJob
from qai_hub.waiting.schedule import Ask
from qai_hub.waiting.wait import wait_for_job

State = JobStatus.State
CREATED = JobStatus(State.CREATED)
RUNNING = JobStatus(State.OPTIMIZING_MODEL)
DONE = JobStatus(State.SUCCESS)
FAILED = JobStatus(State.FAILED, "timed out on the device")


class StubJob:
    """A job without an owner."""

    job_id = "jabc"
    _type_name = "compile"
    url = "https://web/jobs/jabc/"
    verbose = False

    @property
    def _owner(self) -> Owner:
        raise NotImplementedError

    def _update(self, payload: object) -> JobStatus:
        raise NotImplementedError

    def _update_from_summary(self, summary: object, status: JobStatus) -> None:
        raise NotImplementedError


class SimulatedServer:
    """Reports one status after the other, and keeps the simulated time."""

    def __init__(self, *answers: JobStatus | BaseException, holds: bool = False) -> None:
        self.now = 0.0
        self.holds = holds
        self.asked: list[tuple[float, int, float]] = []
        self._answers: Iterator[JobStatus | BaseException] = iter(answers)
        self._last = answers[-1]

    def ask(self, _: WaitableJob, how: Ask) -> tuple[JobStatus, bool]:
        self.asked.append((self.now, how.long_poll, how.time_limit))
        answer = next(self._answers, self._last)
        if isinstance(answer, BaseException):
            raise answer
        if self.holds and not answer.finished:
            self.now += how.long_poll
        return answer, self.holds and how.long_poll > 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        return self.now

    def wait(self, timeout: float | None) -> JobStatus:
        return wait_for_job(
            StubJob(),
            timeout,
            ask=self.ask,
            clock=self.clock,
            sleep=self.sleep,
            rng=random.Random(1),
        )
