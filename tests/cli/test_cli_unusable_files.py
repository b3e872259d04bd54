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
        [b"configure", b"--api_token", b"t", b"--profile", b"\xff"],
        [b"configure", b"--api_token", b"t", b"--profile", b"x" * 300],
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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([b"configure", b"--api_token", b"\xff"], "'--api_token' / '--api-token'"),
        ([b"configure", b"--api_token", b"t", b"--api_url", b"https://\xff"], "'--api_url'"),
        ([b"model", b"upload", b"net.onnx", b"--name", b"\xff\xfe"], "'--name'"),
        ([b"job", b"rename", b"jabcdefg1", b"\xff"], "'NAME'"),
        ([b"job", b"wait", b"jabcdefg1", b"\xff"], "'JOB...'"),
        ([b"job", b"share", b"jabcdefg1", b"--add", b"\xff@b.c"], "'--add'"),
        (
            [b"submit", b"compile", b"m", b"--input-specs", b"{'\\udcff': (1,)}"],
            "'--input-specs' / '--input_specs'",
        ),
        ([b"submit-compile-job", b"--model", b"m", b"--device", b"\xff"], "'--device'"),
        ([b"serve", b"--user", b"\xff@b.c"], "'--user'"),
    ],
)
def test_arguments_that_are_no_text_are_named_and_not_shown(
    tmp_path: Path, arguments: list[bytes], told: str
) -> None:
    status, out, err = run(tmp_path, *arguments)
    assert (status, out) == (2, "")
    assert f"qai-hub: Invalid value for {told}" in err
    assert err.endswith(": it is not UTF-8 text.\n")


def test_a_file_name_need_not_be_text(tmp_path: Path) -> None:
    status, _, err = run(tmp_path, "check", "--device", "d", os.fsencode(tmp_path) + b"/\xff.onnx")
    assert status == 1
    assert "There is no model at" in err


def make_places(folder: Path) -> dict[str, str]:
    """Makes what is no file, with a file of a close name beside each, and returns what each is."""
    for suffix in ("onnx", "npz", "h5"):
        os.mkfifo(folder / f"pipe.{suffix}")
        (folder / f"broken.{suffix}").symlink_to("nowhere")
        (folder / f"loop.{suffix}").symlink_to(f"loop.{suffix}")
        (folder / f"device.{suffix}").symlink_to("/dev/zero")
        for name in ("pipes", "broke", "loops", "devices"):
            (folder / f"{name}.{suffix}").write_text("a file")
    return {
        "pipe": "a pipe, not a file",
        "broken": "a link to 'nowhere', which does not exist",
        "loop": "a link that leads to itself",
        "device": "a device, not a file",
    }


@pytest.mark.parametrize("place", ["pipe", "broken", "loop", "device"])
@pytest.mark.parametrize(
    "words",
    [
        ["model", "upload", "onnx"],
        ["check", "--device", "d", "onnx"],
        ["upload-model", "--model", "onnx"],
        ["submit", "compile", "--device", "d", "onnx"],
        ["dataset", "upload", "npz"],
        ["dataset", "upload", "h5"],
    ],
    ids=" ".join,
)
def test_what_is_no_file_is_named(tmp_path: Path, words: list[str], place: str) -> None:
    told = make_places(tmp_path)[place]
    assert run(tmp_path, "configure", "--api_token", "t", "--api_url", "http://127.0.0.1:9")[0] == 0
    *command, suffix = words
    status, out, err = run(tmp_path, *command, str(tmp_path / f"{place}.{suffix}"))
    assert (status, out) == (1, "")
    assert err.endswith(f": it is {told}.\n")


@pytest.mark.parametrize(
    "words",
    [
        ["users", "add", "a@b.c", "--token-file", "TOKEN", "--data-dir", "DATA"],
        ["serve", "--port", "0", "--users-file", "TOKEN", "--data-dir", "DATA"],
    ],
)
def test_a_broken_link_to_secrets_is_named(tmp_path: Path, words: list[str]) -> None:
    token = tmp_path / "token"
    token.symlink_to("nowhere")
    places = {"TOKEN": str(token), "DATA": str(tmp_path / "data")}
    refused = run(tmp_path, *(places.get(word, word) for word in words))
    told = f"qai-hub: {token} is a link to 'nowhere', which does not exist.\n"
    assert refused == (1, "", told)


@pytest.mark.parametrize(
    ("words", "source", "told"),
    [
        (["configure", "--api_token", "-"], "/dev/zero", "api_token contains blanks or other"),
        (["users", "add", "a@b.c", "--token-file", "-"], "/dev/zero", "Standard input has more"),
        (["users", "add", "a@b.c", "--token-file", "-"], "/dev/urandom", "Standard input"),
    ],
)
def test_secrets_without_end_are_refused(
    tmp_path: Path, words: list[str], source: str, told: str
) -> None:
    more = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    status, out, err = run(tmp_path, *words, shell_end=f"<{source}", **more)
    assert (status, out) == (1, "")
    assert err.startswith(f"qai-hub: {told}")
    assert len(err) < 300


def test_input_specs_without_end_are_refused(tmp_path: Path) -> None:
    given = ["submit", "compile", "m", "--input-specs", "@/dev/zero"]
    status, out, err = run(tmp_path, *given)
    assert (status, out) == (2, "")
    assert "is not a dictionary of shapes" in err
    assert len(err) < 2000


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
