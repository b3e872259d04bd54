"""The terminal recording of the README: what its commands print on a terminal, in a real run."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.page_blocks import blocks, commands_folder
from support.pty_terminal import pty_terminal

PAGE = "README.md"
# What is another in each run; and figures, whose last digits depend on the processor.
VARIES = {
    r"\b[jm][a-z0-9]{8}\b": "ID",
    r"127\.0\.0\.1:\d+": "HUB",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d": "TIME",
    r"\b\d+:\d\d\b": "DURATION",
    r" *-?\b\d+\.\d+": " NUMBER",
    # As many as are simulated in as much time as compiling took.
    r"\b\d+ samples?\b": "SAMPLES",
}


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of somebody who has started a hub as the README says."""
    home = tmp_path_factory.mktemp("newcomer")
    path = commands_folder(home / "bin", sys.executable)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QAI")}
    environment = kept | {"HOME": str(home), "PATH": f"{path}:{os.environ['PATH']}"}
    with subprocess.Popen(
        ["qai-hub", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        executable=path / "qai-hub",
    ) as hub:
        assert hub.stdout is not None
        assert any(line.startswith("Ctrl+C") for line in hub.stdout)
        yield environment
        hub.terminate()


def record(commands: list[str], environment: dict[str, str]) -> str:
    """What a terminal shows of commands and of what they print."""
    script = "".join(f"printf '%s\\n' {_quoted('$ ' + line)}\n{line}\n" for line in commands)
    with pty_terminal(columns=160, rows=60) as terminal:
        subprocess.run(
            ["bash", "-e", "-c", script],
            env=environment | {"TERM": "xterm"},
            stdin=terminal.descriptor,
            stdout=terminal.descriptor,
            stderr=terminal.descriptor,
            timeout=120,
            check=True,
        )
        terminal.stream.write("END")
        terminal.stream.flush()
        terminal.wait_for("END")
        return "\n".join(terminal.screen()[:-1]) + "\n"


def _quoted(line: str) -> str:
    return "'" + line.replace("'", "'\\''") + "'"


def without_what_varies(text: str) -> list[str]:
    for pattern, word in VARIES.items():
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text.splitlines()


def test_the_recording_is_what_a_terminal_shows(newcomer: dict[str, str]) -> None:
    (recording,) = blocks(PAGE, "console")
    commands = [line[2:] for line in recording.splitlines() if line.startswith("$ ")]
    assert len(commands) > 5
    shown = record(commands, newcomer)
    assert without_what_varies(shown) == without_what_varies(recording), shown
