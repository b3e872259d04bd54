"""The schedule alone: a simulated server, a clock that only moves when told."""

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qai_hub.waiting.schedule import (
    Ask,
    Expired,
    Finished,
    GiveUp,
    Pause,
    WaitSchedule,
)


class Fault(Exception):
    pass


@dataclass
class Server:
    """Answers one request, at a simulated time, and says how long that took."""

    ends: float = math.inf
    holds: bool = False
    latency: float = 0.0
    boasts: bool = False
    down: Callable[[float], bool] = lambda now: False
    transient: bool = True
    retry_after: float | None = None

    def answer(self, now: float, ask: Ask) -> tuple[float, bool | None, bool]:
        if self.down(now):
            return min(self.latency, ask.time_limit), None, False
        took = self.latency
        if self.holds and ask.long_poll:
            took += min(max(self.ends - now, 0.0), ask.long_poll)
        if took > ask.time_limit:
            return ask.time_limit, None, False
        return took, now + took >= self.ends, bool(ask.long_poll) and (self.holds or self.boasts)


@dataclass
class Run:
    """What a wait came to."""

    end: object = None
    took: float = 0.0
    asks: list[tuple[float, Ask]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)


def wait(server: Server, timeout: Any, *, seed: int = 1, limit: float = math.inf) -> Run:
    start = 1000.0
    now = start
    schedule = WaitSchedule(timeout, now=now, rng=random.Random(seed))
    run = Run()
    while now - start < limit:
        instruction = schedule.next(now)
        match instruction:
            case Ask():
                run.asks.append((now - start, instruction))
                took, finished, long_polled = server.answer(now - start, instruction)
                now += took
                if finished is None:
                    schedule.failed(
                        now,
                        Fault("down"),
                        transient=server.transient,
                        retry_after=server.retry_after,
                    )
                else:
                    schedule.answered(now, finished=finished, long_polled=long_polled)
            case Pause(seconds):
                assert seconds > 0
                run.pauses.append(seconds)
                now += seconds
            case _:
                run.end = instruction
                run.took = now - start
                assert schedule.next(now) == instruction
                return run
    return run


def test_it_asks_at_once() -> None:
    for timeout in (None, 0, 1, 100.0):
        run = wait(Server(ends=0.0), timeout)
        assert run.end == Finished()
        assert [at for at, _ in run.asks] == [0.0]


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf, -(10**400)])
def test_no_time_means_one_look(timeout: float) -> None:
    run = wait(Server(), timeout)
    assert run.asks == [(0.0, Ask(long_poll=0, time_limit=5.0))]
    assert run.end == Expired(None)
    assert run.pauses == []


@pytest.mark.parametrize("timeout", [True, "5", b"5", [], 5j, Decimal(5)])
def test_timeouts_are_numbers(timeout: Any) -> None:
    with pytest.raises(TypeError, match="timeout"):
        wait(Server(), timeout)


@pytest.mark.parametrize("timeout", [math.nan, np.float32("nan")])
def test_a_timeout_is_not_nan(timeout: float) -> None:
    with pytest.raises(ValueError, match="NaN"):
        wait(Server(), timeout)


@pytest.mark.parametrize("timeout", [2, 2.0, np.int32(2), np.float32(2), Fraction(2)])
def test_any_real_number_is_a_timeout(timeout: Any) -> None:
    run = wait(Server(), timeout)
    assert (run.end, run.took) == (Expired(None), 2.0)


@pytest.mark.parametrize("timeout", [None, math.inf, np.inf, 10**400])
def test_for_ever(timeout: float | None) -> None:
    run = wait(Server(ends=10_000.0, holds=True), timeout)
    assert run.end == Finished()
    assert run.took == 10_000.0


def test_a_server_that_holds_is_asked_again_at_once() -> None:
    run = wait(Server(ends=60.0, holds=True), None)
    assert [at for at, _ in run.asks] == [0.0, 25.0, 50.0]
    assert {ask.long_poll for _, ask in run.asks} == {25}
    assert (run.took, run.pauses) == (60.0, [])


def test_holds_end_at_the_deadline() -> None:
    run = wait(Server(holds=True), 40)
    assert [(at, ask.long_poll) for at, ask in run.asks] == [(0.0, 25), (25.0, 15)]
    assert (run.end, run.took) == (Expired(None), 40.0)


