"""How the command speaks: results on stdout, everything else on stderr."""

import errno
import os
import sys
from typing import TextIO


def say(text: str) -> None:
    """Write a line to stdout, at once."""
    _write(sys.stdout, text)


def note(text: str) -> None:
    """Write a line to stderr, at once, beside a result on stdout."""
    _write(sys.stderr, text)


def complain(text: str) -> None:
    """Write a line to stderr, at once."""
    _write(sys.stderr, f"qai-hub: {text}")


class CommandError(Exception):
    """Ends the command with a message for its user, and exit status 1."""


def _write(stream: TextIO | None, text: str) -> None:
    # There is no stream where the shell closed it, and not every stream can carry every sign.
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # The terminal is gone. Python would fail to flush what is left when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
