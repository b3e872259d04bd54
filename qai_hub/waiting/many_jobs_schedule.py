"""The schedule of requests for many jobs: like `WaitSchedule`, without clock, sleep or requests.

Each job has its own schedule. In addition:

- At most 8 requests are open at a time, and two never start within 50 ms of each other.
- While more than 8 jobs of a list are left, the list is asked for in place of the jobs that it
  tells of. In each round one of them is asked for all the same, by a long poll: when it ends, the
  next round begins soon.
- Otherwise long polls are used only when 8 jobs or fewer are left, so that a slow job never holds
  up the others.
- If a server asks to slow down, all requests slow down.
- Failures count per server, whichever jobs the requests were for.
- At the deadline each job is checked once more, by the list and, the least recently checked first,
  one by one. That takes one second in total: with many jobs the requests follow each other more
  closely, and jobs not reached in that time count as not ended.
"""

import heapq
import math
import random
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TypeAlias

from qai_hub.waiting.listing import AskForPage, Listed, Listing
from qai_hub.waiting.schedule import (
    MAX_LONG_POLL,
    MAX_RETRY_AFTER,
    MIN_SHARE,
    RESPONSE_TIME,
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


Step: TypeAlias = AskFor | AskForPage | Pause | AwaitAnswer | Finished | Expired | GiveUp


class ManyJobsSchedule:
    """Decides when to ask for which job, and when for a list.

    Args:
        servers: For each job, a key of its server.
        timeout: Maximum seconds to wait; 0 or less checks once, None or infinity waits without
            limit.
        now: The time on a monotonic clock, in seconds.
        rng: Source of random jitter.
        lists: For each job, a key of the list that may tell of it; None if there are no lists.
        overtime: Seconds past the deadline after which the wait ends in any case.
        max_long_poll: Maximum seconds of a long poll.

    Attributes:
        open_jobs: Indices of the jobs that are being asked for one by one.

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
        lists: Sequence[Hashable] | None = None,
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
        self._listings = _make_listings(lists or (), now, rng)
        self._outages = {key: outages[at] for key, at in zip(lists or (), servers, strict=False)}
        self._listing_of = {
            index: listing for listing in self._listings.values() for index in listing.held
        }
        # The jobs to ask for: when each is due, when it was last asked for, and its index. What is
        # not in `_queued` as well has been taken out.
        self._queue: list[tuple[float, float, int]] = []
        self._queued: dict[int, tuple[float, float, int]] = {}
        self._asked = [now] * len(servers)
        self._unfinished = set(range(len(servers)))
        self._open = 0
        self.open_jobs: set[int] = set()
        self._spacing = SPACING
        self._next_start = now
        self._slowed_until = now
        self._refusal: GiveUp | None = None
        self._fault: Exception | None = None
        self._release(self._unfinished - self._listing_of.keys(), now)

    @property
    def unfinished(self) -> list[int]:
        """Indices of the jobs that are not known to have ended."""
        return sorted(self._unfinished)

    def leave_out(self, indices: Collection[int], now: float) -> None:
        """Leaves out jobs that are known to have ended, before the first instruction.

        Args:
            indices: Indices of the jobs.
            now: The time.
        """
        for index in indices:
            self._finish(index, now)

    def next(self, now: float) -> Step:
        """Returns the next instruction.

        Args:
            now: The time.

        Returns:
            `AskFor`, for which `answered` or `failed` must be called later; `AskForPage`, for which
            `listed`, `fetched` or `page_failed` must be called later; `Pause`, which an answer
            interrupts; `AwaitAnswer`; or, for all jobs, how the wait ended.
        """
        if self._refusal:
            return self._refusal
        if not self._unfinished:
            return Finished()
        if self._end is None and now >= self._deadline - _EPSILON:
            self._begin_overtime(now)
        if self._end is None and self._are_few:
            for listing in self._listings.values():
                self._release(listing.close(), now)
        due, send = self._find_due(now)
        over = self._end is not None and now >= self._end - _EPSILON
        if over or (due == math.inf and not self._open):
            return Expired(self._fault)
        if due == math.inf or self._open >= MAX_OPEN_REQUESTS:
            wake = self._deadline if self._end is None else self._end
            return AwaitAnswer() if wake == math.inf else Pause(wake - now)
        start = max(due, self._next_start, min(self._slowed_until, self._deadline))
        if start - now > _EPSILON:
            # The deadline is noticed in time even where the next look would be after it.
            return Pause(min(start, self._deadline if self._end is None else self._end) - now)
        return send(now)

    def answered(self, index: int, now: float, *, finished: bool, long_polled: bool) -> None:
        """Records an answer.

        Args:
            index: Index of the job.
            now: The time.
            finished: Whether the job has ended.
            long_polled: Whether the server reports that it applied the long poll.
        """
        self._note_end(index)
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
        self._note_end(index)
        if transient:
            self._slow_down(now, retry_after)
        self._schedules[index].failed(
            now,
            error,
            transient=transient,
            retry_after=retry_after,
        )
        self._enqueue(index, now)

    def listed(
        self, page: AskForPage, now: float, found: Mapping[int, Listed], length: int
    ) -> None:
        """Records a page of summaries.

        Args:
            page: What was asked for.
            now: The time.
            found: What it tells about the jobs on it, by their indices.
            length: Number of jobs on the page, others included.
        """
        self._open -= 1
        self._outages[page.key].reset()
        listing = self._listings[page.key]
        self._release(listing.answered(page, now, found, length), now)
        for index in listing.held:
            self._queued.pop(index, None)

    def fetched(self, page: AskForPage, now: float, finished: Iterable[int]) -> None:
        """Records a page of whole jobs.

        Args:
            page: What was asked for.
            now: The time.
            finished: Indices of the jobs on it that have ended.
        """
        self._open -= 1
        self._outages[page.key].reset()
        for index in finished:
            self._finish(index, now)
        self._release(self._listings[page.key].fetched(page), now)

    def page_failed(
        self, page: AskForPage, now: float, *, transient: bool, retry_after: float | None = None
    ) -> None:
        """Records a failed request for a page: its jobs are asked for one by one.

        Args:
            page: What was asked for.
            now: The time.
            transient: Whether the same request may succeed later.
            retry_after: Seconds that the server asked to wait; None if it did not.
        """
        self._open -= 1
        if transient:
            self._slow_down(now, retry_after)
        self._release(self._listings[page.key].failed(page, now, transient=transient), now)

    @property
    def _are_few(self) -> bool:
        return len(self._unfinished) <= MAX_OPEN_REQUESTS

    def _begin_overtime(self, now: float) -> None:
        # The overtime starts when the deadline is noticed, so that a process suspended at the
        # deadline still makes its last checks.
        self._end = now + self._overtime
        self._next_start = now
        # Last checks are spread over the overtime.
        self._spacing = min(SPACING, _LAST_CHECKS_SHARE * self._overtime / len(self._unfinished))
        for listing in self._listings.values():
            self._release(listing.begin_last_round(now), now)

    def _first_due(self) -> float:
        while self._queue and self._queued.get(self._queue[0][-1]) is not self._queue[0]:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else math.inf

    def _find_due(self, now: float) -> tuple[float, Callable[[float], Step]]:
        """Returns when to send the next request, and what sends it."""
        requests: list[tuple[float, Callable[[float], Step]]] = [
            (listing.due, partial(self._ask_for_page, listing))
            for listing in self._listings.values()
        ]
        requests.append((self._first_due(), self._ask_for_first))
        due, send = min(requests, key=itemgetter(0))
        if due > now + _EPSILON:
            for listing in self._listings.values():
                if listing.may_probe(self.open_jobs):
                    return now, partial(self._probe, listing)
        return due, send

    def _ask_for_first(self, now: float) -> Step:
        return self._ask_for(heapq.heappop(self._queue)[-1], now, allow_long_poll=self._are_few)

    def _probe(self, listing: Listing, now: float) -> Step:
        return self._ask_for(listing.probe(self._asked), now, allow_long_poll=True)

    def _ask_for_page(self, listing: Listing, now: float) -> Step:
        self._note_start(now)
        end = self._deadline + self._overtime if self._end is None else self._end
        time_left = max(end - now, self._overtime * MIN_SHARE)
        return listing.next(now, min(RESPONSE_TIME, time_left))

    def _ask_for(self, index: int, now: float, *, allow_long_poll: bool) -> Step:
        self._queued.pop(index, None)
        instruction = self._schedules[index].next(now, allow_long_poll=allow_long_poll)
        if isinstance(instruction, Ask):
            self._note_start(now)
            self.open_jobs.add(index)
            self._asked[index] = now
            return AskFor(index, instruction)
        self._enqueue(index, now)
        return self.next(now)

    def _note_start(self, now: float) -> None:
        self._open += 1
        self._next_start = now + self._spacing

    def _note_end(self, index: int) -> None:
        self._open -= 1
        self.open_jobs.discard(index)

    def _slow_down(self, now: float, retry_after: float | None) -> None:
        asked = min(retry_after or 0.0, MAX_RETRY_AFTER)
        self._slowed_until = max(self._slowed_until, now + asked)

    def _release(self, indices: Collection[int], now: float) -> None:
        """Has jobs asked for one by one, unless that is the case already."""
        for index in sorted(indices):
            if index not in self._queued and index not in self.open_jobs:
                self._enqueue(index, now)

    def _enqueue(self, index: int, now: float) -> None:
        if index not in self._unfinished:
            return
        match self._schedules[index].next(now):
            case Pause(pause):
                self._push(index, now + pause)
            case Ask():
                self._push(index, now)
            case Finished():
                self._finish(index, now)
            case Expired(fault):
                self._fault = fault or self._fault
            case GiveUp() as refusal:
                self._refusal = self._refusal or refusal

    def _push(self, index: int, due: float) -> None:
        listing = self._listing_of.get(index)
        if listing and index in listing.held:
            return
        entry = (due, self._asked[index], index)
        self._queued[index] = entry
        heapq.heappush(self._queue, entry)

    def _finish(self, index: int, now: float) -> None:
        self._unfinished.discard(index)
        self._queued.pop(index, None)
        if index in self._listing_of:
            self._listing_of[index].finished(index, now)


def _make_listings(
    lists: Sequence[Hashable], now: float, rng: random.Random
) -> dict[Hashable, Listing]:
    """Returns the lists that tell of so many jobs that they are asked for, by their keys."""
    jobs: dict[Hashable, list[int]] = {}
    for index, key in enumerate(lists):
        jobs.setdefault(key, []).append(index)
    return {
        key: Listing(key, indices, now=now, rng=rng)
        for key, indices in jobs.items()
        if len(indices) > MAX_OPEN_REQUESTS
    }
