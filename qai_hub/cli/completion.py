"""Completion of identifiers and devices, from the server, and of files and profiles.

Nothing here may print or fail: it runs while somebody types. What the server does not answer in
time is not completed.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from qai_hub.cli.invocation import Invocation
from qai_hub.display.text import one_line

if TYPE_CHECKING:
    from qai_hub.client import Client

_SECONDS = 2.0
_MOST = 50
# Of the latest, those that begin as what is typed does are among these.
_SEARCHED = 1000
_QUOTES = ("'", '"')

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


class SpacedBashComplete(BashComplete):
    """Completion for bash whose values may have spaces and colons, as devices and attributes do."""

    name = "bash"
    source_template = r"""%(complete_func)s() {
    local IFS=$'\n' completion type value wants_files=
    local -a files

    # Without -r, `read` takes the backslashes away that keep a value together.
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) wants_files=1 ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
        %(complete_var)s=bash_complete $1)

    if [[ $wants_files ]]; then
        if (( ${#COMPREPLY[@]} )); then
            mapfile -t files < <(compgen -f -- "$2")
            COMPREPLY+=("${files[@]}")
            compopt -o filenames
        else
            # bash knows best how to complete files, but does so only if there is nothing else.
            compopt -o default
        fi
    fi
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Returns the complete arguments and the incomplete one, as the program would get them."""
        typed = os.environ["COMP_WORDS"].split("\n")[: int(os.environ["COMP_CWORD"]) + 1]
        words: list[str] = []
        follows_break = False
        for word in typed:
            # To bash, these signs are words of their own, unless they are quoted.
            is_break = bool(word) and not word.strip(":=")
            if words and (is_break or follows_break):
                words[-1] += word
            else:
                words.append(word)
            follows_break = is_break
        *before, last = words
        incomplete = "".join(split_arg_string(last)[-1:])
        self._is_quoted = last.startswith(_QUOTES)
        value = incomplete.partition("=")[2] if incomplete.startswith("--") else incomplete
        # bash replaces what follows the last colon.
        self._kept = 0 if self._is_quoted else value.rfind(":") + 1
        return split_arg_string("\n".join(before[1:])), incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Quotes a value, unless an open quotation mark does."""
        if item.type == "plain" and not self._is_quoted:
            quoted = re.sub(r"([^\w@%+=:,./-])", r"\\\1", item.value[self._kept :])
            return f"{item.type},{quoted}"
        return super().format_completion(item)


class _WholeWordComplete(ShellComplete):
    """Completion for shells to which `--option=value` is one word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Returns values with their option where it belongs to the word."""
        items = super().get_completions(args, incomplete)
        name, equals, _ = incomplete.partition("=")
        if not (equals and name.startswith("--")):
            return items
        return [CompletionItem(f"{name}={each.value}", each.type, each.help) for each in items]


class WholeWordZshComplete(_WholeWordComplete, ZshComplete):
    """Completion for zsh."""

    # Files come last: they complete what follows the option's sign, and the others the whole word.
    source_template = (
        ZshComplete.source_template.replace(
            "            _path_files -f\n", "            wants_files=1\n"
        )
        .replace(
            "-V unsorted -a completions\n    fi\n",
            """-V unsorted -a completions
    fi

    if [ -n "$wants_files" ]; then
        compset -P '--*='
        _path_files -f
    fi
""",
        )
        .replace("    local -a response\n", "    local -a response\n    local wants_files\n")
    )


class WholeWordFishComplete(_WholeWordComplete, FishComplete):
    """Completion for fish."""

    # Values may have commas.
    source_template = FishComplete.source_template.replace("split ", "split --max 1 ").replace(
        "            __fish_complete_path $metadata[2];\n",
        """            set -l option (string match --regex -- '^--[^=]+=' $metadata[2]);
            __fish_complete_path (string replace -- "$option" "" $metadata[2]) \\
                | string replace --regex -- '^' "$option";
""",
    )


for _shell in (SpacedBashComplete, WholeWordZshComplete, WholeWordFishComplete):
    add_completion_class(_shell)


def _from_server(
    list_items: Callable[["Client"], Iterator[CompletionItem]],
) -> Complete:
    def complete(
        ctx: click.Context,
        parameter: click.Parameter,
        incomplete: str,
    ) -> list[CompletionItem]:
        found: list[CompletionItem] = []

        def ask() -> None:
            try:
                client = ctx.ensure_object(Invocation).client
                client.set_verbose(False)
                start = incomplete.lower()
                found.extend(
                    item
                    for item in list_items(client)
                    if item.value.lower().startswith(start) and item.value.isprintable()
                )
            except Exception:  # noqa: BLE001 - whatever is wrong, typing goes on
                found.clear()

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(_SECONDS)
        return [] if asking.is_alive() else found[:_MOST]

    return complete


def _jobs(client: "Client") -> Iterator[CompletionItem]:
    for job in client.get_job_summaries(limit=_SEARCHED):
        yield CompletionItem(job.job_id, help=one_line(f"{job.name} {job.status.code}"))


def _models(client: "Client") -> Iterator[CompletionItem]:
    for model in client.get_models(limit=_SEARCHED):
        yield CompletionItem(model.model_id, help=one_line(model.name))


def _datasets(client: "Client") -> Iterator[CompletionItem]:
    for dataset in client.get_datasets(limit=_SEARCHED):
        yield CompletionItem(dataset.dataset_id, help=one_line(dataset.name))


def _devices(client: "Client") -> Iterator[CompletionItem]:
    for name in dict.fromkeys(device.name for device in client.get_devices()):
        yield CompletionItem(name)


def _attributes(client: "Client") -> Iterator[CompletionItem]:
    yield from map(CompletionItem, client.get_device_attributes())


def complete_files(
    ctx: click.Context,
    parameter: click.Parameter,
    incomplete: str,
) -> list[CompletionItem]:
    """Has the shell complete files."""
    return [CompletionItem(incomplete, type="file")]


def _or_files(complete: Complete) -> Complete:
    def complete_both(
        ctx: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        named = complete(ctx, parameter, incomplete)
        return [*named, *complete_files(ctx, parameter, incomplete)]

    return complete_both


complete_jobs = _from_server(_jobs)
_complete_model_ids = _from_server(_models)
complete_datasets = _from_server(_datasets)
complete_datasets_or_files = _or_files(complete_datasets)
complete_devices = _from_server(_devices)
complete_attributes = _from_server(_attributes)


def complete_models(
    ctx: click.Context,
    parameter: click.Parameter,
    incomplete: str,
) -> list[CompletionItem]:
    """Completes the identifiers of models, and those of jobs, which stand for their models."""
    complete = complete_jobs if incomplete.lower().startswith("j") else _complete_model_ids
    return complete(ctx, parameter, incomplete)


complete_models_or_files = _or_files(complete_models)


def complete_profiles(
    ctx: click.Context,
    parameter: click.Parameter,
    incomplete: str,
) -> list[CompletionItem]:
    """Completes the names of profiles, from the files."""
    folder = Path("~/.qai_hub").expanduser()
    names = sorted(path.stem for path in islice(folder.glob("*.ini"), _MOST))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
