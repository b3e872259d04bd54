"""When to ask for which of many jobs: like `WaitSchedule`, without clock, sleep or requests.

Each job has a schedule of its own. On top of them:

- At most 8 requests are open, and two never begin within 50 ms of each other.
- Answers are held back only when 8 jobs or fewer are left, so that a job that takes long never
  stands in the way of others.
- Where a server asks to slow down, all requests do.
- A server's outage is one, whichever jobs its requests were about.
- At the deadline each job is looked at a last time, those first that nobody looked at for longest.
  All that takes one second: with many jobs the requests follow each other more closely, and jobs
  that have no turn in it are taken for not ended.
"""

import heapq
import math
import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qai_hub.waiting.schedule import (
    LONGEST_HOLD,
    LONGEST_RETRY_AFTER,
    Ask,
    Expired,
    Finished,
    GiveUp,
    Outage,
    Pause,
    WaitSchedule,
    seconds,
)

__all__ = ["AT_ONCE", "OVERTIME", "SPACING", "Busy", "Look", "Rotation", "Step"]

AT_ONCE = 8
OVERTIME = 1.0
SPACING = 0.05

# The part of the overtime in which last looks begin: the rest is for their answers.
_LOOKING = 0.8
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
        overtime: Seconds past the deadline after which the wait ends, whatever comes.
        longest_hold: Seconds for which an answer may be held back at most.

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
        overtime: float = OVERTIME,
        longest_hold: int = LONGEST_HOLD,
    ) -> None:
        self._deadline = now + seconds(timeout)
        self._overtime = overtime
        self._end: float | None = None
        outages = {server: Outage() for server in servers}
        self._schedules = [
            WaitSchedule(
                timeout,
                now=now,
                rng=rng,
                longest_hold=longest_hold,
                overtime=overtime,
                outage=outages[server],
            )
            for server in servers
        ]
        # When a job is to be looked at, when that was done last, and which it is.
        self._due = [(now, now, index) for index in range(len(servers))]
        self._looked = [now] * len(servers)
        self._left = set(range(len(servers)))
        self._open = 0
        self._spacing = SPACING
        self._spaced = now
        self._slowed = now
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
        if self._end is None and now >= self._deadline - _EPSILON:
            # It begins when it is noticed: whoever stood still at the deadline looks afterwards.
            self._end = now + self._overtime
            self._spaced = now
            # Last looks are spread over the time that they have.
            self._spacing = min(SPACING, _LOOKING * self._overtime / len(self._left))
        over = self._end is not None and now >= self._end - _EPSILON
        if over or (not self._due and not self._open):
            return Expired(self._fault)
        if not self._due or self._open >= AT_ONCE:
            wake = self._deadline if self._end is None else self._end
            return Busy() if wake == math.inf else Pause(wake - now)
        start = max(self._due[0][0], self._spaced, min(self._slowed, self._deadline))
        if start - now > _EPSILON:
            return Pause(start - now)
        index = heapq.heappop(self._due)[-1]
        few = len(self._left) <= AT_ONCE
        instruction = self._schedules[index].next(now, may_hold=few)
        if isinstance(instruction, Ask):
            self._open += 1
            self._spaced = now + self._spacing
            self._looked[index] = now
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
        )
        self._line_up(index, now)

    def _line_up(self, index: int, now: float) -> None:
        match self._schedules[index].next(now):
            case Pause(pause):
                heapq.heappush(self._due, (now + pause, self._looked[index], index))
            case Ask():
                heapq.heappush(self._due, (now, self._looked[index], index))
            case Finished():
                self._left.discard(index)
            case Expired(fault):
                self._fault = fault or self._fault
            case GiveUp() as refusal:
                self._refusal = self._refusal or refusal
