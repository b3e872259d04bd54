"""When to ask for a job again: a state machine without clock, sleep or requests of its own.

Whoever waits, for one job or many, blocking or not, calls `next`, does what it says and reports
what came of it. The rules:

- The first request goes out at once. Where the server holds an answer back until the job ends, the
  next one follows at once; elsewhere after a pause that grows from 0.5 to 10 s, with jitter. Two
  requests never begin within half a second of each other, but for the last look.
- No pause and no held request reaches past the deadline, and at the deadline the job is looked at a
  last time, so that a job that ended in time is never reported as late.
- Faults that may pass are ridden out until they have been seen for 5 minutes; others end the wait.
  Time in which nobody asked, since the process stood still, is no outage.
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
    "Instruction",
    "Outage",
    "Pause",
    "WaitSchedule",
]

LONGEST_HOLD = 25
LONGEST_PAUSE = 10.0
LONGEST_RETRY_AFTER = 30.0
LONGEST_OUTAGE = 300.0
OVERTIME = 5.0

_FIRST_PAUSE = 0.5
_GROWTH = 1.5
_JITTER = 1.25
_SHORTEST_HOLD = 1.0
_HOLD_AFTER_FAULT = 5
_ANSWER_TIME = 10.0
# The part of the overtime that a last look gets at least: less would be in vain.
_LEAST_SHARE = 0.2
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for the job now.

    Attributes:
        hold: Whole seconds for which the server may hold the answer back; 0 for no such wish.
        time_limit: Seconds after which to give the request up.
    """

    hold: int
    time_limit: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for some seconds, then call `next` again; to wake up earlier does no harm."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The job has ended."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The time is up, and the job has not ended.

    Attributes:
        fault: What went wrong at the last look, if it failed.
    """

    fault: Exception | None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Waiting on makes no sense.

    Attributes:
        error: The last fault, to be raised.
    """

    error: Exception


Instruction: TypeAlias = Ask | Pause | Finished | Expired | GiveUp


