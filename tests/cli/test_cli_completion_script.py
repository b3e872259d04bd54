"""The command `qai-hub completion`, in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qai_hub.cli.main import main

# In each shell, what completes `qai-hub ser`.
PRESS_TAB = {
    "bash": 'COMP_WORDS=(qai-hub ser) COMP_CWORD=1; _qai_hub_completion qai-hub; echo "$COMPREPLY"',
    "fish": "complete -C 'qai-hub ser'",
}


@pytest.mark.parametrize("shell", PRESS_TAB)
def test_the_script_completes_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    assert main(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    command = tmp_path / "qai-hub"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m qai_hub "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        [program, "-c", f"source {script}; {PRESS_TAB[shell]}"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[:1] == ["serve"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_without_an_argument_it_is_that_of_the_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    main(["completion", shell])
    script = capsys.readouterr().out
    assert f"_QAI_HUB_COMPLETE={shell}_complete" in script
    monkeypatch.setenv("SHELL", f"/usr/local/bin/{shell}")
    assert main(["completion"]) == 0
    assert capsys.readouterr().out == script


@pytest.mark.parametrize("value", ["", "/bin/tcsh"])
def test_another_shell_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("SHELL", value)
    assert main(["completion"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.endswith("name bash, zsh or fish.\n")
