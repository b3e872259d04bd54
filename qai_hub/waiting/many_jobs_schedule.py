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
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qai_hub.waiting.schedule import (
    MAX_LONG_POLL,
    MAX_RETRY_AFTER,
    Ask,
    Expired,
    Finished,
    GiveUp,
    Outage,
    Pause,
    WaitSchedule,
    parse_timeout,
)

__all__ = [
    "MAX_OPEN_REQUESTS",
    "OVERTIME",
    "SPACING",
    "AskFor",
    "AwaitAnswer",
    "ManyJobsSchedule",
    "Step",
]

MAX_OPEN_REQUESTS = 8
OVERTIME = 1.0
SPACING = 0.05

# The fraction of the overtime in which last checks start; the rest is for their answers.
_LAST_CHECKS_SHARE = 0.8
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class AskFor:
    """Instruction to ask for a job now, and to continue without waiting for the answer.

    Attributes:
        index: Index of the job.
        ask: How to ask.
    """

    index: int
    ask: Ask


@dataclass(frozen=True, slots=True)
class AwaitAnswer:
    """Instruction to do nothing until an answer arrives."""


Step: TypeAlias = AskFor | Pause | AwaitAnswer | Finished | Expired | GiveUp


class ManyJobsSchedule:
    """Decides when to ask for which job.

    Args:
        servers: For each job, a key of its server.
        timeout: Maximum seconds to wait; 0 or less checks once, None or infinity waits without
            limit.
        now: The time on a monotonic clock, in seconds.
        rng: Source of random jitter.
        overtime: Seconds past the deadline after which the wait ends in any case.
        max_long_poll: Maximum seconds of a long poll.

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
        max_long_poll: int = MAX_LONG_POLL,
    ) -> None:
        self._deadline = now + parse_timeout(timeout)
        self._overtime = overtime
        self._end: float | None = None
        outages = {server: Outage() for server in servers}
        self._schedules = [
            WaitSchedule(
                timeout,
                now=now,
                rng=rng,
                max_long_poll=max_long_poll,
                overtime=overtime,
                outage=outages[server],
            )
            for server in servers
        ]
        # For each job: when it is due, when it was last checked, and its index.
        self._due = [(now, now, index) for index in range(len(servers))]
        self._asked = [now] * len(servers)
        self._unfinished = set(range(len(servers)))
        self._open = 0
        self._spacing = SPACING
        self._next_start = now
        self._slowed_until = now
        self._refusal: GiveUp | None = None
        self._fault: Exception | None = None

    @property
    def unfinished(self) -> list[int]:
        """Indices of the jobs that are not known to have ended."""
        return sorted(self._unfinished)

    def leave_out(self, indices: Collection[int]) -> None:
        """Leaves out jobs that are known to have ended, before the first instruction."""
        self._unfinished.difference_update(indices)
        # In order, as a heap is.
        self._due = [entry for entry in self._due if entry[-1] not in indices]

    def next(self, now: float) -> Step:
        """Returns the next instruction.

        Args:
            now: The time.

        Returns:
            `AskFor`, for which `answered` or `failed` must be called later; `Pause`, which an
            answer interrupts; `AwaitAnswer`; or, for all jobs, how the wait ended.
        """
        if self._refusal:
            return self._refusal
        if not self._unfinished:
            return Finished()
        if self._end is None and now >= self._deadline - _EPSILON:
            # The overtime starts when the deadline is noticed, so that a process suspended at the
            # deadline still makes its last checks.
            self._end = now + self._overtime
            self._next_start = now
            # Last checks are spread over the overtime.
            self._spacing = min(
                SPACING, _LAST_CHECKS_SHARE * self._overtime / len(self._unfinished)
            )
        over = self._end is not None and now >= self._end - _EPSILON
        if over or (not self._due and not self._open):
            return Expired(self._fault)
        if not self._due or self._open >= MAX_OPEN_REQUESTS:
            wake = self._deadline if self._end is None else self._end
            return AwaitAnswer() if wake == math.inf else Pause(wake - now)
        start = max(self._due[0][0], self._next_start, min(self._slowed_until, self._deadline))
        if start - now > _EPSILON:
            # The deadline is noticed in time even where the next look would be after it.
            return Pause(min(start, self._deadline if self._end is None else self._end) - now)
        index = heapq.heappop(self._due)[-1]
        few = len(self._unfinished) <= MAX_OPEN_REQUESTS
        instruction = self._schedules[index].next(now, allow_long_poll=few)
        if isinstance(instruction, Ask):
            self._open += 1
            self._next_start = now + self._spacing
            self._asked[index] = now
            return AskFor(index, instruction)
        self._enqueue(index, now)
        return self.next(now)

    def answered(self, index: int, now: float, *, finished: bool, long_polled: bool) -> None:
        """Records an answer.

        Args:
            index: Index of the job.
            now: The time.
            finished: Whether the job has ended.
            long_polled: Whether the server reports that it applied the long poll.
        """
        self._open -= 1
        self._schedules[index].answered(now, finished=finished, long_polled=long_polled)
        self._enqueue(index, now)

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
            asked = min(retry_after or 0.0, MAX_RETRY_AFTER)
            self._slowed_until = max(self._slowed_until, now + asked)
        self._schedules[index].failed(
            now,
            error,
            transient=transient,
            retry_after=retry_after,
        )
        self._enqueue(index, now)

    def _enqueue(self, index: int, now: float) -> None:
        match self._schedules[index].next(now):
            case Pause(pause):
                heapq.heappush(self._due, (now + pause, self._asked[index], index))
            case Ask():
                heapq.heappush(self._due, (now, self._asked[index], index))
            case Finished():
                self._unfinished.discard(index)
            case Expired(fault):
                self._fault = fault or self._fault
            case GiveUp() as refusal:
                self._refusal = self._refusal or refusal
