"""`qai-hub engine`: lists, installs and removes the engines of local hubs on this machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from qai_hub.cli.common import CommandError, print_info
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import Field, output_options, print_record, print_rows, size_field
from qai_hub.closest import did_you_mean

if TYPE_CHECKING:
    from qai_hub.local.engines.catalog import Engine
    from qai_hub.local.engines.places import Installation


@dataclass(frozen=True)
class _Found:
    """An engine, and what is installed of it."""

    engine: "Engine"
    state: str
    installation: "Installation | None"
    fault: str


ENGINE_FIELDS = (
    Field("name", lambda each: each.engine.name, keep_whole=True),
    Field("state", lambda each: each.state, keep_whole=True),
    Field("description", lambda each: each.engine.description, spare=1),
    size_field("size", lambda each: each.installation.size if each.installation else None, spare=2),
    Field("python", lambda each: each.installation and each.installation.python, spare=3),
    Field(
        "packages",
        lambda each: dict(
            each.installation.packages if each.installation else each.engine.packages
        ),
        in_table=False,
    ),
    Field(
        "folder",
        lambda each: each.installation and str(each.installation.folder),
        in_table=False,
    ),
    Field("fault", lambda each: each.fault or None, in_table=False),
)


def _complete_engines(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from qai_hub.local.engines.catalog import ENGINES

    return [name for name in ENGINES if name.startswith(incomplete)]


_names = click.argument(
    "names", metavar="NAME...", nargs=-1, required=True, shell_complete=_complete_engines
)


@click.group(cls=HubGroup)
def engine() -> None:
    """Install what jobs of a local hub need beside its own packages.

    Engines are in the folder that QAI_HUB_ENGINES_DIR names, or else in the user's cache.
    """


@engine.command(
    "list",
    examples=[
        ("Engines, and which are installed", "engine list"),
        ("With the versions of their packages, for a script", "engine list --json"),
    ],
)
@output_options(ENGINE_FIELDS)
@click.pass_obj
def list_engines(invocation: Invocation) -> None:
    """List the engines.

    Each is installed, not installed, outdated (made for another release of this package), broken
    (its Python is gone, or closed to this user, for instance), or not for this machine. Sizes are
    in bytes.
    """
    from qai_hub.local.engines.catalog import ENGINES

    found = [_examine(each) for each in ENGINES.values()]
    print_rows(invocation, found, ENGINE_FIELDS)
    if not invocation.is_quiet:
        for each in found:
            if each.fault:
                command = f"`{each.engine.install_command}`"
                print_info(f"{each.engine.name} is {each.state}, as {each.fault}: run {command}.")


@engine.command(
    examples=[
        ("Have a hub compile for TensorFlow Lite", "engine install tflite"),
        ("Have it use an older QAIRT", "engine install qnn-2.50"),
    ]
)
@_names
@output_options(ENGINE_FIELDS)
@click.pass_obj
def install(invocation: Invocation, names: tuple[str, ...]) -> None:
    """Install engines, or bring them up to date.

    Packages come from where uv or pip of this machine get theirs. What is installed already is left
    as it is. A running hub uses an engine at once; workers of a team's hub have to be restarted.
    """
    _require_posix()
    from qai_hub.local.engines.install import EngineError
    from qai_hub.local.engines.install import install as install_engine
    from qai_hub.local.engines.places import State

    for each in _find(names):

        def tell(text: str, name: str = each.name) -> None:
            if not invocation.is_quiet:
                print_info(f"{name}: {text}")

        with _as_command_error(EngineError):
            made = install_engine(each, tell)
        # Another process may have removed it since.
        tell(f"It is installed in {made.folder}.")
        if invocation.prints_rows:
            print_record(invocation, _Found(each, str(State.INSTALLED), made, ""), ENGINE_FIELDS)


@engine.command(examples=[("Free the space of an engine", "engine remove qnn-2.47")])
@_names
def remove(names: tuple[str, ...]) -> None:
    """Remove engines.

    Jobs that run now keep the files that they use: these are deleted when an engine of the same
    name is installed or removed the next time.
    """
    _require_posix()
    from qai_hub.local.engines.install import remove as remove_engine

    for each in _find(names):
        removed = remove_engine(each)
        if removed.is_in_use:
            print_info(f"{each.name} is removed, but for files that running jobs use.")
        elif removed.was_there:
            print_info(f"{each.name} is removed.")
        else:
            print_info(f"{each.name} was not installed.")


def _find(names: tuple[str, ...]) -> "list[Engine]":
    from qai_hub.local.engines.catalog import ENGINES

    for name in names:
        if name not in ENGINES:
            raise click.UsageError(
                f"There is no engine {name!r}.{did_you_mean(name, ENGINES)} The engines are "
                f"{', '.join(ENGINES)}."
            )
    return [ENGINES[name] for name in dict.fromkeys(names)]


def _examine(engine: "Engine") -> _Found:
    from qai_hub.local.engines.places import describe_fault, examine

    state, installation = examine(engine)
    return _Found(engine, str(state), installation, describe_fault(engine))


def _require_posix() -> None:
    if sys.platform == "win32":
        raise CommandError("Engines are for local hubs, whose jobs need a POSIX system.")


@contextmanager
def _as_command_error(kind: type[Exception]) -> Iterator[None]:
    """Ends the command with the text of an error, and its notes."""
    try:
        yield
    except kind as error:
        failure = CommandError(str(error))
        for note in getattr(error, "__notes__", ()):
            failure.add_note(note)
        raise failure from error
