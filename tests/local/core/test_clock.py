"""The time that starts of a hub agree on."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.clock import agreed_time, latest_time, not_before

BIRTH = datetime(2026, 1, 1, tzinfo=UTC)
spans = st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds))
clocks = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


def agreed_at(readings: list[datetime]) -> list[datetime | None]:
    """Return what each start agrees on with those before."""
    agreed: list[datetime | None] = []
    for index, now in enumerate(readings):
        earlier = [*readings[max(0, index - 1) : index], *(each for each in agreed[-1:] if each)]
        agreed.append(agreed_time(now, earlier))
    return agreed


@given(st.lists(spans, min_size=1, max_size=12), st.data())
def test_wrong_clocks_never_make_time_pass(steps: list[timedelta], data: st.DataObject) -> None:
    true = [BIRTH + sum(steps[:number], timedelta()) for number in range(len(steps))]
    readings = list(true)
    # However many clocks are wrong, as long as no two in succession are.
    for index in range(data.draw(st.integers(0, 1)), len(true), 2):
        readings[index] = data.draw(st.one_of(clocks, st.just(true[index])))
    found = agreed_at(readings)
    assert found[0] is None
    assert all(each is not None for each in found[1:])
    assert all(each <= now for each, now in zip(found[1:], true[1:], strict=True) if each)


@given(st.lists(clocks, max_size=6), st.lists(spans, min_size=3, max_size=5))
def test_time_passes_again_once_two_starts_were_right(
    before: list[datetime], steps: list[timedelta]
) -> None:
    right = [BIRTH + sum(steps[:number], timedelta()) for number in range(len(steps))]
    found = agreed_at([*before, *right])[len(before) :]
    for last, now, agreed in zip(right, right[1:], found[1:], strict=False):
        assert agreed is not None
        assert last <= agreed <= now


@given(st.lists(spans, min_size=2, max_size=5), st.data())
def test_wrong_clocks_never_make_things_older(steps: list[timedelta], data: st.DataObject) -> None:
    true = [BIRTH + sum(steps[:number], timedelta()) for number in range(len(steps))]
    readings = list(true)
    for index in range(data.draw(st.integers(0, 1)), len(true), 2):
        readings[index] = data.draw(st.one_of(clocks, st.just(true[index])))
    found = latest_time(readings)
    assert found is not None
    assert found >= BIRTH


@given(st.lists(spans, min_size=4, max_size=4), st.integers(0, 3), clocks)
def test_one_wrong_clock_of_four_keeps_nothing_for_ever(
    steps: list[timedelta], index: int, wrong: datetime
) -> None:
    readings = [BIRTH + sum(steps[:number], timedelta()) for number in range(4)]
    last = readings[-1]
    readings[index] = wrong
    found = latest_time(readings)
    assert found is not None
    assert found <= last


def test_one_clock_alone_tells_nothing() -> None:
    assert latest_time([]) is latest_time([BIRTH]) is None


def test_a_clock_that_is_behind_stands_still() -> None:
    times = [BIRTH - timedelta(days=1), BIRTH, BIRTH + timedelta(days=1)]
    clock = not_before(iter([*times, *times]).__next__, BIRTH)
    assert [clock() for _ in times] == [BIRTH, BIRTH, times[2]]
    assert not_before(times.pop, None)() == BIRTH + timedelta(days=1)