def test_a_part_of_a_second_is_slept_away_before_the_last_look() -> None:
    run = wait(Server(holds=True), 3.25)
    assert [(at, ask.long_poll) for at, ask in run.asks] == [(0.0, 3), (3.0, 0), (3.25, 0)]
    assert run.took == 3.25


def test_a_job_that_ends_early_ends_the_wait_early() -> None:
    assert wait(Server(ends=0.5, holds=True), 60).took == 0.5


def test_pauses_grow_to_ten_seconds_with_jitter() -> None:
    run = wait(Server(ends=200.0), None)
    assert run.asks[0][1].long_poll == 25
    assert 0.5 <= run.pauses[0] <= 0.625
    assert all(0.5 <= pause <= 10.0 for pause in run.pauses)
    assert max(run.pauses) > 8.0
    assert len(set(run.pauses)) == len(run.pauses)
    assert run.pauses != wait(Server(ends=200.0), None, seed=2).pauses
    assert run.pauses == wait(Server(ends=200.0), None).pauses
    assert len(run.asks) < 35


def test_a_server_that_only_says_that_it_holds_is_not_hammered() -> None:
    run = wait(Server(boasts=True), 100)
    assert len(run.asks) < 25
    assert run.end == Expired(None)


def test_the_last_look_sees_what_ended_before_the_deadline() -> None:
    for ends in (0.0, 1.0, 4.9, 4.999, 5.0):
        run = wait(Server(ends=ends), 5)
        assert run.end == Finished()
        assert run.took <= 5.0
    assert wait(Server(ends=5.001), 5).end == Expired(None)


def test_an_answer_that_was_slow_is_not_the_last_look() -> None:
    run = wait(Server(latency=2.0), 3)
    assert [at > 3.0 for at, _ in run.asks] == [False, False, True]
    assert run.end == Expired(None)
    assert run.took <= 7.0


def test_a_fault_is_ridden_out() -> None:
    run = wait(Server(ends=50.0, down=lambda now: 5 < now < 60), None)
    assert run.end == Finished()
    assert 60.0 <= run.took <= 71.0


def test_an_outage_ends_the_wait_with_its_fault() -> None:
    run = wait(Server(down=lambda now: now > 100), None)
    assert isinstance(run.end, GiveUp)
    assert isinstance(run.end.error, Fault)
    assert 390.0 <= run.took <= 420.0


def test_a_server_that_never_answers_is_given_up() -> None:
    run = wait(Server(down=lambda now: True), None)
    assert isinstance(run.end, GiveUp)
    assert 300.0 <= run.took <= 310.0
    assert len(run.asks) < 50


def test_outages_count_anew_after_an_answer() -> None:
    run = wait(Server(ends=900, down=lambda now: int(now) % 300 > 40), None)
    assert run.end == Finished()


def test_a_fault_that_stays_ends_the_wait_at_once() -> None:
    run = wait(Server(down=lambda now: True, transient=False), 100)
    assert isinstance(run.end, GiveUp)
    assert (run.took, len(run.asks)) == (0.0, 1)
    assert isinstance(wait(Server(down=lambda now: True, transient=False), 0).end, GiveUp)


def test_a_fault_at_the_last_look_is_told() -> None:
    run = wait(Server(down=lambda now: now > 4), 5)
    assert isinstance(run.end, Expired)
    assert isinstance(run.end.fault, Fault)
    assert run.took == 5.0
    run = wait(Server(down=lambda now: True), 0)
    assert isinstance(run.end, Expired)
    assert isinstance(run.end.fault, Fault)


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [(20.0, 20.0, 20.0), (3600.0, 30.0, 30.0), (0.0, 0.5, 0.625), (-5.0, 0.5, 0.625)],
)
def test_retry_after_is_honoured_up_to_a_cap(retry_after: float, least: float, most: float) -> None:
    run = wait(Server(down=lambda now: now == 0, ends=1.0, retry_after=retry_after), None)
    assert least <= run.pauses[0] <= most


def test_retry_after_never_reaches_past_the_deadline() -> None:
    run = wait(Server(down=lambda now: now < 1, ends=3.0, retry_after=3600.0), 5)
    assert (run.end, run.took) == (Finished(), 5.0)


