"""The schedule of requests for one job: a state machine without clock, sleep or requests.

The caller, for one job or many, blocking or not, calls `next`, follows the instruction and reports
the outcome. The rules:

- The first request is sent at once. If the server holds its answer back until the job ends (a long
  poll), the next request follows at once; otherwise after a pause that grows from 0.5 to 10 s, with
  jitter. Two requests never start within half a second of each other, except for the last check.
- No pause and no long poll reaches past the deadline. At the deadline the job is checked once more,
  so that a job that ended in time is never reported as late.
- Transient failures are tolerated until they have lasted for 5 minutes; other failures end the
  wait. Time in which the process was suspended, and sent no requests, does not count.
"""

import math
import numbers
import random
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "Ask",
    "Expired",
    "Finished",
    "GiveUp",
    "GrowingPause",
    "Instruction",
    "Outage",
    "Pause",
    "WaitSchedule",
]

MAX_LONG_POLL = 25
MAX_PAUSE = 10.0
MAX_RETRY_AFTER = 30.0
MAX_OUTAGE = 300.0
OVERTIME = 5.0
RESPONSE_TIME = 10.0
# The fraction of the overtime that a last check gets at least: less would be too short.
MIN_SHARE = 0.2

_FIRST_PAUSE = 0.5
_GROWTH = 1.5
_JITTER = 1.25
_MIN_LONG_POLL = 1.0
_LONG_POLL_AFTER_FAULT = 5
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Ask:
    """Instruction to ask for the job now.

    Attributes:
        long_poll: Whole seconds for which the server may delay its answer; 0 for an immediate one.
        time_limit: Seconds after which to abandon the request.
    """

    long_poll: int
    time_limit: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Instruction to pause for some seconds, then call `next` again; earlier does no harm."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The job has ended."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The timeout has passed, and the job has not ended.

    Attributes:
        fault: The error of the last check; None if it did not fail.
    """

    fault: Exception | None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Waiting longer is pointless.

    Attributes:
        error: The last error, to be raised.
    """

    error: Exception


Instruction: TypeAlias = Ask | Pause | Finished | Expired | GiveUp


class GrowingPause:
    """Pauses that grow from 0.5 to 10 s, with jitter.

    Args:
        rng: Source of the jitter.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._seconds = _FIRST_PAUSE

    def reset(self) -> None:
        """Makes the next pause as short as the first."""
        self._seconds = _FIRST_PAUSE

    def next(self) -> float:
        """Returns the seconds of the next pause."""
        pause = self._seconds * self._rng.uniform(1.0, _JITTER)
        self._seconds = min(self._seconds * _GROWTH, MAX_PAUSE / _JITTER)
        return pause


class Outage:
    """How long one server has been failing.

    It counts the time between failed requests, but no more of it than the pause and the request
    could take: in the rest, this process was suspended.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._last: float | None = None
        self._next = 0.0

    @property
    def is_long(self) -> bool:
        """Whether it has lasted too long to continue waiting."""
        return self._seconds >= MAX_OUTAGE

    def reset(self) -> None:
        """Records that the server has answered."""
        self._seconds, self._last = 0.0, None

    def failed(self, now: float, time_limit: float) -> None:
        """Records a failed request.

        Args:
            now: The time.
            time_limit: Maximum seconds that the request could take.
        """
        if self._last is not None:
            self._seconds += max(min(now, self._next + time_limit) - self._last, 0.0)
        self._last, self._next = now, max(self._next, now)

    def delay_next(self, until: float) -> None:
        """Records that no request is sent to the server before a given time."""
        self._next = max(self._next, until)


