"""In which form progress is shown."""

import logging
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO, TypeAlias

__all__ = ["VARIABLE", "Mode", "choose_mode", "is_notebook"]

Mode: TypeAlias = Literal["off", "plain", "rich", "notebook"]

VARIABLE = "QAI_HUB_PROGRESS"

_SETTINGS = ("auto", "plain", "rich", "off")
_DUMB_TERMINALS = frozenset({"dumb", "unknown"})

_logger = logging.getLogger("qai_hub")
_warned: set[str] = set()


def choose_mode(stream: TextIO | None, environ: Mapping[str, str]) -> Mode:
    """Chooses the form for a stream.

    Args:
        stream: Where progress is shown; None if there is nothing.
        environ: Environment variables. An invalid value of `QAI_HUB_PROGRESS` counts as `auto`, and
            a warning about it is logged once.

    Returns:
        The form.
    """
    setting = environ.get(VARIABLE, "").strip().lower() or "auto"
    if setting not in _SETTINGS:
        if setting not in _warned:
            _warned.add(setting)
            _logger.warning(
                "%s is %r: it must be %s. It counts as auto.",
                VARIABLE,
                environ[VARIABLE],
                ", ".join(_SETTINGS),
            )
        setting = "auto"
    if setting == "off" or stream is None:
        return "off"
    if setting == "plain":
        return "plain"
    if is_notebook(stream):
        return "notebook"
    if setting == "rich":
        return "rich"
    is_dumb = environ.get("TERM", "").lower() in _DUMB_TERMINALS
    return "rich" if _is_terminal(stream) and not is_dumb else "plain"


def is_notebook(stream: TextIO) -> bool:
    """Returns whether a stream is the output of a notebook's cell.

    Args:
        stream: The stream, which in a notebook may still be redirected to a file.

    Returns:
        Whether this process is a kernel of IPython, and the stream its own.
    """
    ipython: Any = sys.modules.get("IPython")
    if ipython is None or type(stream).__module__.partition(".")[0] != "ipykernel":
        return False
    shell = ipython.get_ipython()
    return "ZMQInteractiveShell" in [kind.__name__ for kind in type(shell).__mro__]


def _is_terminal(stream: TextIO) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False
