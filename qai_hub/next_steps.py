"""What messages tell people to do next, in the words of the surface that they use.

A fault is described once, for scripts and for the command line. Only what to call differs:
`get_devices()` in Python is `qai-hub device list` in a shell.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Step", "command_line"]

_is_command_line = False


@dataclass(frozen=True)
class Step:
    """Something to do next, as a part of a sentence; its text is that of the surface in use.

    Args:
        python: What to write in a script.
        command: What to write on the command line.
    """

    python: str
    command: str

    def __str__(self) -> str:
        return self.command if _is_command_line else self.python

    def for_both(self) -> str:
        """Returns the words of both surfaces, for a server that does not know which one asks."""
        return f"{self.python}, or {self.command} on the command line,"


@contextlib.contextmanager
def command_line() -> Iterator[None]:
    """Makes the messages of this process, for a block, name commands in place of functions.

    This is the same for all threads, since the command's own may raise errors in any of them.

    Yields:
        Nothing.
    """
    global _is_command_line  # noqa: PLW0603 - a process runs either the command or a script
    before, _is_command_line = _is_command_line, True
    try:
        yield
    finally:
        _is_command_line = before
