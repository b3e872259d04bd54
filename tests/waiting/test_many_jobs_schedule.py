"""The schedule of many jobs alone: simulated servers, a clock that only moves when told."""

import math
import random
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.many_jobs_world import SLACK, Fault, World

from qai_hub.waiting.many_jobs_schedule import (
    MAX_OPEN_REQUESTS,
    OVERTIME,
    SPACING,
    AskFor,
    ManyJobsSchedule,
)
from qai_hub.waiting.schedule import Expired, Finished, GiveUp, Pause


def test_no_jobs_are_done_at_once() -> None:
    world = World([])
    assert world.run(None) == Finished()
    assert world.took == 0.0


def test_a_thousand_jobs_mean_twenty_requests_a_second_and_eight_open() -> None:
    world = World([random.Random(n).uniform(0, 600) for n in range(1000)], latency=0.1)
    assert world.run(None) == Finished()
    world.assert_polite()
    assert sorted(world.completed) == list(range(1000))
    assert world.took <= 670.0
    assert {look.ask.long_poll for at, look in world.looks if at < 550} == {0}


def test_all_jobs_have_their_turn_before_any_has_its_second() -> None:
    world = World([math.inf] * 200)
    world.run(30)
    assert {look.index for _, look in world.looks[:200]} == set(range(200))


def test_jobs_come_as_they_end() -> None:
    world = World([30.0, 10.0, 20.0, 0.0], holds=True)
    assert world.run(None) == Finished()
    assert world.completed == [3, 1, 2, 0]
    assert world.took == pytest.approx(30.0, abs=0.1)
    assert len(world.looks) < 12


def test_answers_are_held_back_only_when_few_jobs_are_left() -> None:
    world = World([5.0] * 12 + [100.0] * 8, holds=True)
    assert world.run(None) == Finished()
    assert all(look.ask.long_poll == 0 for at, look in world.looks if at < 5.0)
    assert any(look.ask.long_poll > 20 for _, look in world.looks)
    assert world.took == pytest.approx(100.0, abs=0.5)


@pytest.mark.parametrize("holds", [True, False])
def test_each_job_is_looked_at_when_there_is_no_time(*, holds: bool) -> None:
    world = World([0.0, math.inf] * 50, holds=holds, latency=0.02)
    assert world.run(0) == Expired(None)
    assert Counter(look.index for _, look in world.looks) == Counter(range(100))
    assert world.unfinished == list(range(1, 100, 2))
    assert world.took <= OVERTIME + SLACK
    world.assert_polite(0.0)


def test_what_ended_in_time_is_not_late() -> None:
    world = World([9.999] * 30 + [10000.0], latency=0.01)
    assert world.run(10) == Expired(None)
    assert world.unfinished == [30]


def test_a_refusal_ends_the_wait() -> None:
    world = World([math.inf] * 3, down=lambda now: now > 20, transient=False)
    end = world.run(None)
    assert isinstance(end, GiveUp)
    assert isinstance(end.error, Fault)
    assert world.took < 35


def test_an_outage_is_ridden_out_and_then_given_up() -> None:
    world = World([400.0] * 50, down=lambda now: 50 < now < 250)
    assert world.run(None) == Finished()
    world = World([math.inf] * 50, down=lambda now: now > 50)
    assert isinstance(world.run(None), GiveUp)
    assert 340 < world.took < 380


def test_one_fault_in_a_rotation_of_more_than_five_minutes_is_no_outage() -> None:
    world = World([0.0] * 7000, down=lambda now: 320 < now < 320.2)
    assert world.run(None) == Finished()
    assert len(world.looks) > 7000


def test_all_requests_slow_down_where_the_server_asks() -> None:
    world = World([100.0] * 20, down=lambda now: now < 0.01, retry_after=7.0)
    assert world.run(None) == Finished()
    assert [at for at, _ in world.looks[:2]] == [0.0, 7.0]


def test_a_fault_at_the_deadline_is_told() -> None:
    end = World([math.inf] * 20, down=lambda now: now > 4).run(5)
    assert isinstance(end, Expired)
    assert isinstance(end.fault, Fault)