class Outage:
    """How long one server has been seen to fail.

    What counts is the time between tries that failed, and of that no more than the pause and the
    request could take: the rest is time in which this process stood still.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._last: float | None = None
        self._next = 0.0

    @property
    def is_long(self) -> bool:
        """Whether it has lasted for too long to wait on."""
        return self._seconds >= LONGEST_OUTAGE

    def end(self) -> None:
        """Takes in that the server has answered."""
        self._seconds, self._last = 0.0, None

    def failed(self, now: float, time_limit: float) -> None:
        """Takes a fault in.

        Args:
            now: The time.
            time_limit: Seconds that the request could take.
        """
        if self._last is not None:
            self._seconds += max(min(now, self._next + time_limit) - self._last, 0.0)
        self._last, self._next = now, max(self._next, now)

    def pauses(self, until: float) -> None:
        """Takes in that the server is not asked again before some time."""
        self._next = max(self._next, until)


class WaitSchedule:
    """Tells when to ask for a job again.

    Args:
        timeout: Seconds to wait at most; 0 or less looks once, None or infinity waits for ever.
        now: The time on a monotonic clock, in seconds.
        rng: Source of the jitter.
        longest_hold: Seconds for which an answer may be held back at most.
        overtime: Seconds past the deadline that a last look may take.
        outage: The outage of the server, if others wait for it too.

    Raises:
        TypeError: If the timeout is no number.
        ValueError: If the timeout is NaN.
    """

    def __init__(
        self,
        timeout: float | None,
        *,
        now: float,
        rng: random.Random,
        longest_hold: int = LONGEST_HOLD,
        overtime: float = OVERTIME,
        outage: Outage | None = None,
    ) -> None:
        self._deadline = now + seconds(timeout)
        self._overtime = overtime
        self._rng = rng
        self._longest_hold = longest_hold
        self._outage = outage or Outage()
        self._pause = _FIRST_PAUSE
        self._due = now
        self._asked = now
        self._hold = 0
        self._time_limit = 0.0
        self._after_fault = False
        self._end: Finished | Expired | GiveUp | None = None

    def next(self, now: float, *, may_hold: bool = True) -> Instruction:
        """Tells what to do.

        Args:
            now: The time.
            may_hold: Whether a request may be held back now.

        Returns:
            `Ask`, after which `answered` or `failed` is to be called; `Pause`; or how the wait
            ended.
        """
        if self._end is not None:
            return self._end
        pause = min(self._due, self._deadline) - now
        if pause > _EPSILON:
            return Pause(pause)
        plain = self._after_fault or not may_hold
        self._asked = now
        self._hold = 0 if plain else int(max(min(self._longest_hold, self._deadline - now), 0.0))
        self._time_limit = min(self._hold + _ANSWER_TIME, self._left(now))
        return Ask(self._hold, self._time_limit)

    def answered(self, now: float, *, finished: bool, held: bool) -> None:
        """Takes an answer in.

        Args:
            now: The time.
            finished: Whether the job has ended.
            held: Whether the server says that it applied the wish to hold the answer back.
        """
        self._outage.end()
        self._after_fault = False
        if finished:
            self._end = Finished()
        elif self._is_over(now) and (
            self._is_over(self._asked) or (held and not self._stood_still(now))
        ):
            self._end = Expired(None)
        elif held and now - self._asked >= _SHORTEST_HOLD:
            self._pause = _FIRST_PAUSE
            self._due = now
        else:
            self._due = now + self._next_pause()

    def failed(
        self,
        now: float,
        error: Exception,
        *,
        transient: bool,
        retry_after: float | None = None,
    ) -> None:
        """Takes a fault in.

        Args:
            now: The time.
            error: The fault.
            transient: Whether the same request may succeed later.
            retry_after: Seconds that the server asked to wait.
        """
        if transient:
            self._outage.failed(now, self._time_limit)
        if not transient or (self._outage.is_long and not self._is_over(now)):
            self._end = GiveUp(error)
        elif self._is_over(now) and not self._may_look_again(now):
            self._end = Expired(error)
        else:
            self._due = now + max(self._next_pause(), min(retry_after or 0.0, LONGEST_RETRY_AFTER))
            self._outage.pauses(self._due)
            if self._hold:
                # Something on the way may cut requests that stay open: look plainly first, then
                # hold for a shorter time.
                halved = max(self._longest_hold // 2, _HOLD_AFTER_FAULT)
                self._longest_hold = min(self._longest_hold, halved)
            self._after_fault = True

    def _is_over(self, now: float) -> bool:
        return now >= self._deadline - _EPSILON

    def _left(self, now: float) -> float:
        """Seconds that a request may take which begins now."""
        end = self._deadline + self._overtime
        # After a standstill past all that, the last look has its time all the same.
        return self._overtime if now > end else max(end - now, self._overtime * _LEAST_SHARE)

    def _may_look_again(self, now: float) -> bool:
        """Whether a last look follows a request that failed after the deadline."""
        if self._is_over(self._asked):
            return False
        in_time = now < self._deadline + self._overtime * (1.0 - _LEAST_SHARE)
        return in_time or self._stood_still(now)

    def _stood_still(self, now: float) -> bool:
        """Whether the last request took longer than it could, and what it says is old."""
        return now > self._asked + self._time_limit + self._overtime * _LEAST_SHARE

    def _next_pause(self) -> float:
        pause = self._pause * self._rng.uniform(1.0, _JITTER)
        self._pause = min(self._pause * _GROWTH, LONGEST_PAUSE / _JITTER)
        return pause


def seconds(timeout: object) -> float:
    """Checks a timeout.

    Args:
        timeout: Seconds, or None for no end.

    Returns:
        Seconds, from 0 to infinity.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is NaN.
    """
    if timeout is None:
        return math.inf
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real):
        raise TypeError(f"timeout is a number of seconds or None, not {timeout!r}.")
    number: Any = timeout
    try:
        given = float(number)
    except OverflowError:
        given = math.inf if number > 0 else 0.0
    if math.isnan(given):
        raise ValueError("timeout is NaN: give a number of seconds, or None to wait for ever.")
    return max(given, 0.0)
