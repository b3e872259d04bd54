"""Workflow commands of GitHub Actions, with the escaping that GitHub documents."""

from collections.abc import Mapping

__all__ = ["is_github_actions", "workflow_command"]

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def is_github_actions(environ: Mapping[str, str]) -> bool:
    """Returns whether this process runs in a workflow of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def workflow_command(name: str, message: str = "", *, title: str = "") -> str:
    """Formats a command that the runner reads in the log.

    Args:
        name: Name of the command, such as `error`.
        message: Its message.
        title: Its property `title`, if it has one.

    Returns:
        The command, as one line.
    """
    properties = f" title={title.translate(_PROPERTY)}" if title else ""
    return f"::{name}{properties}::{message.translate(_DATA)}"
