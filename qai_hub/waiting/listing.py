"""What the list of an account's jobs tells about those that are waited for: without requests.

A round asks for the newest summaries, page by page, until all jobs that the round before told of
are among them. What the round tells decides what becomes of each job:

- One that has not ended is held: it need not be asked for itself.
- One that has ended is fetched from the list of whole jobs, neighbours together. Only the whole job
  has the final status; if it is not where the summaries said, the job is released.
- One that is on no page is released: it has to be asked for itself, as without a list.

A round follows after a pause that grows from 0.5 to 10 s, and begins anew with each job that ends.
"""

import math
import random
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qai_hub.waiting.schedule import GrowingPause

__all__ = [
    "MAX_PAGE_SIZE",
    "MAX_RANGE",
    "ROUND_SPACING",
    "AskForPage",
    "Listed",
    "Listing",
    "group_neighbours",
]

MAX_PAGE_SIZE = 1000
MAX_RANGE = 100
ROUND_SPACING = 0.5

_MAX_PAGES = 5
# Seconds between rounds for each job on the pages, so that long lists are no burden.
_SPACING_OF_JOB = 0.001
# Summaries beyond those that are needed: jobs submitted meanwhile move the others down the list.
_SPARE = 10
# Neighbours that are fetched although they are not needed, where that saves a request.
_MAX_GAP = 3
_MAX_FAULTS = 2


@dataclass(frozen=True, slots=True)
class AskForPage:
    """Instruction to ask for a page of a list now, and to continue without waiting for the answer.

    Attributes:
        key: Key of the list.
        offset: Number of jobs to skip.
        limit: Maximum number of jobs on the page.
        jobs: The jobs to fetch; empty for a page of summaries.
        time_limit: Seconds after which to abandon the request.
    """

    key: Hashable
    offset: int
    limit: int
    jobs: frozenset[int]
    time_limit: float


class Listed(NamedTuple):
    """What a page of summaries tells about a job.

    Attributes:
        position: Its position on the page.
        started: Whether it has started to run.
        ended: Whether it has ended.
    """

    position: int
    started: bool
    ended: bool


