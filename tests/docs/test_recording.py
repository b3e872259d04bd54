"""The terminal recording of the README: what its commands print on a terminal, in a real run."""

import re
import subprocess

from support.page_blocks import blocks
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
