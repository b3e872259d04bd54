"""Ctrl+C and closed pipes, however early they come."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.command import COMMAND, make_environment, run_process

# A module that is slow to load, as click is on a slow disk; it says when it has begun.
SLOW_CLICK = """
import os, time
os.write(2, b"loading")
time.sleep(60)
"""
ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MODULE, _, FUNCTION = PROJECT["scripts"]["qai-hub"].partition(":")
SCRIPT = f"import sys; from {MODULE} import {FUNCTION}; sys.exit({FUNCTION}())"
ENTRIES = {"module": COMMAND, "script": [sys.executable, "-c", SCRIPT]}


@pytest.mark.skipif(os.name != "posix", reason="there is no such signal")
@pytest.mark.parametrize("entry", ENTRIES)
def test_ctrl_c_while_the_command_is_loaded(entry: str, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(SLOW_CLICK)
    process = subprocess.Popen(
        [*ENTRIES[entry], "--version"],
        env=make_environment(tmp_path, PYTHONPATH=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stderr is not None
        assert process.stderr.read(7) == b"loading"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.skipif(os.name != "posix", reason="there is no such signal")
def test_a_background_job_goes_on_ignoring_ctrl_c(tmp_path: Path) -> None:
    command = "trap '' INT; \"$@\" --version & child=$!; kill -INT $child; wait $child"
    done = subprocess.run(
        ["bash", "-c", command, "bash", *COMMAND],
        env=make_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("qai-hub ")


@pytest.mark.skipif(os.name != "posix", reason="there are no such shells")
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["job", "--help"], []])
def test_a_pipe_that_is_closed_at_once(arguments: list[str], tmp_path: Path) -> None:
    outcome = run_process(tmp_path, *arguments, shell_end="| true")
    assert outcome.err == ""
    assert outcome.status in (0, 141)
