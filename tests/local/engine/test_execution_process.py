import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from support.execution_models import has_exited

from qai_hub.local.engine.attempt_log import AttemptLog
from qai_hub.local.engine.process import AttemptCancelled, StartedProgram, supervise


def run_supervised(
    folder: Path,
    *command: str,
    time_limit: float = 20,
    cancelled: threading.Event | None = None,
) -> int:
    with closing(AttemptLog(folder / "log")) as log:
        return supervise(
            StartedProgram(command, folder, {"PATH": os.environ["PATH"]}),
            log,
            time_limit=time_limit,
            cancelled=cancelled or threading.Event(),
        )


def run_shell(folder: Path, script: str, time_limit: float = 20) -> int:
    return run_supervised(folder, "/bin/sh", "-c", script, time_limit=time_limit)


def output(folder: Path) -> list[str]:
    lines = (folder / "log").read_text().splitlines()
    texts = [line.partition(" ")[2] for line in lines]
    return [text for text in texts if not text.startswith("Process ")]


def is_gone_soon(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while not has_exited(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return has_exited(pid)


def test_the_exit_status_and_the_output_come_back(tmp_path: Path) -> None:
    assert run_shell(tmp_path, "pwd; echo error >&2; exit 7") == 7
    assert output(tmp_path) == [str(tmp_path), "error"]


def test_a_signal_is_a_negative_status(tmp_path: Path) -> None:
    assert run_shell(tmp_path, "kill -SEGV $$") == -signal.SIGSEGV


def test_only_the_given_environment_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hidden")

    run_shell(tmp_path, "env")

    assert not any("hidden" in line or "API_TOKEN" in line for line in output(tmp_path))


def test_a_process_that_closes_its_output_is_still_waited_for(tmp_path: Path) -> None:
    assert run_shell(tmp_path, "exec >&- 2>&-; sleep 0.2; exit 3") == 3


def test_a_flood_of_output_does_not_block_the_process(tmp_path: Path) -> None:
    script = "import sys\nfor i in range(300000): print('line', i)\nsys.exit(4)"

    assert run_supervised(tmp_path, sys.executable, "-c", script) == 4
    assert output(tmp_path)[-1] == "line 299999"
    assert (tmp_path / "log").stat().st_size < 5 * 2**20


def test_the_whole_process_group_is_killed_when_the_time_is_over(tmp_path: Path) -> None:
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        run_shell(tmp_path, "sleep 60 & echo $!; trap '' TERM INT; sleep 60", time_limit=0.3)

    assert 0.3 <= time.monotonic() - started < 30
    assert is_gone_soon(int(output(tmp_path)[0]))


def test_a_process_that_floods_is_stopped_at_its_time_too(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        run_shell(tmp_path, "while :; do echo spam; done", time_limit=0.3)


def test_cancelling_ends_the_process_soon(tmp_path: Path) -> None:
    cancelled = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run_supervised, tmp_path, "/bin/sleep", "60", cancelled=cancelled)
        while not (tmp_path / "log").exists() or not (tmp_path / "log").read_text():
            time.sleep(0.01)
        cancelled.set()
        with pytest.raises(AttemptCancelled):
            future.result(timeout=30)

    (line,) = (tmp_path / "log").read_text().splitlines()
    assert has_exited(int(line.split()[2]))


def test_a_grandchild_that_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    started = time.monotonic()

    status = run_shell(tmp_path, "setsid sleep 20 & echo $!; exit 0")

    assert status == 0
    assert time.monotonic() - started < 15
    os.kill(int(output(tmp_path)[0]), signal.SIGKILL)


def test_standard_input_stays_open_and_empty(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        run_supervised(tmp_path, "/bin/cat", time_limit=0.2)

    assert output(tmp_path) == []


def open_files() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def children() -> set[str]:
    lists = Path("/proc/self/task").glob("*/children")
    return {pid for each in lists for pid in each.read_text().split()}


def test_nothing_is_left_open(tmp_path: Path) -> None:
    run_shell(tmp_path, "true")
    before = open_files(), children()

    for _ in range(5):
        run_shell(tmp_path, "echo text")
        with pytest.raises(TimeoutError):
            run_shell(tmp_path, "sleep 60", time_limit=0.05)

    assert (open_files(), children()) == before
