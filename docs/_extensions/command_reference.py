"""Completes what sphinx-click writes of a command: with its examples, without what all take."""

from typing import Any

import click
from sphinx.application import Sphinx

from qai_hub.cli.groups import HubCommand, HubGroup, make_common_options


def add_examples(app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    """Adds the examples of the help text after the options."""
    if isinstance(ctx.command, HubCommand | HubGroup) and ctx.command.examples:
        lines += [".. rubric:: Examples", "", ".. code-block:: sh", ""]
        for each in ctx.command.examples:
            lines += [f"   # {each.text}", f"   qai-hub {each.command}", ""]


def drop_common_options(app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    """Removes the options that every command takes, as its last ones."""
    if ctx.parent is None:
        return
    common = {name for option in make_common_options() for name in option.opts}
    starts = [index for index, line in enumerate(lines) if line.startswith(".. option::")]
    while starts and _names(lines[starts[-1]]) <= common:
        del lines[starts.pop() :]


def _names(line: str) -> set[str]:
    listed = line.removeprefix(".. option::").split(",")
    return {each.split()[0] for each in listed if each.split()}


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers with Sphinx, after sphinx-click."""
    app.setup_extension("sphinx_click")
    app.connect("sphinx-click-process-epilog", add_examples)
    app.connect("sphinx-click-process-options", drop_common_options)
    return {"parallel_read_safe": True}
