"""The command `qai-hub`: its version, its help, and `configure`."""

import io
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qai_hub import __version__
from qai_hub.cli.main import main
from qai_hub.config import OFFICIAL_URL, load_config

SECRET = "s3cr3t-token"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_version_also_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qai_hub", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"qai-hub {__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["configure", "--nonsense"], ["users"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("Usage: qai-hub")
    assert output.err.count("Usage") == 1


def test_a_token_is_saved_for_its_owner_alone_and_never_shown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["configure", "--api_token", SECRET]) == 0
    path = home / ".qai_hub" / "client.ini"
    output = capsys.readouterr()
    assert output.out == f"Saved to {path}.\n"
    assert SECRET not in output.out + output.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = load_config(home=home)
    assert (config.api_token, config.api_url, config.verbose) == (SECRET, OFFICIAL_URL, True)


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_profile_is_written_alone(home: Path, place: str) -> None:
    profile = ["--profile", "work"]
    command = ["configure", "--api-token", SECRET, "--api_url", "https://hub.example.com"]
    command += ["--no-verbose", "--default_project", "p1abcdef2"]
    assert main([*profile, *command] if place == "before" else [*command, *profile]) == 0
    config = load_config("work", home=home)
    assert (config.api_url, config.web_url) == ("https://hub.example.com",) * 2
    assert (config.verbose, config.default_project) == (False, "p1abcdef2")
    assert not (home / ".qai_hub" / "client.ini").exists()


def test_the_pages_may_be_elsewhere(home: Path) -> None:
    web = "https://web.example.com"
    main(["configure", "--api_token", SECRET, "--api_url", "https://a.b", "--web_url", web])
    assert load_config(home=home).web_url == web


def test_the_token_is_asked_for_on_a_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: SECRET)
    assert main(["configure"]) == 0
    assert load_config(home=home).api_token == SECRET


def test_the_token_may_come_from_standard_input(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"  {SECRET}\nand more"))
    assert main(["configure", "--api_token", "-", "--no-verbose", "--verbose"]) == 0
    assert load_config(home=home).api_token == SECRET
    assert load_config(home=home).verbose
    monkeypatch.setattr("sys.stdin", io.StringIO("\nlater"))
    assert main(["configure", "--api_token", "-"]) == 1
    output = capsys.readouterr()
    assert "has no token: nothing was saved." in output.err
    assert SECRET not in output.out + output.err
    assert load_config(home=home).api_token == SECRET


def test_what_is_replaced_is_kept_for_its_owner_alone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / ".qai_hub" / "client.ini"
    backup = home / ".qai_hub" / "client.ini.bak"
    main(["configure", "--api_token", "first"])
    before = path.read_bytes()
    path.chmod(0o644)
    # The same again replaces nothing, so it must not replace an earlier backup either.
    main(["configure", "--api_token", "first"])
    assert not backup.exists()
    assert capsys.readouterr().err == ""
    for _ in range(2):
        assert main(["configure", "--api_token", SECRET]) == 0
        assert backup.read_bytes() == before
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    output = capsys.readouterr()
    assert output.err == f"The configuration before is in {backup}.\n"
    assert output.out == f"Saved to {path}.\n" * 2
    assert load_config(home=home).api_token == SECRET


def test_a_token_that_is_given_as_an_argument_is_not_shown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["configure", SECRET]) == 2
    output = capsys.readouterr()
    assert "A token is given by --api_token." in output.err
    assert SECRET not in output.out + output.err
    assert not (home / ".qai_hub").exists()


def test_without_terminal_and_token_nothing_is_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(["configure"]) == 1
    assert "--api_token" in capsys.readouterr().err
    assert not (home / ".qai_hub").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--api_token", ""],
        ["--api_token", "a b"],
        ["--api_token", SECRET, "--api_url", "ftp://x"],
        ["--api_token", SECRET, "--profile", "../x"],
    ],
)
def test_what_cannot_be_saved_is_told_without_the_token(
    home: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["configure", *arguments]) == 1
    output = capsys.readouterr()
    assert output.err.startswith("qai-hub: ")
    assert SECRET not in output.err
    assert not (home / ".qai_hub").exists()


def test_an_interrupt_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", interrupt)
    assert main(["configure"]) == 130
