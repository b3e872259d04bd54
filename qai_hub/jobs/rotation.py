"""When to ask for which of many jobs: like `WaitSchedule`, without clock, sleep or requests.

Each job has a schedule of its own. On top of them:

- At most 8 requests are open, and two never begin within 50 ms of each other.
- Answers are held back only when 8 jobs or fewer are left, so that a job that takes long never
  stands in the way of others.
- Where a server asks to slow down, all requests do.
- At the deadline each job is looked at a last time. That takes 50 ms for each, and however the
  server behaves no request begins more than 5 s after that.
"""

import heapq
import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qai_hub.jobs.schedule import (
    LONGEST_RETRY_AFTER,
    Ask,
    Expired,
    Finished,
    GiveUp,
    Pause,
    WaitSchedule,
    seconds,
)

__all__ = ["AT_ONCE", "SPACING", "Busy", "Look", "Rotation", "Step"]

AT_ONCE = 8
SPACING = 0.05

_OVERTIME = 5.0
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Look:
    """Ask for a job now, and go on without waiting for the answer.

    Attributes:
        index: Which job.
        ask: How.
    """

    index: int
    ask: Ask


@dataclass(frozen=True, slots=True)
class Busy:
    """Do nothing until an answer comes."""


Step: TypeAlias = Look | Pause | Busy | Finished | Expired | GiveUp


class Rotation:
    """Tells when to ask for which job.

    Args:
        servers: For each job, what tells its server from others.
        timeout: Seconds to wait at most; 0 or less looks once, None or infinity waits for ever.
        now: The time on a monotonic clock, in seconds.
        rng: Source of the jitter.

    Raises:
        TypeError: If the timeout is no number.
        ValueError: If the timeout is NaN.
    """

    def __init__(
        self,
        servers: Sequence[Hashable],
        timeout: float | None,
        *,
        now: float,
        rng: random.Random,
    ) -> None:
        self._deadline = now + seconds(timeout)
        self._end = self._deadline + SPACING * len(servers) + _OVERTIME
        self._servers = servers
        self._schedules = [WaitSchedule(timeout, now=now, rng=rng) for _ in servers]
        self._due = [(now, index) for index in range(len(servers))]
        self._left = set(range(len(servers)))
        self._open = 0
        self._spaced = now
        self._slowed = now
        self._heard = dict.fromkeys(servers, now)
        self._refusal: GiveUp | None = None
        self._fault: Exception | None = None

    @property
    def left(self) -> list[int]:
        """The jobs that have not ended, as far as is known."""
        return sorted(self._left)

    def next(self, now: float) -> Step:
        """Tells what to do.

        Args:
            now: The time.

        Returns:
            `Look`, after which `answered` or `failed` is to be called at some time; `Pause`, which
            an answer interrupts; `Busy`; or how the wait ended, for all jobs.
        """
        if self._refusal:
            return self._refusal
        if not self._left:
            return Finished()
        if now >= self._end:
            self._due.clear()
        if not self._due and not self._open:
            return Expired(self._fault)
        if not self._due or self._open >= AT_ONCE:
            return Busy()
        start = max(self._due[0][0], self._spaced, min(self._slowed, self._deadline))
        if start - now > _EPSILON:
            return Pause(start - now)
        _, index = heapq.heappop(self._due)
        few = len(self._left) <= AT_ONCE
        instruction = self._schedules[index].next(now, may_hold=few)
        if isinstance(instruction, Ask):
            self._open += 1
            self._spaced = now + SPACING
            return Look(index, instruction)
        self._line_up(index, now)
        return self.next(now)

    def answered(self, index: int, now: float, *, finished: bool, held: bool) -> None:
        """Takes an answer in.

        Args:
            index: Which job it is about.
            now: The time.
            finished: Whether the job has ended.
            held: Whether the server says that it applied the wish to hold the answer back.
        """
        self._open -= 1
        self._heard[self._servers[index]] = now
        self._schedules[index].answered(now, finished=finished, held=held)
        self._line_up(index, now)

    def failed(
        self,
        index: int,
        now: float,
        error: Exception,
        *,
        transient: bool,
        retry_after: float | None = None,
    ) -> None:
        """Takes a fault in.

        Args:
            index: Which job it is about.
            now: The time.
            error: The fault.
            transient: Whether the same request may succeed later.
            retry_after: Seconds that the server asked to wait.
        """
        self._open -= 1
        if transient:
            asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
            self._slowed = max(self._slowed, now + asked)
        self._schedules[index].failed(
            now,
            error,
            transient=transient,
            retry_after=retry_after,
            heard=self._heard[self._servers[index]],
        )
        self._line_up(index, now)

    def _line_up(self, index: int, now: float) -> None:
        match self._schedules[index].next(now):
            case Pause(pause):
                heapq.heappush(self._due, (now + pause, index))
            case Ask():
                heapq.heappush(self._due, (now, index))
            case Finished():
                self._left.discard(index)
            case Expired(fault):
                self._fault = fault or self._fault
            case GiveUp() as refusal:
                self._refusal = self._refusal or refusal
