"""`qai-hub completion`: prints the script by which a shell completes the command."""

import os
from pathlib import PurePath

import click
from click.shell_completion import ShellComplete

from qai_hub.cli.common import print_line
from qai_hub.cli.completion import (
    SpacedBashComplete,
    WholeWordFishComplete,
    WholeWordZshComplete,
)
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.slips import Choice

_SHELLS: dict[str, type[ShellComplete]] = {
    "bash": SpacedBashComplete,
    "zsh": WholeWordZshComplete,
    "fish": WholeWordFishComplete,
}


@click.command(
    cls=HubCommand,
    examples=[
        ("bash", "completion bash > ~/.local/share/bash-completion/completions/qai-hub"),
        ("zsh, in a folder of its $fpath", "completion zsh > ~/.zfunc/_qai-hub"),
        ("fish", "completion fish > ~/.config/fish/completions/qai-hub.fish"),
    ],
)
@click.argument("shell", required=False, type=Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, /, shell: str | None) -> None:
    """Print the script by which SHELL completes commands, options, identifiers and devices.

    Without SHELL, that of $SHELL. Write it where the shell looks for such scripts, in a folder that
    `mkdir -p` makes if it does not exist, and open a new terminal. zsh looks in the folders of
    $fpath: `fpath=(~/.zfunc $fpath)` before `compinit` in ~/.zshrc. For the running bash alone:
    `eval "$(qai-hub completion bash)"`.
    """
    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise click.UsageError(
            f"There is no completion for the shell {name!r} of $SHELL: name bash, zsh or fish.",
            context,
        )
    script = _SHELLS[name](context.find_root().command, {}, "qai-hub", "_QAI_HUB_COMPLETE").source()
    print_line(script.strip("\n"))
