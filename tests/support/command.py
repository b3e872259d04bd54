"""The command `qai-hub`, in this process and in one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

COMMAND = [sys.executable, "-m", "qai_hub"]


class Outcome(NamedTuple):
    """How a command has ended, and what it has written."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run: TypeAlias = Callable[..., Outcome]


def make_environment(home: Path, **more: str) -> dict[str, str]:
    """Returns the environment of a user whose home is a folder of the test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("QAI") and name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}
    }
    return kept | {"HOME": str(home), "USERPROFILE": str(home), "TERM": "xterm"} | more


def run_process(
    home: Path, *arguments: str, stdin: str = "", shell_end: str = "", **more: str
) -> Outcome:
    """Runs the command in a process.

    Args:
        home: The user's home.
        arguments: Its arguments.
        stdin: Its standard input.
        shell_end: What a shell shall do with its streams, such as `>&-`.
        more: Variables of its environment.
    """
    command = [*COMMAND, *arguments]
    if shell_end:
        command = ["bash", "-c", f'set -o pipefail; "$@" {shell_end}', "bash", *command]
    done = subprocess.run(
        command,
        env=make_environment(home, **more),
        cwd=home,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
