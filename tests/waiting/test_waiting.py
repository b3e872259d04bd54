"""The blocking wait: what it raises and tells."""

import math
import time

import pytest
from support.simulated_wait import CREATED, DONE, FAILED, RUNNING, SimulatedServer, StubJob

from qai_hub.errors import Error, InternalError, RateLimitedError, UserError
from qai_hub.status import JobStatus
from qai_hub.transport.errors import is_transient
from qai_hub.waiting.wait import wait_for_job


@pytest.mark.parametrize("end", [DONE, FAILED])
def test_the_final_status_is_returned_even_of_a_failure(end: JobStatus) -> None:
    world = SimulatedServer(CREATED, RUNNING, end)
    assert world.wait(None) is end
    assert len(world.asked) == 3


def test_zero_looks_once() -> None:
    assert SimulatedServer(DONE).wait(0) is DONE
    world = SimulatedServer(RUNNING)
    with pytest.raises(TimeoutError):
        world.wait(0)
    assert world.asked == [(0.0, 0, 5.0)]


def test_the_timeout_says_what_goes_on_and_how_to_get_it() -> None:
    with pytest.raises(TimeoutError) as caught:
        SimulatedServer(RUNNING).wait(1.5)
    for part in (
        "jabc has not ended within 1.5 s",
        "OPTIMIZING_MODEL",
        "It continues",
        "https://web/jobs/jabc/",
        'hub.get_job("jabc")',
    ):
        assert part in str(caught.value)
    assert "failed" not in str(caught.value)
    assert type(caught.value) is TimeoutError


def test_the_timeout_mentions_a_fault_at_the_end() -> None:
    fault = InternalError("Could not connect to host.")
    with pytest.raises(TimeoutError, match=r"unknown.*Could not connect to host") as caught:
        SimulatedServer(fault).wait(3)
    assert caught.value.__cause__ is fault


def test_faults_that_pass_are_ridden_out() -> None:
    faults = [
        InternalError("no connection"),
        InternalError("unavailable", status_code=503),
        RateLimitedError("slow down", status_code=429, retry_after=7.0),
    ]
    world = SimulatedServer(RUNNING, *faults, DONE)
    assert world.wait(None) is DONE
    assert world.asked[-1][0] - world.asked[-2][0] == pytest.approx(7.0)


def test_an_outage_raises_its_last_fault() -> None:
    fault = InternalError("Could not connect to host.")
    world = SimulatedServer(RUNNING, fault)
    with pytest.raises(InternalError) as caught:
        world.wait(None)
    assert caught.value is fault
    assert 300 <= world.now <= 320


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refusals_end_the_wait_at_once(status: int) -> None:
    refusal = UserError("no", status_code=status)
    world = SimulatedServer(RUNNING, refusal)
    with pytest.raises(UserError) as caught:
        world.wait(60)
    assert caught.value is refusal
    assert len(world.asked) == 2


def test_ctrl_c_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        SimulatedServer(RUNNING, KeyboardInterrupt()).wait(None)


def test_bugs_go_through() -> None:
    with pytest.raises(ZeroDivisionError):
        SimulatedServer(ZeroDivisionError()).wait(None)


@pytest.mark.parametrize(("timeout", "kind"), [("5", TypeError), (math.nan, ValueError)])
def test_bad_timeouts(timeout: float, kind: type[Exception]) -> None:
    world = SimulatedServer(DONE)
    with pytest.raises(kind):
        world.wait(timeout)
    assert world.asked == []


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (InternalError("x"), True),
        (InternalError("x", status_code=408), True),
        (InternalError("x", status_code=500), True),
        (InternalError("x", status_code=503), True),
        (InternalError("x", status_code=520), True),
        (InternalError("x", status_code=501), False),
        (InternalError("x", status_code=200), True),
        (RateLimitedError("x", status_code=429), True),
        (UserError("x"), False),
        (UserError("x", status_code=404), False),
        (Error("x"), False),
    ],
)
def test_which_faults_pass(error: Error, *, passes: bool) -> None:
    assert is_transient(error) is passes


def test_real_time() -> None:
    """Once with the real clock: a quiet wait of 0.2 s takes about 0.2 s."""
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        wait_for_job(StubJob(), 0.2, ask=lambda job, how: (RUNNING, False))
    assert 0.2 <= time.monotonic() - start < 10