class Listing:
    """Decides when to ask for which page of a list.

    Args:
        key: Key of the list.
        jobs: The jobs that are waited for.
        now: The time on a monotonic clock, in seconds.
        rng: Source of random jitter.

    Attributes:
        held: Jobs that need not be asked for themselves: all of them until the first answer.
        began: When the latest round began.
    """

    def __init__(
        self, key: Hashable, jobs: Collection[int], *, now: float, rng: random.Random
    ) -> None:
        self.held = set(jobs)
        self.began = now
        self._key = key
        self._unfinished = set(jobs)
        self._pause = GrowingPause(rng)
        self._due = now
        self._is_last = self._is_closed = False
        self._may_probe = False
        self._faults = 0
        # A round: the page that is awaited, where the next one begins, and what it has told so far.
        self._page: AskForPage | None = None
        self._offset = self._pages = 0
        self._depth = len(jobs)
        self._longest = 1
        self._told: dict[int, Listed] = {}
        # The jobs to fetch, by positions in the list, and those that are being fetched.
        self._parts: list[tuple[range, frozenset[int]]] = []
        self._fetching: set[int] = set()

    @property
    def due(self) -> float:
        """When to ask for the next page; infinity while there is nothing to ask for."""
        if self._parts:
            return self.began
        is_waiting = self._page is not None or bool(self._fetching)
        return math.inf if is_waiting or self._is_closed else self._due

    def next(self, now: float, time_limit: float) -> AskForPage:
        """Returns the next instruction, when it is due.

        Args:
            now: The time.
            time_limit: Seconds after which to abandon the request.

        Returns:
            The instruction, for which `answered`, `fetched` or `failed` must be called later.
        """
        if self._parts:
            part, jobs = self._parts.pop(0)
            self._fetching |= jobs
            return AskForPage(self._key, part.start, len(part), jobs, time_limit)
        if not self._offset:
            self.began, self._pages = now, 0
            self._told.clear()
        # Twice as many with each page, since others' jobs may be in between.
        limit = min((self._depth + _SPARE) << self._pages, MAX_PAGE_SIZE)
        self._page = AskForPage(self._key, self._offset, limit, frozenset(), time_limit)
        return self._page

    def answered(
        self, page: AskForPage, now: float, listed: Mapping[int, Listed], length: int
    ) -> set[int]:
        """Records a page of summaries.

        Args:
            page: What was asked for.
            now: The time.
            listed: What it tells about jobs that are or were waited for.
            length: Number of jobs on the page.

        Returns:
            The jobs that are released: they have to be asked for themselves.
        """
        if page is not self._page:
            return set()
        self._page, self._faults = None, 0
        for index, found in listed.items():
            self._told[index] = found._replace(position=page.offset + found.position)
        self._pages += 1
        self._longest = max(self._longest, length)
        expected = self._unfinished if self._is_last else self.held
        if listed and self._pages < _MAX_PAGES and not expected <= self._told.keys():
            self._offset += length
            return set()
        self._end_round(now)
        released = self.held - self._told.keys()
        self.held = self._unfinished & self._told.keys()
        return released

    def fetched(self, page: AskForPage) -> set[int]:
        """Records a page of whole jobs, after `finished` for those on it that have ended.

        Args:
            page: What was asked for.

        Returns:
            The jobs that are released, since they were not on the page or have not ended.
        """
        return self._release(page.jobs)

    def failed(self, page: AskForPage, now: float, *, transient: bool) -> set[int]:
        """Records a failed request.

        Args:
            page: What was asked for.
            now: The time.
            transient: Whether the same request may succeed later.

        Returns:
            The jobs that are released.
        """
        if not transient:
            return self.close()
        if page.jobs:
            return self._release(page.jobs)
        if page is not self._page:
            return set()
        self._page, self._offset = None, 0
        self._faults += 1
        self._schedule_round(now)
        return self._release(self.held) if self._faults >= _MAX_FAULTS else set()

    def finished(self, index: int, now: float) -> None:
        """Records that a job has ended: others may have, too.

        Args:
            index: The job.
            now: The time.
        """
        self._unfinished.discard(index)
        self._release({index})
        self._pause.reset()
        if not self._offset and not self._is_last:
            spacing = max(ROUND_SPACING, self._depth * _SPACING_OF_JOB)
            self._due = min(self._due, max(now, self.began + spacing))

    def begin_last_round(self, now: float) -> set[int]:
        """Has a last round begin, whatever was being asked for.

        Args:
            now: The time.

        Returns:
            The jobs that are released: this round may come too late for them.
        """
        self._is_last = True
        self._page, self._offset, self._due = None, 0, now
        self._parts.clear()
        return self._release(self._unfinished)

    def close(self) -> set[int]:
        """Asks for nothing more, and releases all jobs.

        Returns:
            The jobs that were held.
        """
        self._is_closed = True
        self._parts.clear()
        return self._release(self.held)

    def may_probe(self, open_jobs: Collection[int]) -> bool:
        """Returns whether to ask for one of the held jobs itself: once in a round.

        Args:
            open_jobs: The jobs that are being asked for.

        Returns:
            Whether there is one to ask for.
        """
        return self._may_probe and bool(self._running) and self.held.isdisjoint(open_jobs)

    def probe(self, asked: Sequence[float]) -> int:
        """Returns the job to ask for: one that has started, and was not asked for for longest.

        Args:
            asked: When each job was last asked for.

        Returns:
            The job.
        """
        self._may_probe = False
        return min(self._running, key=lambda i: (not self._told[i].started, asked[i], i))

    @property
    def _running(self) -> set[int]:
        """The held jobs that have not ended, as the list tells."""
        return {i for i in self.held if i in self._told and not self._told[i].ended}

    def _release(self, jobs: Collection[int]) -> set[int]:
        """Holds jobs no longer, and returns those of them that have not ended."""
        released = self._unfinished.intersection(jobs)
        self.held = self.held.difference(jobs)
        self._fetching.difference_update(jobs)
        return released

    def _end_round(self, now: float) -> None:
        self._may_probe = not self._is_last
        told = {i: found for i, found in self._told.items() if i in self._unfinished}
        self._offset = 0
        self._depth = max(
            (found.position + 1 for found in told.values()), default=len(self._unfinished)
        )
        ended = {i: found.position for i, found in told.items() if found.ended}
        # The server may send shorter pages than it is asked for.
        self._parts = group_neighbours(ended, min(MAX_RANGE, self._longest))
        self._schedule_round(now)

    def _schedule_round(self, now: float) -> None:
        self._due = math.inf if self._is_last else now + self._pause.next()


def group_neighbours(
    positions: Mapping[int, int], max_length: int
) -> list[tuple[range, frozenset[int]]]:
    """Groups jobs that are close to each other in a list.

    Args:
        positions: The position of each job.
        max_length: Maximum number of positions in a range.

    Returns:
        Ranges of positions, in order, each with the jobs in it.
    """
    groups: list[tuple[range, frozenset[int]]] = []
    for index, at in sorted(positions.items(), key=lambda item: item[1]):
        part, jobs = groups[-1] if groups else (range(0), frozenset())
        if jobs and at - part.stop <= _MAX_GAP and at - part.start < max_length:
            groups[-1] = range(part.start, at + 1), jobs | {index}
        else:
            groups.append((range(at, at + 1), frozenset({index})))
    return groups
