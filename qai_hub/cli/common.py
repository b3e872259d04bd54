"""Arguments and output that the subcommands share."""

import argparse
import errno
import os
import sys
from pathlib import Path
from typing import TextIO


def add_profile(parser: argparse.ArgumentParser, text: str) -> None:
    """Add `--profile`, which is accepted after the subcommand as well as before it."""
    parser.add_argument("--profile", metavar="NAME", default=argparse.SUPPRESS, help=text)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add `--data-dir`, the data folder of a local hub."""
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        type=Path,
        default=Path("~/.qai_hub/local"),
        help="folder for all data (%(default)s)",
    )


def say(text: str) -> None:
    """Write a line to stdout, unbuffered."""
    _write(sys.stdout, text)


def note(text: str) -> None:
    """Write a line of information to stderr, where stdout is for a result."""
    _write(sys.stderr, text)


def complain(text: str) -> None:
    """Write an error to stderr, unbuffered."""
    _write(sys.stderr, f"qai-hub: {text}")


class CommandError(Exception):
    """Ends the command with a message for the user and exit status 1."""


def _write(stream: TextIO | None, text: str) -> None:
    # The shell may have closed the stream, and its encoding may not support every character.
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # The terminal is gone, and Python would fail to flush the buffer at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
