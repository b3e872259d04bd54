"""The least pace of a transfer."""

from hypothesis import given
from hypothesis import strategies as st

from qai_hub.transport.retry import MIN_RATE, TRANSFER_WINDOW, RateMonitor


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def run(steps: list[tuple[float, int]]) -> float | None:
    """Moves bytes after pauses; when it was found too slow."""
    clock = Clock()
    pace = RateMonitor(clock)
    for pause, count in steps:
        clock.now += pause
        if not pace.is_fast_enough(count):
            return clock.now - 1000.0
    return None


def test_a_drip_is_found_after_the_window() -> None:
    assert run([(1.0, MIN_RATE - 1)] * 1000) == TRANSFER_WINDOW
    assert run([(1.0, MIN_RATE)] * 1000) is None


def test_a_fast_beginning_does_not_excuse_a_drip() -> None:
    found = run([(1.0, 10**9)] * 10 + [(1.0, 1)] * 1000)
    assert found is not None
    assert found <= 2 * TRANSFER_WINDOW


def test_a_rest_within_the_window_is_no_drip() -> None:
    assert run([(TRANSFER_WINDOW - 1, 10**9), (TRANSFER_WINDOW - 1, 10**9)] * 10) is None


@given(st.lists(st.tuples(st.floats(0.001, 60), st.integers(0, 10**6)), max_size=200))
def test_nothing_is_found_that_keeps_the_pace(steps: list[tuple[float, int]]) -> None:
    kept = [(pause, count + int(MIN_RATE * pause) + 1) for pause, count in steps]
    assert run(kept) is None


@given(st.lists(st.floats(0.001, 60), min_size=200, max_size=400))
def test_whatever_the_steps_a_drip_is_found_in_time(pauses: list[float]) -> None:
    dripping = [(pause, int(MIN_RATE * pause * 0.5)) for pause in pauses]
    found = run(dripping)
    if sum(pauses) > TRANSFER_WINDOW + 60:
        assert found is not None
        assert found <= TRANSFER_WINDOW + 60.001
