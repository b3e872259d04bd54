"""The blocking wait: what it raises, tells and shows."""

import contextlib
import io
import itertools
import math
import os
import pty
import random
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from qai_hub.errors import Error, InternalError, RateLimitedError, UserError
from qai_hub.jobs.progress import ProgressLine
from qai_hub.jobs.status import JobStatus
from qai_hub.jobs.waiting import is_transient, wait_for

State = JobStatus.State
CREATED = JobStatus(State.CREATED)
RUNNING = JobStatus(State.OPTIMIZING_MODEL)
DONE = JobStatus(State.SUCCESS)
FAILED = JobStatus(State.FAILED, "timed out on the device")


class World:
    """A server that tells one thing after the other, and the time that goes by."""

    def __init__(self, *answers: JobStatus | BaseException, holds: bool = False) -> None:
        self.now = 0.0
        self.holds = holds
        self.asked: list[tuple[float, int, float]] = []
        self._answers: Iterator[JobStatus | BaseException] = iter(answers)
        self._last = answers[-1]

    def ask(self, hold: int, time_limit: float) -> tuple[JobStatus, bool]:
        self.asked.append((self.now, hold, time_limit))
        answer = next(self._answers, self._last)
        if isinstance(answer, BaseException):
            raise answer
        if self.holds and not answer.finished:
            self.now += hold
        return answer, self.holds and hold > 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        return self.now

    def wait(self, timeout: float | None, progress: ProgressLine | None = None) -> JobStatus:
        return wait_for(
            self.ask,
            timeout,
            job_id="jabc",
            url="https://web/jobs/jabc/",
            progress=progress,
            clock=self.clock,
            sleep=self.sleep,
            rng=random.Random(1),
        )


@pytest.mark.parametrize("end", [DONE, FAILED])
def test_the_final_status_is_returned_even_of_a_failure(end: JobStatus) -> None:
    world = World(CREATED, RUNNING, end)
    assert world.wait(None) is end
    assert len(world.asked) == 3


def test_zero_looks_once() -> None:
    assert World(DONE).wait(0) is DONE
    world = World(RUNNING)
    with pytest.raises(TimeoutError):
        world.wait(0)
    assert world.asked == [(0.0, 0, 5.0)]


def test_the_timeout_says_what_goes_on_and_how_to_get_it() -> None:
    with pytest.raises(TimeoutError) as caught:
        World(RUNNING).wait(1.5)
    for part in (
        "jabc has not ended within 1.5 s",
        "OPTIMIZING_MODEL",
        "goes on",
        "https://web/jobs/jabc/",
        'hub.get_job("jabc")',
    ):
        assert part in str(caught.value)
    assert "failed" not in str(caught.value)
    assert type(caught.value) is TimeoutError


def test_the_timeout_mentions_a_fault_at_the_end() -> None:
    fault = InternalError("Could not connect to host.")
    with pytest.raises(TimeoutError, match=r"not known.*Could not connect to host") as caught:
        World(fault).wait(3)
    assert caught.value.__cause__ is fault


def test_faults_that_pass_are_ridden_out() -> None:
    faults = [
        InternalError("no connection"),
        InternalError("unavailable", status_code=503),
        RateLimitedError("slow down", status_code=429, retry_after=7.0),
    ]
    world = World(RUNNING, *faults, DONE)
    assert world.wait(None) is DONE
    assert world.asked[-1][0] - world.asked[-2][0] == pytest.approx(7.0)


def test_an_outage_raises_its_last_fault() -> None:
    fault = InternalError("Could not connect to host.")
    world = World(RUNNING, fault)
    with pytest.raises(InternalError) as caught:
        world.wait(None)
    assert caught.value is fault
    assert 300 <= world.now <= 320


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refusals_end_the_wait_at_once(status: int) -> None:
    refusal = UserError("no", status_code=status)
    world = World(RUNNING, refusal)
    with pytest.raises(UserError) as caught:
        world.wait(60)
    assert caught.value is refusal
    assert len(world.asked) == 2


def test_ctrl_c_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        World(RUNNING, KeyboardInterrupt()).wait(None)


def test_bugs_go_through() -> None:
    with pytest.raises(ZeroDivisionError):
        World(ZeroDivisionError()).wait(None)


@pytest.mark.parametrize(("timeout", "kind"), [("5", TypeError), (math.nan, ValueError)])
def test_bad_timeouts(timeout: float, kind: type[Exception]) -> None:
    world = World(DONE)
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
        (InternalError("x", status_code=200), False),
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
    import time

    start = time.monotonic()
    with pytest.raises(TimeoutError):
        wait_for(lambda hold, time_limit: (RUNNING, False), 0.2, job_id="j", url="u")
    assert 0.2 <= time.monotonic() - start < 2.0