class WaitSchedule:
    """Decides when to ask for a job.

    Args:
        timeout: Maximum seconds to wait; 0 or less checks once, None or infinity waits without
            limit.
        now: The time on a monotonic clock, in seconds.
        rng: Source of random jitter.
        max_long_poll: Maximum seconds of a long poll.
        overtime: Seconds past the deadline that a last check may take.
        outage: The server's outage, if it is shared with other schedules.

    Raises:
        TypeError: If the timeout is not a number.
        ValueError: If the timeout is NaN.
    """

    def __init__(
        self,
        timeout: float | None,
        *,
        now: float,
        rng: random.Random,
        max_long_poll: int = MAX_LONG_POLL,
        overtime: float = OVERTIME,
        outage: Outage | None = None,
    ) -> None:
        self._deadline = now + parse_timeout(timeout)
        self._overtime = overtime
        self._max_long_poll = max_long_poll
        self._outage = outage or Outage()
        self._pause = GrowingPause(rng)
        self._due = now
        self._asked = now
        self._long_poll = 0
        self._time_limit = 0.0
        self._after_fault = False
        self._end: Finished | Expired | GiveUp | None = None

    def next(self, now: float, *, allow_long_poll: bool = True) -> Instruction:
        """Returns the next instruction.

        Args:
            now: The time.
            allow_long_poll: Whether the next request may be a long poll.

        Returns:
            `Ask`, for which `answered` or `failed` must be called; `Pause`; or how the wait ended.
        """
        if self._end is not None:
            return self._end
        pause = min(self._due, self._deadline) - now
        if pause > _EPSILON:
            return Pause(pause)
        plain = self._after_fault or not allow_long_poll
        self._asked = now
        self._long_poll = (
            0 if plain else int(max(min(self._max_long_poll, self._deadline - now), 0.0))
        )
        self._time_limit = min(self._long_poll + RESPONSE_TIME, self._time_left(now))
        return Ask(self._long_poll, self._time_limit)

    def answered(self, now: float, *, finished: bool, long_polled: bool) -> None:
        """Records an answer.

        Args:
            now: The time.
            finished: Whether the job has ended.
            long_polled: Whether the server reports that it applied the long poll.
        """
        self._outage.reset()
        self._after_fault = False
        if finished:
            self._end = Finished()
        elif self._is_over(now) and (
            self._is_over(self._asked) or (long_polled and not self._was_suspended(now))
        ):
            self._end = Expired(None)
        elif long_polled and now - self._asked >= _MIN_LONG_POLL:
            self._pause.reset()
            self._due = now
        else:
            self._due = now + self._pause.next()

    def failed(
        self,
        now: float,
        error: Exception,
        *,
        transient: bool,
        retry_after: float | None = None,
    ) -> None:
        """Records a failed request.

        Args:
            now: The time.
            error: The error.
            transient: Whether the same request may succeed later.
            retry_after: Seconds that the server asked to wait; None if it did not.
        """
        if transient:
            self._outage.failed(now, self._time_limit)
        if not transient or (self._outage.is_long and not self._is_over(now)):
            self._end = GiveUp(error)
        elif self._is_over(now) and not self._may_ask_again(now):
            self._end = Expired(error)
        else:
            self._due = now + max(self._pause.next(), min(retry_after or 0.0, MAX_RETRY_AFTER))
            self._outage.delay_next(self._due)
            if self._long_poll:
                # A proxy may cut off requests that stay open: first ask without a long poll, then
                # with a shorter one.
                halved = max(self._max_long_poll // 2, _LONG_POLL_AFTER_FAULT)
                self._max_long_poll = min(self._max_long_poll, halved)
            self._after_fault = True

    def _is_over(self, now: float) -> bool:
        return now >= self._deadline - _EPSILON

    def _time_left(self, now: float) -> float:
        """Returns the seconds that a request starting now may take."""
        end = self._deadline + self._overtime
        # If the process was suspended past the overtime, the last check still gets its time.
        return self._overtime if now > end else max(end - now, self._overtime * MIN_SHARE)

    def _may_ask_again(self, now: float) -> bool:
        """Returns whether to check once more after a request that failed after the deadline."""
        if self._is_over(self._asked):
            return False
        in_time = now < self._deadline + self._overtime * (1.0 - MIN_SHARE)
        return in_time or self._was_suspended(now)

    def _was_suspended(self, now: float) -> bool:
        """Returns whether the process was suspended in the last request, so its answer is stale."""
        return now > self._asked + self._time_limit + self._overtime * MIN_SHARE


def parse_timeout(timeout: object) -> float:
    """Checks a timeout.

    Args:
        timeout: Seconds, or None for no limit.

    Returns:
        Seconds, from 0 to infinity.

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is NaN.
    """
    if timeout is None:
        return math.inf
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real):
        raise TypeError(f"timeout must be a number of seconds or None, not {timeout!r}.")
    number: Any = timeout
    try:
        given = float(number)
    except OverflowError:
        given = math.inf if number > 0 else 0.0
    if math.isnan(given):
        raise ValueError("timeout is NaN: pass a number of seconds, or None to wait without limit.")
    return max(given, 0.0)
