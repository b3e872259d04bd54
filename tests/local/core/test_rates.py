"""Rates of users: what they let through, and when."""

import threading
from contextlib import closing
from time import monotonic

from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.core.rates import Rate, take_from_rate
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.postgresql import PostgresqlStore

MINUTE = 60_000_000
RATES = st.sampled_from([1, 2, 3, 7, 30, 60, 100, 601, 10_000]).map(Rate)
PAUSES = st.lists(st.integers(0, MINUTE // 2) | st.integers(0, 1000), min_size=1, max_size=60)


def taken_at(rate: Rate, pauses: list[int]) -> list[int]:
    """When something was done, by somebody who tries after each pause."""
    due, now, done = 0, MINUTE * 1000, list[int]()
    for pause in pauses:
        now += pause
        due, wait = rate.take(due, now)
        if not wait:
            done.append(now)
    return done


@given(RATES, PAUSES)
def test_no_time_has_more_than_a_minutes_worth_and_its_share(rate: Rate, pauses: list[int]) -> None:
    done = taken_at(rate, pauses)
    interval = MINUTE // rate.per_minute
    for first, begin in enumerate(done):
        for last, end in enumerate(done[first:], 1):
            assert last <= MINUTE // interval + (end - begin) // interval


@given(RATES, st.integers(1, 200))
def test_a_bucket_is_emptied_at_once_and_refills_as_told(rate: Rate, tries: int) -> None:
    due, now = 0, MINUTE
    for _ in range(min(tries, rate.per_minute)):
        due, wait = rate.take(due, now)
        assert wait == 0
    for _ in range(tries - rate.per_minute):
        due, wait = rate.take(due, now)
        assert 0 < wait <= MINUTE // rate.per_minute
        # Not a microsecond earlier, and surely then.
        assert rate.take(due, now + wait - 1)[1] == 1
        now += wait
        due, wait = rate.take(due, now)
        assert wait == 0


@given(RATES, st.integers(0, MINUTE * 100), st.integers(0, MINUTE * 100))
def test_nobody_waits_for_longer_than_one_share_whatever_the_clock_does(
    rate: Rate, due: int, now: int
) -> None:
    _, wait = rate.take(due, now)
    assert 0 <= wait <= MINUTE // rate.per_minute


@given(RATES, PAUSES)
def test_a_refusal_takes_nothing(rate: Rate, pauses: list[int]) -> None:
    due, now = 0, MINUTE
    for pause in pauses:
        now += pause
        after, wait = rate.take(due, now)
        if wait:
            assert after == max(due, now)
        due = after


def test_several_processes_share_one_rate(emptied_postgresql_url: str) -> None:
    with closing(PostgresqlStore(emptied_postgresql_url)) as store, store.write() as db:
        ada = ensure_user(db, "ada@example.com")
    rate, done, started = Rate(30), list[float](), monotonic()

    def work() -> None:
        with closing(PostgresqlStore(emptied_postgresql_url)) as own:
            for _ in range(20):
                with own.write() as db:
                    if take_from_rate(db, ada.id, rate) == 0:
                        done.append(monotonic())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 30 <= len(done) <= 30 + (monotonic() - started) // 2 + 1
