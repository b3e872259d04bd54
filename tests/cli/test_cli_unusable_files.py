"""The command where streams are closed, terminals give up and folders are no folders."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "qai_hub"]


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QAI")}
    return kept | {"HOME": str(home)} | more


def run(
    home: Path, *arguments: str | bytes, shell_end: str = "", **more: str
) -> tuple[int, str, str]:
    command: list[str | bytes] = [*COMMAND, *arguments]
    if shell_end:
        command = ["sh", "-c", f'"$@" {shell_end}', "sh", *command]
    done = subprocess.run(
        command,
        env=environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode()


@pytest.mark.parametrize("shell_end", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams(tmp_path: Path, shell_end: str) -> None:
    status, _, said = run(tmp_path, "configure", "--api_token", "t", shell_end=shell_end)
    assert (status, said) == (0, "")
    assert (tmp_path / ".qai_hub" / "client.ini").exists()
    status, _, said = run(tmp_path, "configure", "--api_token", "two words", shell_end=shell_end)
    assert status == 1
    assert "Traceback" not in said


def test_a_path_that_stdout_cannot_carry(tmp_path: Path) -> None:
    home = tmp_path / "hömé"
    home.mkdir()
    arguments = ("configure", "--api_token", "t")
    status, out, err = run(home, *arguments, PYTHONIOENCODING="ascii:strict")
    assert (status, err) == (0, "")
    assert "h\\xf6m\\xe9" in out


@pytest.mark.parametrize(
    "arguments",
    [
        [b"configure", b"--api_token", b"\xff"],
        [b"configure", b"--api_token", b"t", b"--profile", b"\xff"],
        [b"configure", b"--api_token", b"t", b"--profile", b"x" * 300],
        [b"configure", b"--api_token", b"t", b"--api_url", b"https://\xff"],
        [b"configure", b"--api_token", b"t", b"--api_url", b"http://h:99999"],
        [b"configure"],
        [b"serve", b"--port", b"0", b"--data-dir", b"/dev/null"],
        [b"serve", b"--port", b"0", b"--host", b"256.256.256.256"],
        [b"serve", b"--port", b"0", b"--host", b"192.0.2.1"],
        [b"serve", b"--port", b"0", b"--profile", b"\xff"],
    ],
)
def test_arguments_that_cannot_work_are_told_in_one_line(
    tmp_path: Path, arguments: list[bytes]
) -> None:
    status, out, err = run(tmp_path, *arguments)
    assert (status, out) == (1, "")
    assert err.startswith("qai-hub: ")
    assert len(err.splitlines()) == 1
    assert "Errno" not in err


def test_a_home_that_cannot_hold_a_configuration(tmp_path: Path) -> None:
    (tmp_path / ".qai_hub").write_text("a file")
    status, _, err = run(tmp_path, "configure", "--api_token", "t")
    assert (status, len(err.splitlines())) == (1, 1)
    assert "Not a directory" in err


def answer(terminal: int, keys: bytes) -> bytes:
    """Read what a program shows; Ctrl+C is typed again where nothing comes of it.

    Python does not hear a signal that comes between its last look and the read that it waits in.
    """
    while not select.select([terminal], [], [], 5)[0]:
        if keys == b"\x03":
            os.write(terminal, keys)
    return os.read(terminal, 1000)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("keys", "status", "told"),
    [
        (b"\x04", 1, "No token was entered"),
        (b"\x03", 130, ""),
        (b"\n", 1, "api_token is missing"),
        (b"s3cret\n", 0, "Saved to"),
    ],
    ids=["ctrl-d", "ctrl-c", "nothing", "token"],
)
def test_what_is_typed_at_the_prompt(tmp_path: Path, keys: bytes, status: int, told: str) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*COMMAND, "configure"], environment(tmp_path))
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(terminal, 1000)
    # The prompt comes after the echo is off.
    os.write(terminal, keys)
    try:
        while block := answer(terminal, keys):
            shown += block
    except OSError:
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
    assert told in shown.decode()
    assert "Traceback" not in shown.decode()
    assert "s3cret" not in shown.decode()