# -- the progress line ---------------------------------------------------------------------------


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what is written, in some encoding."""

    def __init__(self, encoding: str = "utf-8", errors: str = "strict") -> None:
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, encoding=encoding, errors=errors)

    def isatty(self) -> bool:
        return True

    def written(self) -> str:
        return self.raw_bytes.getvalue().decode(self.encoding)


def screen(written: str) -> list[str]:
    """What a terminal shows of what was written to it; each sign in one cell."""
    lines = []
    for line in written.split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


def show_all(world: World, stream: TextIO | None, statuses: Iterable[JobStatus | None]) -> None:
    with ProgressLine("compile job jabc", stream, clock=world.clock) as line:
        for status in statuses:
            line.show(status)
            world.now += 1.0


def test_one_line_is_rewritten_and_ended() -> None:
    terminal = Terminal()
    show_all(World(DONE), terminal, [None, CREATED, RUNNING, DONE])
    assert screen(terminal.written()) == ["✅ SUCCESS compile job jabc 0:03", ""]
    assert "\a" not in terminal.written()
    assert "\x1b" not in terminal.written()
    states = re.findall(r"\r(\S+ \S+)", terminal.written())
    assert states == ["⏳ compile", "⏳ CREATED", "⏳ OPTIMIZING_MODEL", "✅ SUCCESS"]


def test_a_wait_shows_its_states() -> None:
    terminal = Terminal()
    world = World(CREATED, RUNNING, FAILED)
    world.wait(None, ProgressLine("link job", terminal, clock=world.clock))
    assert "⏳ CREATED link job" in terminal.written()
    assert screen(terminal.written())[-2].startswith("❌ FAILED link job 0:0")


def test_a_shown_wait_keeps_its_line_fresh() -> None:
    terminal = Terminal()
    world = World(*[RUNNING] * 10, DONE, holds=True)
    world.wait(None, ProgressLine("job", terminal, clock=world.clock))
    assert {hold for _, hold, _ in world.asked} == {5}
    world = World(*[RUNNING] * 9, DONE)
    terminal = Terminal()
    world.wait(None, ProgressLine("job", terminal, clock=world.clock))
    shown = [
        int(minutes) * 60 + int(seconds)
        for minutes, seconds in re.findall(r"(\d+):(\d\d)", terminal.written())
    ]
    assert max(b - a for a, b in itertools.pairwise(shown)) <= 2


def test_the_same_state_is_not_shown_again_at_once() -> None:
    terminal = Terminal()
    world = World(DONE)
    with ProgressLine("job", terminal, clock=world.clock) as line:
        for _ in range(1000):
            line.show(RUNNING)
            world.now += 0.01
    assert terminal.written().count("\r") <= 51


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("no")])
def test_the_line_is_ended_when_the_wait_breaks_off(error: BaseException) -> None:
    terminal = Terminal()
    world = World(RUNNING, error)
    with pytest.raises(type(error)):
        world.wait(None, ProgressLine("job", terminal, clock=world.clock))
    assert terminal.written().endswith("\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize("errors", ["strict", "backslashreplace"])
def test_signs_that_cannot_be_written(encoding: str, errors: str) -> None:
    terminal = Terminal(encoding, errors)
    show_all(World(DONE), terminal, [CREATED, FAILED, DONE])
    assert screen(terminal.written()) == ["+ SUCCESS compile job jabc 0:02", ""]
    assert "- CREATED" in terminal.written()
    assert "x FAILED" in terminal.written()


def test_what_the_server_sends_cannot_steer_the_terminal() -> None:
    terminal = Terminal()
    show_all(World(DONE), terminal, [JobStatus._from_wire("JOB_STATE_\x1b[2J\a\n")])
    assert "\x1b" not in terminal.written()
    assert "\a" not in terminal.written()
    assert terminal.written().count("\n") == 1


def test_long_lines_are_cut_to_the_terminal() -> None:
    terminal = Terminal()
    with ProgressLine("界" * 300, terminal) as line:
        line.show(RUNNING)
    wide = sum(2 if sign in "界⏳" else 1 for sign in terminal.written().strip("\r\n"))
    assert wide <= 79


@pytest.mark.parametrize(
    "make", [lambda _: None, lambda path: io.StringIO(), lambda path: path.open("w")]
)
def test_nothing_is_shown_where_there_is_no_terminal(make: object, tmp_path: Path) -> None:
    assert callable(make)
    path = tmp_path / "log"
    stream = make(path)
    world = World(CREATED, *[RUNNING] * 5, DONE, holds=True)
    world.wait(None, ProgressLine("job", stream, clock=world.clock))
    assert {hold for _, hold, _ in world.asked} == {25}
    if stream is not None:
        stream.flush()
        assert not (path.read_text() if path.exists() else stream.getvalue())
        stream.close()


def test_a_closed_stream_does_not_end_a_wait() -> None:
    closed = Terminal()
    closed.close()
    world = World(RUNNING, DONE)
    assert world.wait(None, ProgressLine("job", closed, clock=world.clock)) is DONE

    class Closing(World):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            terminal.close()

    terminal = Terminal()
    world = Closing(RUNNING, RUNNING, DONE)
    assert world.wait(None, ProgressLine("job", terminal, clock=world.clock)) is DONE


def test_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with ProgressLine.on_stderr("job", verbose=True) as line:
        line.show(RUNNING)
    with ProgressLine.on_stderr("job", verbose=False) as line:
        line.show(DONE)
    assert "OPTIMIZING_MODEL" in terminal.written()
    assert "SUCCESS" not in terminal.written()
    monkeypatch.setattr("sys.stderr", None)
    with ProgressLine.on_stderr("job", verbose=True) as line:
        line.show(DONE)


def test_a_real_terminal() -> None:
    ours, theirs = pty.openpty()
    received = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(ours, 1024)
            except OSError:
                return
            if not data:
                return
            received.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        show_all(World(DONE), stream, [CREATED, DONE])
    reader.join(10)
    os.close(ours)
    assert "✅ SUCCESS compile job jabc 0:01" in received.decode()


def test_a_terminal_that_goes_away() -> None:
    ours, theirs = pty.openpty()
    with contextlib.suppress(OSError), os.fdopen(theirs, "w", encoding="utf-8") as stream:
        line = ProgressLine("job", stream)
        line.show(RUNNING)
        os.close(ours)
        try:
            line.show(DONE)
            line.close()
        except OSError as error:
            pytest.fail(f"a progress line never fails: {error}")