def test_the_end_comes_even_if_every_last_look_hangs() -> None:
    world = World([math.inf] * 1000, down=lambda now: True, latency=1000.0)
    assert isinstance(world.run(1), Expired)
    assert world.took <= 1 + OVERTIME + SLACK


@pytest.mark.parametrize("latency", [0.0, 0.005, 0.1, 0.9, 5.0])
@pytest.mark.parametrize("timeout", [0, 2])
def test_five_thousand_jobs_end_a_second_after_the_deadline(latency: float, timeout: int) -> None:
    world = World([math.inf] * 5000, latency=latency)
    assert isinstance(world.run(timeout), Expired)
    assert timeout <= world.took <= timeout + OVERTIME + SLACK
    world.assert_polite(timeout)


def test_last_looks_are_at_those_that_nobody_looked_at_for_longest() -> None:
    world = World([math.inf] * 200, latency=0.2)
    world.run(3)
    last: dict[int, float] = {}
    for at, look in world.looks:
        if at >= 3:
            assert all(
                last.get(look.index, -1.0) <= last.get(i, -1.0) + 0.5 for i in world.unfinished
            )
        last[look.index] = at


def test_whoever_stood_still_at_the_deadline_looks_a_last_time() -> None:
    rotation = ManyJobsSchedule(["server"] * 2, 10, now=0.0, rng=random.Random(1))
    for index in (0, 1):
        now = index * SPACING
        assert isinstance(rotation.next(now), AskFor)
        rotation.answered(index, now, finished=False, long_polled=False)
    looks = [rotation.next(3600.0 + i * SPACING) for i in (0, 1)]
    assert {look.index for look in looks if isinstance(look, AskFor)} == {0, 1}
    rotation.answered(0, 3600.2, finished=True, long_polled=False)
    rotation.answered(1, 3600.2, finished=True, long_polled=False)
    assert rotation.next(3600.2) == Finished()


def test_a_standstill_is_no_outage_of_any_server() -> None:
    rotation = ManyJobsSchedule(["server"] * 8, None, now=0.0, rng=random.Random(1))
    for index in range(8):
        assert isinstance(rotation.next(index * SPACING), AskFor)
    for index in range(8):
        rotation.failed(index, 3600.0, Fault(), transient=True)
    assert isinstance(rotation.next(3600.0), Pause)


@settings(max_examples=150)
@given(
    ends=st.lists(st.floats(0, 200) | st.just(math.inf), max_size=40),
    timeout=st.none() | st.floats(-1, 100),
    holds=st.booleans(),
    latency=st.floats(0, 12) | st.just(0.0),
    down=st.lists(st.tuples(st.floats(0, 150), st.floats(0, 400)), max_size=2),
    retry_after=st.none() | st.floats(0, 4000),
    seed=st.integers(0, 100),
)
@example(
    ends=[math.inf, 91.0, *[math.inf] * 7, 0.0],
    timeout=99.0,
    holds=False,
    latency=2.9453125,
    down=[],
    retry_after=None,
    seed=0,
)
def test_the_rules_hold_with_any_server(
    *,
    ends: list[float],
    timeout: float | None,
    holds: bool,
    latency: float,
    down: list[tuple[float, float]],
    retry_after: float | None,
    seed: int,
) -> None:
    if timeout is None:
        ends = [min(end, 300.0) for end in ends]
    world = World(
        ends,
        holds=holds,
        latency=latency,
        down=lambda now: any(start <= now < start + length for start, length in down),
        retry_after=retry_after,
    )
    end = world.run(timeout, seed=seed)
    assert end is not None, "it always ends"
    deadline = world.assert_whole(timeout)
    assert all(
        at + look.ask.long_poll <= deadline + SLACK or not look.ask.long_poll
        for at, look in world.looks
    )
    if end == Expired(None) and latency * len(ends) < MAX_OPEN_REQUESTS * OVERTIME / 2 and not down:
        assert all(ends[index] > deadline - SLACK for index in world.unfinished)
