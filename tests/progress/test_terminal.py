"""What a real terminal shows while jobs are waited for and files are transferred."""

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from support.job_hub import DONE, FAILED, RUNNING, JobHub, compile_job
from support.pty_terminal import PtyTerminal, pty_terminal, render
from support.scripted_server import Reply, Request, Step, json_reply

import qai_hub as hub
from qai_hub.progress.clock import Clock
from qai_hub.progress.transfers import show_transfer
from qai_hub.waiting.progress import WaitProgress

TIMES = {
    "creation_time": "2026-01-02T03:04:05Z",
    "queued_time": "2026-01-02T03:04:05Z",
    "start_time": "2026-01-02T03:04:08Z",
    "completion_time": "2026-01-02T04:05:10Z",
}
NOTICES = [
    {"severity": "WARNING", "context": "MODEL", "message": "far from the float model"},
    {"severity": "INFO", "context": "USER", "message": "two\nlines"},
]
CREATED = "JOB_STATE_CREATED"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "QAI_HUB_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def world() -> Iterator[JobHub]:
    with JobHub(RUNNING) as made:
        yield made


@pytest.fixture
def terminal() -> Iterator[PtyTerminal]:
    with pty_terminal() as made:
        yield made


def now() -> str:
    return datetime.now(UTC).isoformat()


def reply(request: Request, state: str, **more: Any) -> Step:
    job_id = request.path.rstrip("/").rpartition("/")[2]
    notices = more.pop("notices", [])
    return json_reply(compile_job(job_id, state, **more) | {"notices": notices})


def test_a_job_has_one_line_until_it_ends_and_then_its_end_and_notices(
    world: JobHub, terminal: PtyTerminal
) -> None:
    job = world.client(verbose=True).get_job("ja")
    states = iter([CREATED, RUNNING])

    def answer(request: Request) -> Step:
        state = next(states, None)
        if state is None:
            return reply(request, FAILED, **TIMES, notices=NOTICES, failure_reason="too\r\nlarge")
        times = {"creation_time": now()} | ({"start_time": now()} if state == RUNNING else {})
        return reply(request, state, **times)

    world.override = answer
    with contextlib.redirect_stderr(terminal.stream):
        job.wait()
    end = '❌ FAILED compile job ja "net" (queued 0:03, ran 1:01:02): too large'
    terminal.wait_for("INFO")
    assert terminal.screen() == [
        end,
        "   - WARNING: far from the float model",
        "   - INFO: two lines",
    ]
    plain = re.sub(r"\x1b\[\d+m", "", terminal.text)
    assert '⏳ CREATED (queued 0:00) compile job ja "net"' in plain
    assert '⏳ OPTIMIZING_MODEL (queued 0:00, running 0:00) compile job ja "net"' in plain


