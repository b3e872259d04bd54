"""The help texts of the command, and the command lines on the pages."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from support.page_blocks import blocks, commands_folder

from qai_hub.cli.groups import Example, HubCommand, HubGroup, LazyGroup
from qai_hub.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "command-line.md"
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
SEPARATORS = {"|", "||", "&&", ";", "&"}


def walk(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for verb in command.list_commands(context):
            below = command.get_command(context, verb)
            assert below is not None
            yield from walk(below, f"{name} {verb}".strip())


COMMANDS = dict(walk(cli))
LEAVES = [name for name, command in COMMANDS.items() if not isinstance(command, click.Group)]


def test_lists_of_commands_have_whole_sentences() -> None:
    groups = {
        name: group
        for name, group in COMMANDS.items()
        if isinstance(group, HubGroup) and not isinstance(group, LazyGroup)
    }
    assert len(groups) > 5
    for name, group in groups.items():
        with click.Context(group, info_name=f"qai-hub {name}") as context:
            listed = " ".join(group.get_help(context).partition("Commands:")[2].split())
        for verb, command in group.commands.items():
            summary = command.get_short_help_str()
            assert summary.endswith(".")
            assert f"{verb} {summary}" in listed


def examples_of(command: click.Command) -> list[Example]:
    assert isinstance(command, HubCommand | HubGroup)
    return command.examples


def calls_in(line: str) -> Iterator[list[str]]:
    """The arguments of each call of the command in a line for a shell."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    call: list[str] = []
    skipped = False
    for word in [*words, ";"]:
        if word in SEPARATORS:
            if call[:1] == ["qai-hub"]:
                yield call[1:]
            call = []
        elif skipped or word in {"<", ">", ">>"}:
            skipped = not skipped
        else:
            call.append(word)


def parse(arguments: list[str]) -> None:
    """Parses a command line as the command does, and runs nothing."""
    command: click.Command = cli
    context = None
    name = "qai-hub"
    while True:
        context = command.make_context(name, list(arguments), parent=context)
        if not isinstance(command, click.Group):
            return
        rest = [*context._protected_args, *context.args]
        assert rest, f"{name} names no command"
        found, below, arguments = command.resolve_command(context, rest)
        assert found is not None
        assert below is not None
        name, command = found, below


def test_commands_and_their_options_have_help() -> None:
    for name, command in COMMANDS.items():
        assert (command.help or "").strip().endswith((".", "`")), name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert (parameter.help or "").endswith("."), (name, parameter.name)


def test_commands_have_examples_that_parse() -> None:
    for name in LEAVES:
        examples = examples_of(COMMANDS[name])
        assert examples, name
        for example in examples:
            calls = list(calls_in(f"qai-hub {example.command}"))
            assert any(" ".join(call).startswith(name) for call in calls), example
            for call in calls:
                parse(call)


def test_examples_of_groups_parse() -> None:
    for example in examples_of(cli):
        for call in calls_in(f"qai-hub {example.command}"):
            parse(call)


def test_an_example_that_does_not_parse_is_found() -> None:
    (call,) = calls_in("qai-hub job list --stat running > file")
    with pytest.raises(click.UsageError):
        parse(call)


def lines_of(page: Path) -> Iterator[str]:
    """The command lines in the code blocks of a page."""
    for block in re.findall(
        r"^```(?:sh|console)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        for line in block.splitlines():
            command = line.removeprefix("$ ").split("  # ")[0].split("   #")[0]
            inner = re.search(r"\$\((.*)\)$", command)
            command = inner[1] if inner else command
            # Not what the command itself says.
            if command.startswith("qai-hub "):
                yield command


def test_command_lines_of_pages_parse() -> None:
    lines = [(page.name, line) for page in PAGES for line in lines_of(page)]
    assert sum(name == PAGE.name for name, _ in lines) > 20
    for name, line in lines:
        for call in calls_in(line):
            try:
                parse(call)
            except click.UsageError as error:
                pytest.fail(f"{name}: {line}: {error}")
            except click.exceptions.Exit as error:
                assert error.exit_code == 0, line


def test_every_command_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    for name in LEAVES:
        shown = f"`{name}`" in text or all(f"`{word}`" in text for word in name.split())
        assert shown, name


# It asks for the token on a terminal.
INTERACTIVE = "qai-hub configure --profile service\n"


def test_the_page_runs_line_by_line(newcomer: dict[str, str]) -> None:
    folder = Path(newcomer["HOME"]) / ".qai_hub/local/examples"
    (folder / "token.txt").write_text("a-token-of-the-service\n")
    random = np.random.default_rng(0)
    for name in ("inputs.npz", "samples.npz"):
        np.savez(folder / name, x=random.normal(size=(1, 3, 48, 192)).astype(np.float32))
    page = "".join(blocks("docs/command-line.md", "sh"))
    assert page.count(INTERACTIVE) == 1
    script = page.replace(INTERACTIVE, "")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=newcomer,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^state +SUCCESS$", done.stdout, re.MULTILINE)
    assert re.search(r"^psnr +\w+ [\d.]+ dB$", done.stdout, re.MULTILINE)
    assert re.search(r"^j\w+: CPU of the hub's host .* ms an inference", done.stderr, re.MULTILINE)
    assert list((folder / "results").glob("*_outputs.h5"))
    assert (folder / "small.onnx").is_file()
    states = re.findall(r"^(\w+)@example.com\t(\w+)\t", done.stdout, re.MULTILINE)
    assert states == [("guest", "active"), ("colleague", "active")]
    completions = [".zfunc/_qai-hub", ".config/fish/completions/qai-hub.fish"]
    assert all((Path(newcomer["HOME"]) / each).read_text() for each in completions)


def test_what_a_start_shows(tmp_path: Path) -> None:
    (sample,) = blocks("docs/command-line.md", "console")
    # The link is for terminals alone.
    link = r"Its pages, for .*\n.*\n"
    sample, count = re.subn(link, "`qai-hub open` signs a browser in to its pages.\n", sample)
    assert count == 1
    command, *lines = sample.replace("http://127.0.0.1:8642", "URL").splitlines()
    path = commands_folder(tmp_path / "bin", sys.executable)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QAI")}
    with subprocess.Popen(
        [*shlex.split(command.removeprefix("$ ")), "--port", "0"],
        env=kept | {"HOME": str(tmp_path), "PATH": f"{path}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        executable=path / "qai-hub",
    ) as hub:
        assert hub.stdout is not None
        shown = [hub.stdout.readline().rstrip("\n") for _ in lines]
        hub.terminate()
    text = re.sub(r"http://127\.0\.0\.1:\d+", "URL", "\n".join(shown))
    text = text.replace(sys.executable, "/home/you/qai-hub/bin/python")
    assert text.replace(str(tmp_path), "/home/you").splitlines() == lines
