"""The command `qai-hub users`, and how `serve` is told of users without showing their tokens."""

import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hub_http import Api
from support.polling import wait_until
from support.pty_terminal import pty_terminal

from qai_hub.cli.common import USERS_VARIABLE, parse_users, users_from_environment
from qai_hub.cli.main import main
from qai_hub.local import LocalHub

ADA, BOB = "ada@example.com", "bob@example.com"
SECRET = "s3cr3t-token"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with LocalHub(tmp_path / "data", users={ADA: "a"}):
        return tmp_path / "data"


@pytest.fixture
def command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["users", *arguments, "--data-dir", str(folder)])
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


Command = Callable[..., tuple[int, str, str]]


def private(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_token_is_printed_once_and_alone_on_stdout(command: Command, folder: Path) -> None:
    status, out, errors = command("add", " Bob@Example.com")
    assert (status, out.count("\n")) == (0, 1)
    token = out.strip()
    assert errors == (
        f"{BOB} has access until it is revoked by"
        f" `qai-hub users revoke {BOB} --data-dir {folder}`.\n"
    )
    status, out, errors = command("renew", BOB)
    renewed = out.strip()
    assert (status, errors) == (0, f"{BOB} has access with the new token only.\n")
    with LocalHub(folder, users={ADA: None}) as hub:
        assert not hub.is_token_of(token, BOB)
        assert hub.is_token_of(renewed, BOB)
    status, out, errors = command("revoke", BOB)
    assert (status, out) == (0, "")
    assert errors.startswith(f"{BOB} has no access any more.")
    assert command("list") == (
        0,
        f"{ADA}\tactive\tstart\t1\t0\t0\t\t0\t\t\n{BOB}\tinactive\tadded\t0\t0\t0\t\t0\t\t\n",
        "",
    )


def test_a_token_that_is_given_is_not_printed(
    command: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = private(tmp_path / "token", f"{SECRET}\n")
    status, out, errors = command("add", BOB, "--token-file", file)
    assert (status, out) == (0, "")
    assert SECRET not in errors
    monkeypatch.setattr(sys, "stdin", io.StringIO("another\n"))
    assert command("renew", ADA, "--token-file", "-")[:2] == (0, "")
    with LocalHub(folder, users={ADA: None}) as hub:
        assert hub.is_token_of(SECRET, BOB)
        assert hub.is_token_of("another", ADA)
        assert not hub.is_token_of("a", ADA)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", ADA], "is already a user"),
        (["add", "ada"], "'ada' is not an e-mail address"),
        (["add", f"{BOB}={SECRET}"], f"'{BOB}=…' is not an e-mail address"),
        (["renew", BOB], "not a user of this hub (its users: ada@example.com)"),
        (["revoke", BOB], "not a user of this hub (its users: ada@example.com)"),
        (["add", BOB, "--token-file", "no such file"], "No such file"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    command: Command, arguments: list[str], told: str
) -> None:
    status, out, errors = command(*arguments)
    assert (status, out, errors.count("\n")) == (1, "", 1)
    assert told in errors
    assert SECRET not in errors
    assert errors.endswith(".\n")


@pytest.mark.parametrize("text", ["", " \n", "two words", "tök"])
def test_tokens_that_cannot_be_are_refused(command: Command, tmp_path: Path, text: str) -> None:
    status, out, errors = command("add", BOB, "--token-file", private(tmp_path / "t", text))
    assert (status, out) == (1, "")
    assert "printable ASCII" in errors


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_files_that_others_can_get_at_are_refused(
    command: Command, tmp_path: Path, mode: int
) -> None:
    status, _, errors = command("add", BOB, "--token-file", private(tmp_path / "t", SECRET, mode))
    assert status == 1
    assert "chmod 600" in errors
    assert SECRET not in errors


@pytest.mark.parametrize("verb", ["add", "renew"])
def test_a_token_is_no_argument(command: Command, verb: str) -> None:
    status, out, errors = command(verb, BOB, SECRET)
    assert (status, out) == (2, "")
    assert "A token is given by --token-file." in errors
    assert SECRET not in errors


def test_users_are_listed_in_all_formats(command: Command) -> None:
    assert command("list", "-q")[1] == f"{ADA}\n"
    assert json.loads(command("list", "--format", "json")[1]) == [
        {
            "email": ADA,
            "state": "active",
            "origin": "start",
            "tokens": 1,
            "priority": 0,
            "queued": 0,
            "max_queued_jobs": None,
            "stored": 0,
            "max_storage": None,
            "max_creations": None,
        }
    ]
    assert command("list", "--fields", "tokens,email")[1] == f"1\t{ADA}\n"


@pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")
def test_limits_fit_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    limit = ["--max-storage", "3", "--max-queued-jobs", "9"]
    assert main(["users", "limit", ADA, *limit, "--data-dir", str(folder)]) == 0
    with pty_terminal(80) as terminal:
        monkeypatch.setattr("sys.stdout", terminal.stream)
        assert main(["users", "list", "--data-dir", str(folder)]) == 0
        terminal.wait_for(ADA)
        header, row = terminal.screen()
    assert header.count("MAX ") > 1
    assert row.startswith(f"{ADA}  active  ")
    assert row.split()[-5:] == ["9", "0", "B", "3", "GiB"]


def test_without_a_folder_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with LocalHub(tmp_path / ".qai_hub/local", users={ADA: "a"}):
        pass
    assert main(["users", "add", BOB]) == 0
    assert capsys.readouterr().err == f"{BOB} has access until it is revoked.\n"


def test_users_have_a_priority(command: Command) -> None:
    status, out, errors = command("prioritize", ADA, "-1")
    assert (status, out) == (0, "")
    assert f"The jobs of {ADA} have priority -1 from now on." in errors
    assert command("list", "--fields", "priority")[1] == "-1\n"
    assert command("prioritize", ADA, "9999999999")[0] == 1
    assert command("prioritize", ADA, "high")[0] == 2
    assert "is not a user of this hub" in command("prioritize", BOB, "1")[2]
    assert command("list", "--fields", "priority")[1] == "-1\n"


def test_other_folders_are_left_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hub.db").write_bytes(b"mine")
    for place in (tmp_path, tmp_path / "missing"):
        assert main(["users", "list", "--data-dir", str(place)]) == 1
        assert "is not a hub's data folder" in capsys.readouterr().err
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.parametrize("verb", [["list"], ["add", BOB], ["renew", BOB], ["revoke", BOB]])
@pytest.mark.parametrize("version", ["3", "three"])
def test_a_database_of_something_else_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: list[str], version: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.db")) as db:
        db.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE settings (name, value);"
            f"INSERT INTO settings VALUES ('schema_version', '{version}')"
        )
    before = (tmp_path / "hub.db").read_bytes()
    assert main(["users", *verb, "--data-dir", str(tmp_path)]) == 1
    assert "is not a hub's data folder" in capsys.readouterr().err
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


EMAIL = st.from_regex(r"[a-z.]{1,9}@[a-z]{1,9}", fullmatch=True)
TOKEN = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
USERS = st.lists(st.tuples(EMAIL, TOKEN))


@given(USERS, st.sampled_from(["\n", "\r\n", " \n\t", "\n# a comment, x@y=z\n\n", "\n  #\n "]))
def test_users_are_read_as_they_were_written(
    users: list[tuple[str, str | None]], between: str
) -> None:
    words = [email if token is None else f"{email}={token}" for email, token in users]
    assert parse_users(between.join(words)) == users


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a@b=", "the token of a@b is empty"),
        ("a@b\na@b=two s@crets", "entry 2 is neither"),
        ("s3cr3t", "entry 1 is neither"),
        ("ada=s3cr3t", "entry 1 is neither"),
        ("a@b=s3cr3t # Ada", "entry 1 is neither"),
    ],
)
def test_what_is_no_user_is_refused_and_not_shown(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse_users(text)
    assert "cret" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_the_environment_names_users_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USERS_VARIABLE, f"{ADA}={SECRET}\n{BOB} eve@example.com")
    assert users_from_environment() == [
        (ADA, SECRET),
        (BOB, None),
        ("eve@example.com", None),
    ]
    # Neither this process nor one that it starts has it any more.
    code = "import os; print(sorted(os.environ))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert USERS_VARIABLE not in done.stdout + str(dict(os.environ))
    assert users_from_environment() == []


def test_a_user_is_limited(command: Command, folder: Path) -> None:
    shown = ("list", "--fields", "max_queued_jobs,max_storage,max_creations")
    status, out, errors = command("limit", ADA, "--max-storage", "1", "--max-queued-jobs", "7")
    assert (status, out) == (0, "")
    assert errors == f"The limits of {ADA} apply within a second.\n"
    assert command(*shown)[1] == f"7\t{1 << 30}\t\n"
    # Others stay as they are, and one goes back to that of all users.
    command("limit", ADA, "--max-creations", "60", "--max-storage", "default")
    assert command(*shown)[1] == "7\t\t60\n"
    assert "Name a limit" in command("limit", ADA)[2]
    assert command("limit", ADA, "--max-storage", "0")[0] == 2
    assert "'much' is not a whole number" in command("limit", ADA, "--max-creations", "much")[2]
    assert "is not a user of this hub" in command("limit", BOB, "--max-creations", "1")[2]
    with LocalHub(folder, users=[ADA]) as hub:
        api = Api(hub, ADA)
        command("limit", ADA, "--max-creations", "1")
        wait_until(lambda: api.http.post("datasets/", json={}).status_code == 429)
        api.close()
