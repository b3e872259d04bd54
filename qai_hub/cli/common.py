"""What all commands share: messages, and input of secrets."""

import errno
import os
import shlex
import stat
import sys
from typing import TextIO

from qai_hub.display.text import for_logs


def print_line(text: str) -> None:
    """Write a line to stdout, unbuffered, without what steers a terminal or a CI runner."""
    print_styled(for_logs(text))


def print_styled(text: str) -> None:
    """Write a line to stdout, unbuffered, with the control sequences that it has."""
    _write(sys.stdout, text)


def print_info(text: str) -> None:
    """Write information to stderr, where stdout is for a result.

    It is lost if nobody can read it: the exit status still tells how the command has ended.
    """
    try:
        _write(sys.stderr, for_logs(text))
    except OSError:
        abandon_stream(sys.stderr)


def print_error(text: str) -> None:
    """Write an error to stderr, unbuffered."""
    print_info(f"qai-hub: {text}")


def abandon_stream(stream: TextIO) -> None:
    """Lets a stream that has failed lead nowhere: Python would fail to flush its buffer at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


# Characters of a file of secrets: standard input may never end.
_MOST_SECRETS = 10_000_000


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
        # The terminal is gone.
        abandon_stream(stream)


USERS_VARIABLE = "QAI_HUB_LOCAL_USERS"

User = tuple[str, str | None]
"""An email address, and a token if one is given."""


def read_secret_file(name: str) -> str:
    """Read a file of secrets, which only its owner may be able to read.

    Args:
        name: Path of the file; `-` for standard input.

    Returns:
        The text.

    Raises:
        CommandError: Others can read or change the file, or it is not UTF-8 text.
        OSError: The file cannot be read.
    """
    try:
        if name == "-":
            return "" if sys.stdin is None else _read_secrets("Standard input", sys.stdin)
        with open(name, encoding="utf-8-sig") as file:  # noqa: PTH123 - the shell's /dev/fd as well
            # Check the open file: the path may lead to another one by now.
            about = os.fstat(file.fileno())
            if os.name == "posix" and stat.S_IMODE(about.st_mode) & 0o077:
                raise CommandError(
                    f"{name} contains secrets, and others can read or change it: run `chmod 600 "
                    f"{shlex.quote(name)}`."
                )
            return _read_secrets(name, file)
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is not UTF-8 text.") from error


def _read_secrets(name: str, stream: TextIO) -> str:
    text = stream.read(_MOST_SECRETS + 1)
    if len(text) > _MOST_SECRETS:
        raise CommandError(f"{name} has more than {_MOST_SECRETS:,} characters.")
    if not is_unicode(text):
        raise CommandError(f"{name} is not UTF-8 text.")
    return text


def is_unicode(text: str) -> bool:
    """Returns whether a text from outside is one: Python keeps other bytes as lone surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def parse_users(text: str) -> list[User]:
    """Parse the content of a file of users.

    Args:
        text: One `EMAIL` or `EMAIL=TOKEN` per line; lines that start with `#` are comments.

    Returns:
        The users, in order.

    Raises:
        ValueError: A line is invalid. The message has its number only, as the line may be secret.
    """
    users = []
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        user = parse_user(entry)
        if "@" not in user[0] or len(entry.split()) > 1:
            raise ValueError(f"entry {number} is neither EMAIL nor EMAIL=TOKEN")
        users.append(user)
    return users


def parse_user(text: str) -> User:
    """Parse a user in the form `EMAIL` or `EMAIL=TOKEN`.

    Raises:
        ValueError: The token is empty.
    """
    email, equals, token = text.partition("=")
    if equals and not token:
        raise ValueError(f"the token of {email} is empty")
    return email, token or None


def users_from_environment() -> list[User]:
    """Read the users from the environment, and remove the variable so that no child inherits it.

    The entries have the same form as in files, and are separated by white space.

    Raises:
        ValueError: An entry is invalid.
    """
    return parse_users("\n".join(os.environ.pop(USERS_VARIABLE, "").split()))
