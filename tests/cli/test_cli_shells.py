"""Completion in the shells themselves, as somebody who presses the tabulator key sees it."""

import os
import pty
import re
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import COMMAND, make_environment, run_process

from qai_hub.client import ClientConfig, CompileJob
from qai_hub.config import save_config

SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        'eval "$(_QAI_HUB_COMPLETE=bash_source qai-hub)"',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -U compinit; compinit -u -D; eval "$(_QAI_HUB_COMPLETE=zsh_source qai-hub)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "_QAI_HUB_COMPLETE=fish_source qai-hub | source"),
}
# What is typed before the tabulator, and the arguments that the command gets then.
COMPLETED = {
    "dev": ["device"],
    "job li": ["job", "list"],
    "submit comp": ["submit", "compile"],
    "job list --sta": ["job", "list", "--state"],
    "job list --state runn": ["job", "list", "--state", "running"],
    "device show Samsung\\ Galaxy\\ S24\\ U": ["device", "show", "Samsung Galaxy S24 Ultra"],
    'check --device "Samsung Galaxy S24 U': ["check", "--device", "Samsung Galaxy S24 Ultra"],
    "list-devices --device RB3": ["list-devices", "--device", "RB3 Gen 2 (Proxy)"],
    "device list --attr vendor:sams": ["device", "list", "--attr", "vendor:samsung"],
    "list-devices --device-attr=vendor:sams": ["list-devices", "--device-attr=vendor:samsung"],
    "--profile coll": ["--profile", "colleague"],
    "job list --fields id,own": ["job", "list", "--fields", "id,owner"],
    "submit compile brok": ["submit", "compile", "broken.onnx"],
    "submit compile two\\ w": ["submit", "compile", "two words.onnx"],
    'submit compile "two w': ["submit", "compile", "two words.onnx"],
    "submit inference m --inputs sam": ["submit", "inference", "m", "--inputs", "samples"],
    "submit inference m --inputs=samples/zer": (
        ["submit", "inference", "m", "--inputs=samples/zero.npz"]
    ),
    "submit-link-job --models brok": ["submit-link-job", "--models", "broken.onnx"],
    "upload-model --model ./brok": ["upload-model", "--model", "./broken.onnx"],
    "model download m -o sam": ["model", "download", "m", "-o", "samples"],
    "users add x --token-file=brok": ["users", "add", "x", "--token-file=broken.onnx"],
    "serve --data-dir sam": ["serve", "--data-dir", "samples"],
    "check brok": ["check", "broken.onnx"],
}


class Shell:
    """A shell on a terminal, which has loaded the completion of the command.

    Its `qai-hub` completes; called otherwise, it prints its arguments.
    """

    def __init__(self, name: str, home: Path) -> None:
        command, setup = SHELLS[name]
        folder = home / "bin"
        folder.mkdir(exist_ok=True)
        script = (
            f'#!/bin/sh\n[ -n "$_QAI_HUB_COMPLETE" ] && exec {" ".join(COMMAND)} "$@"\n'
            "printf ARGS; printf '<%s>' \"$@\"; echo END\n"
        )
        (folder / "qai-hub").write_text(script)
        (folder / "qai-hub").chmod(0o755)
        environment = make_environment(home, PS1="$ ", COLUMNS="200", LC_ALL="C.UTF-8")
        environment["PATH"] = f"{folder}:{environment['PATH']}"
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(home)
            os.execvpe(command[0], command, environment)
        self._send(f"{setup}\nqai-hub ready\n")
        self._read_until("ARGS<ready>END")

    def complete(self, line: str) -> list[str]:
        """Types the beginning of a command, a tabulator and a line feed; returns the arguments."""
        self._send(f"qai-hub {line}\t\n")
        shown = self._read_until("END")
        assert "Traceback" not in shown
        return re.findall("<(.*?)>", shown[shown.index("ARGS") :])

    def show_choices(self, line: str) -> str:
        """Types the beginning of a command and two tabulators; returns what the shell shows."""
        self._send(f"qai-hub {line}\t\t")
        shown = self._read_until("-twin.onnx")
        # In fish, the first line feed takes what is selected, and the second runs the command.
        self._send("\n\n")
        self._read_until("END")
        return shown

    def close(self) -> None:
        os.close(self._terminal)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _send(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _read_until(self, text: str) -> str:
        shown, deadline = "", time.monotonic() + 30
        while text not in shown:
            assert time.monotonic() < deadline, f"{text!r} is not in {shown!r}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                shown += os.read(self._terminal, 4096).decode(errors="replace")
        return shown


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest, home: Path) -> Iterator[Shell]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    (home / "two words.onnx").touch()
    (home / "samples").mkdir(exist_ok=True)
    (home / "samples" / "zero.npz").touch()
    running = Shell(request.param, home)
    yield running
    running.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(("typed", "arguments"), COMPLETED.items(), ids=COMPLETED)
def test_what_is_completed(shell: Shell, typed: str, arguments: list[str]) -> None:
    # zsh takes the slash of a folder away again where nothing follows it.
    assert [each.rstrip("/") for each in shell.complete(typed)] == arguments


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_identifiers(shell: Shell, compiled: CompileJob) -> None:
    job_id, model_id = compiled.job_id, compiled.model.model_id
    assert shell.complete(f"-v job show {job_id[:-1]}") == ["-v", "job", "show", job_id]
    assert shell.complete(f"model show {model_id[:-1]}") == ["model", "show", model_id]
    assert shell.complete(f"submit profile {job_id[:-1]}") == ["submit", "profile", job_id]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("option", ["", "--name x ", "--clone=j "])
def test_files_and_identifiers_together(
    shell: Shell, home: Path, compiled: CompileJob, option: str
) -> None:
    model_id = compiled.model.model_id
    # A file that begins as the identifier does, up to its last letter.
    twin = home / f"{model_id[:-1]}-twin.onnx"
    twin.touch()
    try:
        shown = shell.show_choices(f"submit compile {option}{model_id[:-1]}")
    finally:
        twin.unlink()
    assert twin.name in shown
    assert model_id in shown


def complete(home: Path, *words: str) -> tuple[str, float]:
    """Returns what the command tells bash, and the seconds that it takes."""
    started = time.monotonic()
    told = run_process(
        home,
        _QAI_HUB_COMPLETE="bash_complete",
        COMP_WORDS="\n".join(["qai-hub", *words]),
        COMP_CWORD=str(len(words)),
    )
    assert (told.status, told.err) == (0, "")
    return told.out, time.monotonic() - started


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://192.0.2.1", None])
def test_a_server_that_does_not_answer(tmp_path: Path, url: str | None) -> None:
    if url is not None:
        save_config(ClientConfig("token", url, url), home=tmp_path)
    out, seconds = complete(tmp_path, "job", "show", "j")
    assert out.strip() == ""
    assert seconds < 20
    assert complete(tmp_path, "job", "sho")[0] == "plain,show\n"
