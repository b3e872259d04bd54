"""The schedule of many jobs that are on a list: simulated servers, a simulated clock."""

import itertools
import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.many_jobs_world import SLACK, Fault, JobList, World

from qai_hub.waiting.listing import MAX_RANGE, ROUND_SPACING, Listed, Listing, group_neighbours
from qai_hub.waiting.many_jobs_schedule import MAX_OPEN_REQUESTS, OVERTIME, SPACING
from qai_hub.waiting.schedule import MAX_PAUSE, Expired, Finished, GiveUp


def newest_first(count: int) -> list[int | None]:
    return list(reversed(range(count)))


def in_turns(count: int, side_by_side: int, seconds: float) -> list[float]:
    """Returns the ends of jobs that run in order, some side by side, starting at once."""
    return [(number // side_by_side + 1) * seconds + number * 0.001 for number in range(count)]


def lateness(world: World) -> float:
    return max(at - world.ends[index] for index, at in world.known_at.items())


@pytest.mark.parametrize("holds", [True, False])
def test_two_hundred_jobs_take_a_fifth_of_their_number_in_requests(*, holds: bool) -> None:
    world = World(
        in_turns(200, 50, 1.0), holds=holds, latency=0.01, listing=JobList(newest_first(200))
    )
    assert world.run(None) == Finished()
    assert sorted(world.completed) == list(range(200))
    assert len(world.starts) <= 40
    assert world.took - max(world.ends) <= 0.5
    world.assert_polite()


def test_a_thousand_jobs_that_have_ended_are_fetched_in_seconds() -> None:
    world = World([0.0] * 1000, latency=0.1, listing=JobList(newest_first(1000)))
    assert world.run(None) == Finished()
    assert len(world.starts) == 1 + 1000 / MAX_RANGE
    assert world.took < 2.0


def test_jobs_that_run_for_an_hour_are_not_asked_for_often() -> None:
    world = World([3600.0 + n for n in range(100)], latency=0.1, listing=JobList(newest_first(100)))
    assert world.run(None) == Finished()
    early = [at for at in world.starts if at < 3600]
    assert len(early) <= 2 * 3600 / (MAX_PAUSE / 1.25)
    assert lateness(world) <= MAX_PAUSE + 1.0


@pytest.mark.parametrize("holds", [True, False])
def test_ends_one_after_another_are_known_within_seconds(*, holds: bool) -> None:
    world = World(
        [5.0 * n for n in range(40)], holds=holds, latency=0.05, listing=JobList(newest_first(40))
    )
    assert world.run(None) == Finished()
    # The next to end is the one that is asked for beside the list.
    late = [world.known_at[index] - world.ends[index] for index in range(32)]
    assert max(late) <= (0.3 if holds else 4.0)


def test_a_list_whose_pages_are_short_is_read_on() -> None:
    listing = JobList([*[None] * 30, *newest_first(150)], max_length=40)
    world = World([20.0] * 150, latency=0.01, listing=listing)
    assert world.run(None) == Finished()
    assert len(world.starts) < 100


def test_jobs_of_others_in_between_are_read_over() -> None:
    order = [entry for n in newest_first(50) for entry in (n, *[None] * 9)]
    world = World([30.0 + n for n in range(50)], latency=0.01, listing=JobList(order))
    assert world.run(None) == Finished()
    assert len([look for at, look in world.looks if at < 30]) <= len(world.pages)


def test_what_is_not_on_the_list_is_asked_for_by_itself() -> None:
    world = World([30.0] * 40, latency=0.01, listing=JobList(newest_first(20)))
    assert world.run(None) == Finished()
    asked = Counter(look.index for at, look in world.looks if at < 25)
    assert all(asked[index] >= 3 for index in range(20, 40))
    assert sum(asked[index] for index in range(20)) <= len(world.pages)


def test_the_last_few_are_asked_for_by_long_polls() -> None:
    world = World(
        [5.0] * 12 + [100.0] * 8, holds=True, latency=0.01, listing=JobList(newest_first(20))
    )
    assert world.run(None) == Finished()
    held = {look.index for at, look in world.looks if 20 < at < 60 and look.ask.long_poll > 20}
    assert held == set(range(12, 20))
    assert all(at < 20 for at, _ in world.pages)


def test_a_list_that_is_refused_is_not_asked_for_again() -> None:
    listing = JobList(newest_first(30), down=lambda now: True, transient=False)
    world = World([20.0] * 30, latency=0.01, listing=listing)
    assert world.run(None) == Finished()
    assert len(world.pages) == 1


def test_jobs_are_asked_for_one_by_one_while_the_list_fails() -> None:
    listing = JobList(newest_first(30), down=lambda now: 5 < now < 60)
    world = World([30.0] * 15 + [90.0] * 15, latency=0.01, listing=listing)
    assert world.run(None) == Finished()
    assert all(at < 60 for index, at in world.known_at.items() if index < 15)
    assert len([look for at, look in world.looks if at < 5]) <= 5
    assert len([look for at, look in world.looks if at > 75]) <= 45


def test_a_failing_list_is_no_outage_of_the_server() -> None:
    listing = JobList(newest_first(30), down=lambda now: True)
    world = World([900.0] * 30, latency=0.01, listing=listing)
    assert world.run(None) == Finished()


def test_an_outage_is_given_up_in_spite_of_a_list() -> None:
    world = World(
        [math.inf] * 50,
        down=lambda now: now > 50,
        listing=JobList(newest_first(50), down=lambda now: now > 50),
    )
    assert isinstance(world.run(None), GiveUp)
    assert 340 < world.took < 400


def test_a_list_that_stands_still_delays_nothing_for_long() -> None:
    listing = JobList(newest_first(60), shows=lambda now: min(now, 10.0))
    world = World([20.0] * 60, latency=0.01, listing=listing)
    assert world.run(None) == Finished()
    assert world.took < 80


def test_a_list_that_tells_of_ends_too_early_is_not_believed() -> None:
    listing = JobList(newest_first(40), shows=lambda now: math.inf)
    world = World([30.0] * 40, latency=0.01, listing=listing)
    assert world.run(None) == Finished()
    assert all(at >= 30.0 for at in world.known_at.values())
    assert world.took < 50


def test_a_list_asks_to_slow_down() -> None:
    listing = JobList(newest_first(20), down=lambda now: now < 0.01)
    world = World([100.0] * 20, retry_after=7.0, listing=listing)
    assert world.run(None) == Finished()
    assert world.starts[:2] == [0.0, 7.0]


def test_a_refusal_of_a_job_ends_the_wait() -> None:
    world = World(
        [math.inf] * 30,
        down=lambda now: now > 20,
        transient=False,
        listing=JobList(newest_first(30)),
    )
    end = world.run(None)
    assert isinstance(end, GiveUp)
    assert isinstance(end.error, Fault)
    assert world.took < 60


@pytest.mark.parametrize("timeout", [0, 10])
def test_what_ended_in_time_is_not_late_among_thousands(timeout: float) -> None:
    ends = [timeout * 0.999, math.inf] * 100 + [math.inf] * 2000
    world = World(ends, latency=0.05, listing=JobList(newest_first(len(ends))))
    assert world.run(timeout) == Expired(None)
    assert world.unfinished == [n for n, end in enumerate(ends) if end == math.inf]
    # The list tells of those that run: there is no need to ask for each of them.
    assert world.took <= timeout + OVERTIME / 2


def test_an_answer_from_before_the_deadline_is_no_last_check() -> None:
    ends = [0.04] * 40 + [math.inf] * 20
    world = World(ends, latency=0.1, listing=JobList(range(40, 60)))
    assert world.run(0.05) == Expired(None)
    assert world.unfinished == list(range(40, 60))


@pytest.mark.parametrize("latency", [0.05, 5.0])
def test_a_list_that_hangs_does_not_delay_the_deadline(latency: float) -> None:
    listing = JobList(newest_first(100), down=lambda now: True)
    world = World([math.inf] * 100, latency=latency, listing=listing)
    assert isinstance(world.run(1), Expired)
    assert world.took <= 1 + OVERTIME + SLACK


def test_the_last_round_begins_at_once_and_believes_no_older_page() -> None:
    listing = Listing("list", range(20), now=0.0, rng=random.Random(1))
    first = listing.next(0.0, 10.0)
    told = {index: Listed(index, started=True, ended=index < 10) for index in range(20)}
    listing.answered(first, 0.1, told, 20)
    fetch = listing.next(0.1, 10.0)
    assert fetch.jobs == set(range(10))
    assert listing.due == math.inf
    assert listing.begin_last_round(0.2) == set(range(20))
    assert listing.due == 0.2
    last = listing.next(0.2, 1.0)
    assert not last.jobs
    assert listing.answered(first, 0.3, told, 20) == set()
    assert listing.held == set()
    listing.answered(last, 0.4, told, 20)
    assert listing.held == set(range(20))


def test_rounds_keep_their_distance() -> None:
    world = World(in_turns(300, 1, 0.2), latency=0.01, listing=JobList(newest_first(300)))
    assert world.run(None) == Finished()
    rounds = [at for at, page in world.pages if not page.jobs and page.offset == 0]
    assert min(b - a for a, b in itertools.pairwise(rounds)) >= ROUND_SPACING - SLACK


@given(
    positions=st.dictionaries(st.integers(0, 300), st.integers(0, 300), max_size=200),
    max_length=st.integers(1, 100),
)
def test_neighbours_cover_each_job_once(positions: dict[int, int], max_length: int) -> None:
    groups = group_neighbours(positions, max_length)
    jobs = [index for _, group in groups for index in group]
    assert sorted(jobs) == sorted(positions)
    assert all(positions[index] in part for part, group in groups for index in group)
    assert all(len(part) <= max_length for part, _ in groups)
    stops = [(part.start, part.stop) for part, _ in groups]
    assert all(stop <= start for (_, stop), (start, _) in itertools.pairwise(stops))


@settings(max_examples=150)
@given(
    ends=st.lists(st.floats(0, 200) | st.just(math.inf), max_size=60),
    timeout=st.none() | st.floats(-1, 100),
    holds=st.booleans(),
    latency=st.floats(0, 12) | st.floats(0, 0.2),
    down=st.lists(st.tuples(st.floats(0, 150), st.floats(0, 400)), max_size=2),
    list_down=st.lists(st.tuples(st.floats(0, 150), st.floats(0, 400)), max_size=2),
    lag=st.floats(-300, 300) | st.just(0.0),
    hidden=st.floats(0, 1),
    others=st.integers(0, 40),
    transient=st.booleans(),
    max_length=st.integers(1, 100),
    seed=st.integers(0, 100),
)
def test_the_rules_hold_with_any_list(
    *,
    ends: list[float],
    timeout: float | None,
    holds: bool,
    latency: float,
    down: list[tuple[float, float]],
    list_down: list[tuple[float, float]],
    lag: float,
    hidden: float,
    others: int,
    transient: bool,
    max_length: int,
    seed: int,
) -> None:
    if timeout is None:
        ends = [min(end, 300.0) for end in ends]
    rng = random.Random(seed)
    order = [index for index in newest_first(len(ends)) if rng.random() >= hidden]
    for _ in range(others):
        order.insert(rng.randint(0, len(order)), None)
    listing = JobList(
        order,
        shows=lambda now: now - lag,
        down=lambda now: any(start <= now < start + length for start, length in list_down),
        transient=transient,
        max_length=max_length,
    )
    world = World(
        ends,
        holds=holds,
        latency=latency,
        down=lambda now: any(start <= now < start + length for start, length in down),
        listing=listing,
    )
    end = world.run(timeout, seed=seed)
    assert end is not None, "it always ends"
    deadline = world.assert_whole(timeout)
    assert all(at >= ends[index] for index, at in world.known_at.items())
    assert all(
        at + look.ask.long_poll <= deadline + SLACK or not look.ask.long_poll
        for at, look in world.looks
    )
    is_quick = latency * len(ends) < MAX_OPEN_REQUESTS * OVERTIME / 2 and latency < 0.2
    if end == Expired(None) and is_quick and not down and not list_down and lag == 0.0:
        assert all(ends[index] > deadline - SLACK for index in world.unfinished)
    if end == Finished() and not down and latency <= 1 and lag <= 0.0:
        worst = 2 * MAX_PAUSE + len(ends) * SPACING + 10.0
        assert all(at - ends[index] <= worst for index, at in world.known_at.items())
