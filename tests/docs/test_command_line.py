"""The page of the command line shows the help that the command prints."""

from pathlib import Path

import pytest

from qai_hub.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def test_the_help_on_the_page_is_that_of_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert f"$ qai-hub --help\n{capsys.readouterr().out}```" in PAGE.read_text("utf-8")
