"""`job.wait` as users call it, against a real server that does what makes waits go wrong."""

import functools
import io
import random
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from typing import Any

import pytest
from support.job_hub import DONE, FAILED, RUNNING, JobHub, compile_job
from support.scripted_server import Drop, Raw, Reply, Request, Step, json_reply

import qai_hub as hub
from qai_hub.waiting.wait import wait_for_job

WHOLE = compile_job("ja", DONE)
LINK = {name.replace("compile", "link"): value for name, value in WHOLE.items()}
LINK["link_job"] |= {"link_job_id": "ja"}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def world() -> Iterator[JobHub]:
    with JobHub(RUNNING) as made:
        yield made


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


class Clock:
    """Time that goes by in pauses only."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    waits = functools.partial(wait_for_job, clock=made, sleep=made.sleep, rng=random.Random(1))
    monkeypatch.setattr("qai_hub.waiting.wait.wait_for_job", waits)
    return made


# -- deadlines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verbose", [False, True])
def test_a_wait_that_is_too_short_ends_at_its_deadline(
    world: JobHub, terminal: Terminal, *, verbose: bool
) -> None:
    job = world.client(verbose=verbose).get_job("ja")
    start = time.monotonic()
    with redirect_stderr(terminal), pytest.raises(TimeoutError, match="not ended within 1 s"):
        job.wait(1)
    # A busy machine takes its time: the tests of the schedule hold it to the second.
    assert 1.0 <= time.monotonic() - start < 15
    assert bool(terminal.getvalue()) is verbose


@pytest.mark.parametrize("verbose", [False, True])
def test_no_time_is_one_look(world: JobHub, terminal: Terminal, *, verbose: bool) -> None:
    job = world.client(verbose=verbose).get_job("ja")
    before = len(world.server.requests)
    start = time.monotonic()
    with redirect_stderr(terminal), pytest.raises(TimeoutError):
        job.wait(0)
    assert time.monotonic() - start < 15
    assert len(world.server.requests) == before + 1
    world.state = DONE
    assert job.wait(0).success


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("end", [DONE, FAILED])
def test_a_job_that_ends_soon_is_noticed_soon(
    world: JobHub, terminal: Terminal, end: str, *, verbose: bool
) -> None:
    job = world.client(verbose=verbose).get_job("ja")
    timer = threading.Timer(0.6, setattr, (world, "state", end))
    timer.start()
    start = time.monotonic()
    with redirect_stderr(terminal):
        assert job.wait(60).finished
    assert time.monotonic() - start < 20
    timer.join()


# -- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["JOB_STATE_LINKING_MODELS", "JOB_STATE_DREAMING", ""])
@pytest.mark.parametrize("verbose", [False, True])
def test_states_that_a_job_of_its_type_never_has_are_waited_through(
    world: JobHub, terminal: Terminal, clock: Clock, state: str, *, verbose: bool
) -> None:
    job = world.client(verbose=verbose).get_job("ja")
    seen = iter([state, state, DONE])
    world.override = lambda _: json_reply(compile_job("ja", next(seen)))
    with redirect_stderr(terminal):
        assert job.wait().success
    if verbose:
        name = state.removeprefix("JOB_STATE_") or "UNSPECIFIED"
        assert f"⏳ \x1b[33m{name} \x1b[0m(queued " in terminal.getvalue()
        assert "\a" not in terminal.getvalue()


# -- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Drop(),
        Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        Raw(b"SSH-2.0\r\n"),
        Reply(502, b"<html>"),
        Reply(503),
        Reply(429),
    ],
    ids=["closed", "cut", "garbage", "502", "503", "429"],
)
def test_a_hub_that_goes_away_for_half_a_minute_and_comes_back(
    world: JobHub, clock: Clock, fault: Step
) -> None:
    job = world.client().get_job("ja")
    start = clock.now

    def away(request: Request) -> Step | None:
        world.state = DONE if clock.now - start > 40 else RUNNING
        return fault if 5 < clock.now - start < 35 else None

    world.override = away
    assert job.wait().success
    assert 40 < clock.now - start < 55


def test_an_outage_of_more_than_five_minutes_is_told(world: JobHub, clock: Clock) -> None:
    job = world.client().get_job("ja")
    world.override = lambda _: Drop()
    with pytest.raises(hub.InternalError, match="communication error occurred with 127"):
        job.wait()
    assert 300 <= clock.now - 1000 < 315


@pytest.mark.parametrize("status", [429, 503])
def test_an_hour_of_retry_after_is_half_a_minute(world: JobHub, clock: Clock, status: int) -> None:
    job = world.client().get_job("ja")
    answers: Iterator[Step | None] = iter([Reply(status, headers={"Retry-After": "3600"}), None])
    world.override = lambda _: next(answers)
    world.state = DONE
    assert job.wait().success
    assert clock.pauses == [30.0]
    world.state = RUNNING
    world.override = lambda _: Reply(status, headers={"Retry-After": "3600"})
    clock.now = 0.0
    with pytest.raises(TimeoutError):
        job.wait(7)
    assert clock.now == pytest.approx(7.0)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_ends_the_wait(world: JobHub, clock: Clock, status: int) -> None:
    job = world.client().get_job("ja")
    world.override = lambda _: Reply(status)
    with pytest.raises(hub.UserError):
        job.wait()
    assert clock.pauses == []


@pytest.mark.parametrize(
    "payload",
    [
        LINK,
        {**WHOLE, "compile_job": None},
        [],
    ],
)
@pytest.mark.parametrize("verbose", [False, True])
def test_an_answer_that_is_no_job_of_its_type_is_a_fault_that_may_pass(
    world: JobHub, clock: Clock, terminal: Terminal, payload: Any, *, verbose: bool
) -> None:
    job = world.client(verbose=verbose).get_job("ja")
    world.state = DONE
    steps = iter([json_reply(payload)] * 3)
    world.override = lambda _: next(steps, None)
    with redirect_stderr(terminal):
        assert job.wait().success
    assert len(clock.pauses) >= 3
    world.override = lambda _: json_reply(payload)
    with redirect_stderr(terminal), pytest.raises(hub.InternalError):
        job.wait()
    assert 290 < sum(clock.pauses) < 420


# -- what is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [None, "ascii", "closed"])
def test_nothing_depends_on_stdout(
    world: JobHub, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, stream: str | None
) -> None:
    stdout: io.TextIOWrapper | None = None
    if stream is not None:
        stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    if stream == "closed" and stdout is not None:
        stdout.close()
    monkeypatch.setattr("sys.stdout", stdout)
    world.state = DONE
    job = world.client(verbose=True).get_job("ja")
    with redirect_stderr(terminal):
        assert job.wait().success
        assert hub.wait_all([job]) == ["SUCCESS"]
    if stream == "ascii" and stdout is not None:
        assert isinstance(stdout.buffer, io.BytesIO)
        assert stdout.buffer.getvalue() == b""
    assert 'SUCCESS\x1b[0m compile job ja "net"' in terminal.getvalue()


def test_whether_to_show_is_asked_at_each_wait(world: JobHub, terminal: Terminal) -> None:
    client = world.client(verbose=True)
    job = client.get_job("ja")
    world.state = DONE
    with redirect_stderr(terminal):
        client.set_verbose(False)
        job.wait()
        assert terminal.getvalue() == ""
        client.set_verbose(True)
        job.wait()
    assert "SUCCESS" in terminal.getvalue()


# -- looking at things ---------------------------------------------------------------------------


def test_looking_at_what_a_running_job_is_about_asks_nothing_and_waits_for_nothing(
    world: JobHub,
) -> None:
    model = {"model_id": "mtarget", "name": "net", "producer_id": "ja"}
    dataset = {"dataset_id": "dcal", "name": "faces", "creation_time": "2026-01-02T03:04:05Z"}
    payload = compile_job(
        "ja", RUNNING, model=model, target_model=model, calibration_dataset=dataset
    )
    world.override = lambda _: json_reply(payload)
    job = world.client().get_job("ja")
    assert isinstance(job, hub.CompileJob)
    target = job.get_target_model()
    assert target is not None
    result = hub.CompileJobResult(job.get_status(), job.url, "folder")
    before = len(world.server.requests)
    things: list[Any] = [job, target, job.model, job.calibration_dataset, job.device, result]
    for thing in things:
        for text in (repr(thing), str(thing), f"{thing}"):
            assert text
        for way in ("_repr_html_", "_repr_pretty_", "_repr_markdown_"):
            assert way not in dir(thing) or getattr(thing, way)()
        hash_of = getattr(type(thing), "__hash__", None)
        assert hash_of is None or hash(thing) == hash(thing)
        assert thing == thing  # noqa: PLR0124
        assert thing != None  # noqa: E711
        # A debugger shows attributes too.
        assert repr(vars(thing))
    assert len(world.server.requests) == before