def test_requests_that_are_cut_while_held_become_plain_and_then_shorter() -> None:
    class Cutting(Server):
        def answer(self, now: float, ask: Ask) -> tuple[float, bool | None, bool]:
            if ask.long_poll > 10:
                return 10.0, None, False
            return super().answer(now, ask)

    run = wait(Cutting(ends=1000.0, holds=True), None)
    assert run.end == Finished()
    assert [ask.long_poll for _, ask in run.asks[:5]] == [25, 0, 12, 0, 6]
    assert {ask.long_poll for _, ask in run.asks[5:]} == {6}


def test_waking_up_early_does_no_harm() -> None:
    schedule = WaitSchedule(10, now=0.0, rng=random.Random(1))
    schedule.next(0.0)
    schedule.answered(0.0, finished=False, long_polled=False)
    first = schedule.next(0.0)
    again = schedule.next(0.25)
    assert isinstance(first, Pause)
    assert isinstance(again, Pause)
    assert again.seconds == pytest.approx(first.seconds - 0.25)


def test_time_in_which_nobody_asked_is_no_outage() -> None:
    for standstill in (3600.0, 10.0**6):
        schedule = WaitSchedule(None, now=0.0, rng=random.Random(1))
        now, faults = 0.0, 0
        while faults < 10:  # it stands still within each request, and after it
            match schedule.next(now):
                case Ask():
                    now += standstill
                    schedule.failed(now, Fault("down"), transient=True)
                    faults += 1
                case Pause(seconds):
                    now += seconds
                case other:
                    raise AssertionError(other)
        assert isinstance(schedule.next(now), Pause)


@pytest.mark.parametrize("fails", [False, True])
def test_after_a_standstill_past_the_deadline_there_is_a_last_look(*, fails: bool) -> None:
    schedule = WaitSchedule(10, now=0.0, rng=random.Random(1))
    assert isinstance(schedule.next(0.0), Ask)
    if fails:
        schedule.failed(3600.0, Fault("down"), transient=True)
    else:
        schedule.answered(3600.0, finished=False, long_polled=True)
    assert schedule.next(3600.0) == Ask(0, 5.0)
    schedule.failed(3605.0, Fault("down"), transient=True)
    assert isinstance(schedule.next(3605.0), Expired)


outages = st.lists(st.tuples(st.floats(0, 200), st.floats(0, 400)), max_size=3)


@settings(max_examples=300)
@given(
    timeout=st.none() | st.floats(-1, 300) | st.integers(0, 300),
    ends=st.floats(0, 400) | st.just(math.inf),
    holds=st.booleans(),
    boasts=st.booleans(),
    latency=st.floats(0, 12) | st.just(0.0),
    down=outages,
    retry_after=st.none() | st.floats(allow_nan=True),
    seed=st.integers(0, 100),
)
def test_the_rules_hold_with_any_server(
    *,
    timeout: float | None,
    ends: float,
    holds: bool,
    boasts: bool,
    latency: float,
    down: list[tuple[float, float]],
    retry_after: float | None,
    seed: int,
) -> None:
    server = Server(
        ends=ends,
        holds=holds,
        boasts=boasts,
        latency=latency,
        down=lambda now: any(start <= now < start + length for start, length in down),
        retry_after=retry_after,
    )
    if timeout is None and ends == math.inf:
        ends = server.ends = 400.0
    run = wait(server, timeout, seed=seed, limit=5000.0)
    deadline = math.inf if timeout is None else max(timeout, 0.0)

    assert run.end is not None, "it always ends"
    if isinstance(run.end, Finished):
        assert run.took >= ends - 1e-6
    # Nothing but the request at the deadline reaches past it.
    assert run.took <= deadline + 6.0 + 1e-3
    assert sum(run.pauses) <= deadline + 1e-3
    assert all(at <= deadline + 5.0 + 1e-3 for at, _ in run.asks)
    # A held answer comes before the deadline, and no request stays open for much longer.
    for at, ask in run.asks:
        assert ask.long_poll == 0 or at + ask.long_poll <= deadline + 1e-3
        assert ask.long_poll <= 25
        assert 0 < ask.time_limit <= 35
    # The rate is bounded.
    assert len(run.asks) <= 2 + run.took / 0.5
    starts = [at for at, _ in run.asks[:-1]]
    assert all(b - a >= 0.5 - 1e-3 for a, b in itertools.pairwise(starts))
    # A job that ended in time is seen by the last look, if that gets an answer.
    if isinstance(run.end, Expired) and run.end.fault is None:
        assert run.asks[-1][0] >= deadline - 1e-3 or run.took >= deadline - 1e-3
        assert ends > deadline - 1e-3
