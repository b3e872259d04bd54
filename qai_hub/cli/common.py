"""What all commands share: how they read arguments and print results."""

import argparse
import errno
import os
import sys
from pathlib import Path
from typing import TextIO


def add_profile(parser: argparse.ArgumentParser, text: str) -> None:
    """Take `--profile` after the command as well as before it."""
    parser.add_argument("--profile", metavar="NAME", default=argparse.SUPPRESS, help=text)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Take the data folder of a local hub."""
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        type=Path,
        default=Path("~/.qai_hub/local"),
        help="folder for all data (%(default)s)",
    )


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
