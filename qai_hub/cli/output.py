"""How the command speaks: results on stdout, everything else on stderr."""

import sys


def say(text: str) -> None:
    """Write a line to stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a line to stderr, at once."""
    sys.stderr.write(f"qai-hub: {text}\n")
    sys.stderr.flush()


class CommandError(Exception):
    """Ends the command with a message for its user, and exit status 1."""
