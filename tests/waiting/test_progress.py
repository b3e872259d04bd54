"""The line that a wait shows on a terminal."""

import contextlib
import io
import itertools
import os
import pty
import re
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TextIO, cast

import pytest
from support.simulated_wait import CREATED, DONE, FAILED, RUNNING, SimulatedServer

from qai_hub.errors import UserError
from qai_hub.status import JobStatus
from qai_hub.waiting.progress import ProgressLine


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


def show_all(
    world: SimulatedServer, stream: TextIO | None, statuses: Iterable[JobStatus | None]
) -> None:
    with ProgressLine("compile job jabc", stream, clock=world.clock) as line:
        for status in statuses:
            line.show(status)
            world.now += 1.0


def test_one_line_is_rewritten_and_ended() -> None:
    terminal = Terminal()
    show_all(SimulatedServer(DONE), terminal, [None, CREATED, RUNNING, DONE])
    assert screen(terminal.written()) == ["✅ SUCCESS compile job jabc 0:03", ""]
    assert "\a" not in terminal.written()
    assert "\x1b" not in terminal.written()
    states = re.findall(r"\r(\S+ \S+)", terminal.written())
    assert states == ["⏳ compile", "⏳ CREATED", "⏳ OPTIMIZING_MODEL", "✅ SUCCESS"]


def test_a_wait_shows_its_states() -> None:
    terminal = Terminal()
    world = SimulatedServer(CREATED, RUNNING, FAILED)
    world.wait(None, ProgressLine("link job", terminal, clock=world.clock))
    assert "⏳ CREATED link job" in terminal.written()
    assert screen(terminal.written())[-2].startswith("❌ FAILED link job 0:0")


def test_a_shown_wait_keeps_its_line_fresh() -> None:
    terminal = Terminal()
    world = SimulatedServer(*[RUNNING] * 10, DONE, holds=True)
    world.wait(None, ProgressLine("job", terminal, clock=world.clock))
    assert {hold for _, hold, _ in world.asked} == {5}
    world = SimulatedServer(*[RUNNING] * 9, DONE)
    terminal = Terminal()
    world.wait(None, ProgressLine("job", terminal, clock=world.clock))
    shown = [
        int(minutes) * 60 + int(seconds)
        for minutes, seconds in re.findall(r"(\d+):(\d\d)", terminal.written())
    ]
    assert max(b - a for a, b in itertools.pairwise(shown)) <= 2


def test_the_same_line_is_not_written_twice() -> None:
    terminal = Terminal()
    world = SimulatedServer(DONE)
    with ProgressLine("job", terminal, clock=world.clock) as line:
        for _ in range(1000):
            line.show(RUNNING)
            world.now += 0.01
    assert terminal.written().count("\r") == 10


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("no")])
def test_the_line_is_ended_when_the_wait_breaks_off(error: BaseException) -> None:
    terminal = Terminal()
    world = SimulatedServer(RUNNING, error)
    with pytest.raises(type(error)):
        world.wait(None, ProgressLine("job", terminal, clock=world.clock))
    assert terminal.written().endswith("\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize("errors", ["strict", "backslashreplace"])
def test_signs_that_cannot_be_written(encoding: str, errors: str) -> None:
    terminal = Terminal(encoding, errors)
    show_all(SimulatedServer(DONE), terminal, [CREATED, FAILED, DONE])
    assert screen(terminal.written()) == ["+ SUCCESS compile job jabc 0:02", ""]
    assert "- CREATED" in terminal.written()
    assert "x FAILED" in terminal.written()


def test_what_the_server_sends_cannot_steer_the_terminal() -> None:
    terminal = Terminal()
    show_all(SimulatedServer(DONE), terminal, [JobStatus._from_wire("JOB_STATE_\x1b[2J\a\n")])
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
    world = SimulatedServer(CREATED, *[RUNNING] * 5, DONE, holds=True)
    world.wait(None, ProgressLine("job", stream, clock=world.clock))
    assert {long_poll for _, long_poll, _ in world.asked} == {25}
    if stream is not None:
        stream.flush()
        assert not (path.read_text() if path.exists() else stream.getvalue())
        stream.close()


class Shell:
    """What `get_ipython` gives, under a name that the tests choose."""


@pytest.mark.parametrize(
    ("shells", "home", "shown"),
    [
        (["ZMQInteractiveShell"], "ipykernel.iostream", True),
        (["ZMQInteractiveShell", "FrontendShell"], "ipykernel.iostream", True),
        (["ZMQInteractiveShell"], "io", False),
        (["TerminalInteractiveShell"], "ipykernel.iostream", False),
        ([], "ipykernel.iostream", False),
    ],
)
def test_a_notebook_shows_the_line_unless_its_output_goes_elsewhere(
    shells: list[str], home: str, monkeypatch: pytest.MonkeyPatch, *, shown: bool
) -> None:
    shell: type = Shell
    for name in shells:
        shell = type(name, (shell,), {})
    ipython = ModuleType("IPython")
    vars(ipython)["get_ipython"] = lambda: shell() if shells else None
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    members = {"__module__": home, "isatty": lambda _: False}
    stream = cast(Terminal, type("OutStream", (Terminal,), members)())
    world = SimulatedServer(CREATED, *[RUNNING] * 5, DONE)
    world.wait(None, ProgressLine("job jabc", stream, clock=world.clock))
    assert bool(stream.written()) is shown
    if shown:
        (line, rest) = screen(stream.written())
        assert (line[:21], rest) == ("✅ SUCCESS job jabc 0:", "")


def test_a_closed_stream_does_not_end_a_wait() -> None:
    closed = Terminal()
    closed.close()
    world = SimulatedServer(RUNNING, DONE)
    assert world.wait(None, ProgressLine("job", closed, clock=world.clock)) is DONE

    class Closing(SimulatedServer):
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
        show_all(SimulatedServer(DONE), stream, [CREATED, DONE])
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
