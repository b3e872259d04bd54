"""Servers that a schedule of many jobs asks, and a clock that only moves when it waits."""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qai_hub.waiting.listing import AskForPage, Listed
from qai_hub.waiting.many_jobs_schedule import (
    MAX_OPEN_REQUESTS,
    OVERTIME,
    SPACING,
    AskFor,
    AwaitAnswer,
    ManyJobsSchedule,
)
from qai_hub.waiting.schedule import Pause

SLACK = 1e-3


class Fault(Exception):
    """What a request that fails raises."""


@dataclass
class JobList:
    """A server's list of jobs.

    Attributes:
        order: The jobs, newest first; None for those that nobody waits for.
        shows: The moment whose state of the jobs the summaries show, given the time.
        down: Whether requests for it fail.
        transient: Whether they may succeed later.
        max_length: Most jobs on a page.
    """

    order: Sequence[int | None]
    shows: Callable[[float], float] = lambda now: now
    down: Callable[[float], bool] = lambda now: False
    transient: bool = True
    max_length: int = 1000


@dataclass
class World:
    """Servers that answer requests side by side, in a simulated time.

    Attributes:
        ends: When each job ends.
        holds: Whether long polls are held.
        latency: Seconds until an answer.
        down: Whether requests for single jobs fail.
        transient: Whether they may succeed later.
        retry_after: Seconds that a failed request asks to wait.
        listing: The list of the jobs; None if there is none.
        looks: The requests for single jobs, with their times.
        pages: The requests for pages, with their times.
        completed: The jobs in the order in which their ends became known.
        known_at: When the end of each job became known.
    """

    ends: Sequence[float]
    holds: bool = False
    latency: float = 0.0
    down: Callable[[float], bool] = lambda now: False
    transient: bool = True
    retry_after: float | None = None
    listing: JobList | None = None
    looks: list[tuple[float, AskFor]] = field(default_factory=list)
    pages: list[tuple[float, AskForPage]] = field(default_factory=list)
    completed: list[int] = field(default_factory=list)
    known_at: dict[int, float] = field(default_factory=dict)
    most_open: int = 0
    took: float = 0.0
    unfinished: list[int] = field(default_factory=list)

    def run(self, timeout: Any, *, seed: int = 1, limit: float = 50_000.0) -> object:
        """Runs a wait; returns how it ended, or None if it did not."""
        now = 0.0
        order = itertools.count()
        answers: list[tuple[float, int, Callable[[float], None]]] = []
        keys = ["server"] * len(self.ends)
        schedule = ManyJobsSchedule(
            keys,
            timeout,
            now=now,
            rng=random.Random(seed),
            lists=keys if self.listing else None,
        )
        while now < limit:
            step = schedule.next(now)
            wake = math.inf
            match step:
                case AskFor() | AskForPage():
                    answer = self._answer if isinstance(step, AskFor) else self._answer_page
                    at, record = answer(schedule, now, step)  # type: ignore[arg-type]
                    heapq.heappush(answers, (at, next(order), record))
                    self.most_open = max(self.most_open, len(answers))
                    continue
                case Pause(pause):
                    assert pause > 0
                    wake = now + pause
                case AwaitAnswer():
                    assert answers, "it waits for something"
                case _:
                    self.took, self.unfinished = now, schedule.unfinished
                    assert schedule.next(now) == step
                    return step
            now = min(wake, answers[0][0] if answers else math.inf)
            while answers and answers[0][0] <= now:
                heapq.heappop(answers)[-1](now)
        return None

    @property
    def starts(self) -> list[float]:
        """When the requests began."""
        return sorted(at for at, _ in [*self.looks, *self.pages])

    def assert_polite(self, deadline: float = math.inf) -> None:
        """Asserts that requests kept their distance until the deadline."""
        starts = [at for at in self.starts if at < deadline]
        assert all(b - a >= SPACING - SLACK for a, b in itertools.pairwise(starts))
        assert self.most_open <= MAX_OPEN_REQUESTS

    def assert_whole(self, timeout: float | None) -> float:
        """Asserts what holds after each wait, and returns the deadline.

        Requests kept their distance, each job was handed out once or is left, and the wait ended in
        time.
        """
        deadline = math.inf if timeout is None else max(timeout, 0.0)
        self.assert_polite(deadline)
        assert len(set(self.completed)) == len(self.completed)
        assert sorted([*self.completed, *self.unfinished]) == list(range(len(self.ends)))
        assert self.took <= deadline + OVERTIME + SLACK
        return deadline

    def _complete(self, index: int, now: float) -> None:
        self.completed.append(index)
        self.known_at[index] = now

    def _answer(
        self, schedule: ManyJobsSchedule, now: float, look: AskFor
    ) -> tuple[float, Callable[[float], None]]:
        self.looks.append((now, look))

        def fail(now: float) -> None:
            schedule.failed(
                look.index,
                now,
                Fault(),
                transient=self.transient,
                retry_after=self.retry_after,
            )

        took = self.latency
        if self.down(now):
            return now + min(took, look.ask.time_limit), fail
        long_polled = self.holds and look.ask.long_poll > 0
        if long_polled:
            took += min(max(self.ends[look.index] - now, 0.0), look.ask.long_poll)
        if took > look.ask.time_limit:
            return now + look.ask.time_limit, fail
        finished = now + took >= self.ends[look.index]

        def record(now: float) -> None:
            schedule.answered(look.index, now, finished=finished, long_polled=long_polled)
            if finished:
                self._complete(look.index, now)

        return now + took, record

    def _answer_page(
        self, schedule: ManyJobsSchedule, now: float, page: AskForPage
    ) -> tuple[float, Callable[[float], None]]:
        self.pages.append((now, page))
        listing = self.listing
        assert listing is not None
        took = min(self.latency, page.time_limit)
        if listing.down(now) or self.latency > page.time_limit:

            def fail(now: float) -> None:
                schedule.page_failed(
                    page, now, transient=listing.transient, retry_after=self.retry_after
                )

            return now + took, fail
        length = min(page.limit, listing.max_length)
        found = listing.order[page.offset : page.offset + length]
        shown = listing.shows(now)
        listed = {
            index: Listed(position, True, self.ends[index] <= shown)
            for position, index in enumerate(found)
            if index is not None
        }

        def record(now: float) -> None:
            if not page.jobs:
                schedule.listed(page, now, listed, len(found))
                return
            # What the driver does: a job that is being asked for is left to that answer.
            wanted = set(schedule.unfinished) - schedule.open_jobs
            finished = [i for i in listed if i in wanted and self.ends[i] <= now - took]
            for index in finished:
                self._complete(index, now)
            schedule.fetched(page, now, finished)

        return now + took, record
