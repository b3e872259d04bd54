"""The schedule of requests for many jobs: like `WaitSchedule`, without clock, sleep or requests.

Each job has its own schedule. In addition:

- At most 8 requests are open at a time, and two never start within 50 ms of each other.
- Long polls are used only when 8 jobs or fewer are left, so that a slow job never holds up the
  others.
- If a server asks to slow down, all requests slow down.
- Failures count per server, whichever jobs the requests were for.
- At the deadline each job is checked once more, the least recently checked first. That takes one
  second in total: with many jobs the requests follow each other more closely, and jobs not reached
  in that time count as not ended.
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

# The fraction of the overtime in which last checks start; the rest is for their answers.
_LOOKING = 0.8
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Look:
    """Instruction to ask for a job now, and to continue without waiting for the answer.

    Attributes:
        index: Index of the job.
        ask: How to ask.
    """

    index: int
    ask: Ask


@dataclass(frozen=True, slots=True)
class Busy:
    """Instruction to do nothing until an answer arrives."""


Step: TypeAlias = Look | Pause | Busy | Finished | Expired | GiveUp


class Rotation:
    """Decides when to ask for which job.

    Args:
        servers: For each job, a key of its server.
        timeout: Maximum seconds to wait; 0 or less checks once, None or infinity waits without
            limit.
        now: The time on a monotonic clock, in seconds.
        rng: Source of random jitter.
        overtime: Seconds past the deadline after which the wait ends in any case.
        longest_hold: Maximum seconds for which the server may hold an answer back.

    Raises:
        TypeError: If the timeout is not a number.
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
        # For each job: when it is due, when it was last checked, and its index.
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
        """Indices of the jobs that are not known to have ended."""
        return sorted(self._left)

    def next(self, now: float) -> Step:
        """Returns the next instruction.

        Args:
            now: The time.

        Returns:
            `Look`, for which `answered` or `failed` must be called later; `Pause`, which an answer
            interrupts; `Busy`; or, for all jobs, how the wait ended.
        """
        if self._refusal:
            return self._refusal
        if not self._left:
            return Finished()
        if self._end is None and now >= self._deadline - _EPSILON:
            # The overtime starts when the deadline is noticed, so that a process suspended at the
            # deadline still makes its last checks.
            self._end = now + self._overtime
            self._spaced = now
            # Last checks are spread over the overtime.
            self._spacing = min(SPACING, _LOOKING * self._overtime / len(self._left))
        over = self._end is not None and now >= self._end - _EPSILON
        if over or (not self._due and not self._open):
            return Expired(self._fault)
        if not self._due or self._open >= AT_ONCE:
            wake = self._deadline if self._end is None else self._end
            return Busy() if wake == math.inf else Pause(wake - now)
        start = max(self._due[0][0], self._spaced, min(self._slowed, self._deadline))
        if start - now > _EPSILON:
            # The deadline is noticed in time even where the next look would be after it.
            return Pause(min(start, self._deadline if self._end is None else self._end) - now)
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
        """Records an answer.

        Args:
            index: Index of the job.
            now: The time.
            finished: Whether the job has ended.
            held: Whether the server reports that it held the answer back as asked (a long poll).
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
        """Records a failed request.

        Args:
            index: Index of the job.
            now: The time.
            error: The error.
            transient: Whether the same request may succeed later.
            retry_after: Seconds that the server asked to wait; None if it did not.
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