def test_the_end_is_shown_where_the_width_is_not_known(
    world: JobHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    monkeypatch.setenv("LINES", "0")
    job = world.client(verbose=True).get_job("ja")
    world.state = DONE
    with pty_terminal(0, 0) as terminal:
        with contextlib.redirect_stderr(terminal.stream):
            job.wait()
        terminal.wait_for('SUCCESS.* compile job ja "net"')


@pytest.mark.parametrize("wait", ["wait", "wait_async"])
def test_time_moves_during_a_long_poll_and_nothing_after_the_wait(
    world: JobHub, terminal: PtyTerminal, wait: str
) -> None:
    job = world.client(verbose=True).get_job("ja")
    start = now()
    answers = iter([reply(Request("GET", "/ja/", {}, b""), RUNNING, start_time=start)])

    def answer(request: Request) -> Step:
        whole = json_reply(compile_job("ja", DONE))
        return next(answers, None) or Reply(whole.status, whole.body, whole.headers, delay=1.3)

    world.override = answer
    with contextlib.redirect_stderr(terminal.stream):
        assert (job.wait() if wait == "wait" else asyncio.run(job.wait_async())).success
        terminal.wait_for("SUCCESS")
        before = terminal.text
        time.sleep(0.4)
    assert terminal.text == before
    shown = re.findall(r"running (\d:\d\d)", before)
    assert {"0:00", "0:01"} <= set(shown)
    assert render(before) == ['✅ SUCCESS compile job ja "net"']


def test_times_are_those_of_the_clock(world: JobHub, terminal: PtyTerminal) -> None:
    job = world.client(verbose=True).get_job("ja")
    world.override = lambda request: reply(
        request, RUNNING, **{name: TIMES[name] for name in ("creation_time", "start_time")}
    )
    ticks = iter([100.0, 108.0])
    clock = Clock(
        now=lambda: datetime(2026, 1, 2, 3, 5, 18, tzinfo=UTC), monotonic=lambda: next(ticks)
    )
    with contextlib.redirect_stderr(terminal.stream):
        with WaitProgress([job], clock=clock) as shown:
            shown.update(0, job.get_status())
            terminal.wait_for(r"\(queued 0:03, running 1:10\)")
        with show_transfer("upload", "a.onnx", None, show=True, clock=clock) as moved:
            moved(4_000_000)
    terminal.wait_for("a.onnx")
    assert terminal.screen() == ["Uploaded a.onnx: 4.0 MB in 0:08 (500.0 kB/s)"]


def test_a_resumed_transfer_begins_where_it_was_and_is_no_faster_for_it(
    terminal: PtyTerminal,
) -> None:
    now = [0.0]
    clock = Clock(monotonic=lambda: now[0])
    with contextlib.redirect_stderr(terminal.stream):
        resumed = show_transfer(
            "download", "a.onnx", 8_000_000, show=True, already=6_000_000, clock=clock
        )
        with resumed as moved:
            terminal.wait_for("Downloading a.onnx.* 75%")
            now[0] = 4.0
            moved(1_000_000)
            terminal.wait_for("88%")
            moved(1_000_000)
    terminal.wait_for("Downloaded")
    assert terminal.screen() == ["Downloaded a.onnx: 8.0 MB in 0:04 (500.0 kB/s)"]


@pytest.mark.parametrize("lead", [3600, -3600, 10**11])
def test_times_are_right_where_the_clock_of_the_server_is_wrong(
    world: JobHub, terminal: PtyTerminal, lead: int
) -> None:
    there = datetime.now(UTC) + min(timedelta(seconds=lead), timedelta(days=365 * 7000))

    def answer(request: Request) -> Step:
        told = reply(
            request,
            RUNNING,
            creation_time=(there - timedelta(seconds=90)).isoformat(),
            start_time=(there - timedelta(seconds=70)).isoformat(),
        )
        assert isinstance(told, Reply)
        date = format_datetime(there, usegmt=True)
        return Reply(told.status, told.body, {**told.headers, "Date": date})

    world.override = answer
    job = world.client(verbose=True).get_job("ja")
    with contextlib.redirect_stderr(terminal.stream), WaitProgress([job]) as shown:
        shown.update(0, job.get_status())
        terminal.wait_for(r"\(queued 0:20, running 1:1\d\)")


def test_an_end_is_told_once_per_client(world: JobHub, terminal: PtyTerminal) -> None:
    world.state = DONE
    client = world.client(verbose=True)
    job = client.get_job("ja")
    with contextlib.redirect_stderr(terminal.stream):
        job.wait()
        job.wait()
        client.get_job("ja").get_available_artifacts()
        hub.wait_all([job, client.get_job("ja")])
        hub.wait_all([job, client.get_job("jb")])
    terminal.wait_for("2 of 2 jobs ended\n$")
    assert terminal.screen() == [
        '✅ SUCCESS compile job ja "net"',
        '✅ SUCCESS compile job jb "net"',
        "2 of 2 jobs ended",
    ]


def test_many_jobs_fit_the_terminal_and_the_rest_is_summed_up(world: JobHub) -> None:
    client = world.client(verbose=True)
    jobs = [client.get_job(f"j{number:02d}") for number in range(12)]
    world.override = lambda request: reply(
        request, FAILED if "j05" in request.path else RUNNING, name="net" * 30
    )
    with pty_terminal(40, 6) as terminal:
        with contextlib.redirect_stderr(terminal.stream), pytest.raises(TimeoutError):
            hub.wait_all(jobs, 1.5)
        terminal.wait_for(r"1 failed(.|\n)*\x1b\[2K$")
        text = re.sub(r"\x1b\[\d*m", "", terminal.text)
    frames = [part.split("\n") for part in re.split(r"(?:\x1b\[1A)?\x1b\[2K|FAILED.*\n", text)]
    tables = [frame for frame in frames if "jobs ended" in frame[-1].rstrip("\r")]
    assert tables
    assert all(len(frame) == 5 for frame in tables)
    assert all(len(line.rstrip("\r")) < 40 for frame in tables for line in frame)
    assert "⏳ and 8 more: 8 OPTIMIZING_MODEL" in tables[-1][-2]
    # Only the end is left.
    (end,) = render(text)
    assert end.startswith("❌ FAILED compile job j05")


def test_as_completed_leaves_the_terminal_to_its_caller(
    world: JobHub, terminal: PtyTerminal
) -> None:
    client = world.client(verbose=True)
    jobs = [client.get_job("ja"), client.get_job("jb")]
    world.override = lambda request: reply(request, RUNNING if "jb" in request.path else DONE)
    with contextlib.redirect_stderr(terminal.stream):
        ended = hub.as_completed(jobs)
        assert next(ended) is jobs[0]
        print("mine, with no end of line", end="", file=terminal.stream, flush=True)
        world.override = lambda _: None
        world.state = DONE
        time.sleep(0.6)
        print(" until now", file=terminal.stream, flush=True)
        assert list(ended) == [jobs[1]]
    terminal.wait_for("2 of 2 jobs ended\n$")
    assert terminal.screen() == [
        '✅ SUCCESS compile job ja "net"',
        "mine, with no end of line until now",
        '✅ SUCCESS compile job jb "net"',
        "2 of 2 jobs ended",
    ]


def test_interrupting_a_wait_leaves_a_clean_line(world: JobHub, terminal: PtyTerminal) -> None:
    job = world.client(verbose=True).get_job("ja")
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        terminal.wait_for("OPTIMIZING_MODEL")
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with contextlib.redirect_stderr(terminal.stream), pytest.raises(KeyboardInterrupt):
        job.wait()
    thread.join()
    terminal.wait_for(r"\x1b\[2K$")
    assert terminal.screen() == []


ABANDONED = """
import sys, time
import qai_hub as hub
client = hub.Client(hub.ClientConfig("token", sys.argv[1], sys.argv[1], verbose=True))
ended = hub.as_completed([client.get_job("ja"), client.get_job("jb")])
next(ended)
import threading
threading.Thread(target=lambda: next(ended, None), daemon=True).start()
time.sleep(0.6)
"""


def test_a_program_that_ends_during_a_wait_leaves_a_clean_line(
    world: JobHub, terminal: PtyTerminal
) -> None:
    world.override = lambda request: reply(request, RUNNING if "jb" in request.path else DONE)
    done = subprocess.run(
        [sys.executable, "-c", ABANDONED, world.server.url],
        stderr=terminal.descriptor,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "OPTIMIZING_MODEL" in terminal.text
    assert terminal.screen() == ['✅ SUCCESS compile job ja "net"']


@pytest.mark.parametrize("name", ["NO_COLOR", "FORCE_COLOR"])
def test_colours_are_as_the_environment_says(
    world: JobHub, terminal: PtyTerminal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    world.state = DONE
    with contextlib.redirect_stderr(terminal.stream):
        world.client(verbose=True).get_job("ja").wait()
    terminal.wait_for("SUCCESS")
    assert ("\x1b[32m" in terminal.text) is (name == "FORCE_COLOR")


@pytest.mark.parametrize("columns", [100, 40])
def test_transfers_at_the_same_time_have_a_bar_each_and_a_sum(columns: int) -> None:
    with pty_terminal(columns) as terminal:
        with (
            contextlib.redirect_stderr(terminal.stream),
            show_transfer("upload", "a.onnx", 4_000_000, show=True) as first,
            show_transfer("download", "b.bin", 4_000_000, show=True) as second,
        ):
            first(1_000_000)
            second(3_000_000)
            terminal.wait_for("2 files.*50%")
            first(3_000_000)
            second(1_000_000)
        terminal.wait_for("Uploaded")
        text = re.sub(r"\x1b\[[\d;]*m", "", terminal.text)
        assert re.search(r"Uploading a.onnx.* 25%", text)
        assert re.search(r"Downloading b.bin.* 75%", text)
        assert ("1.0/4.0 MB" in text) is (columns == 100)
        assert re.fullmatch(
            r"Downloaded b.bin: 4.0 MB in 0:0\d \([\d.]+ [kM]B/s\)", render(text)[0]
        )
        assert render(text)[1].startswith("Uploaded a.onnx: 4.0 MB in 0:0")
        live = [line for line in re.split(r"[\r\n]", text) if "ing " in line or " files" in line]
        assert all(len(line) < columns for line in live)
