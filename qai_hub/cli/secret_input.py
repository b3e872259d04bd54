"""How the command takes secrets: from files, standard input and the environment, never shown."""

import os
import stat
import sys

from qai_hub.cli.common import CommandError

USERS_VARIABLE = "QAI_HUB_LOCAL_USERS"

User = tuple[str, str | None]
"""An address, and a token where one is given."""


def read_private(name: str) -> str:
    """Read a file that only its owner can read.

    Args:
        name: Path of the file; `-` for standard input.

    Returns:
        Its text.

    Raises:
        CommandError: Others can read or change it, or it is no text.
        OSError: It cannot be read.
    """
    try:
        if name == "-":
            return "" if sys.stdin is None else sys.stdin.read()
        with open(name, encoding="utf-8-sig") as file:  # noqa: PTH123 - the shell's /dev/fd as well
            # Of the file that is open: what the name leads to may change.
            about = os.fstat(file.fileno())
            if os.name == "posix" and stat.S_IMODE(about.st_mode) & 0o077:
                raise CommandError(
                    f"{name} holds secrets, and others can read or change it: chmod 600 {name}"
                )
            return file.read()
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is no text in UTF-8.") from error


def read_users(text: str) -> list[User]:
    """Read users as files name them.

    Args:
        text: One `EMAIL` or `EMAIL=TOKEN` a line; lines that begin with `#` are comments.

    Returns:
        The users, in order.

    Raises:
        ValueError: A line is none of that. It is not shown, as it may be a secret.
    """
    users = []
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        user = read_user(entry)
        if "@" not in user[0] or len(entry.split()) > 1:
            raise ValueError(f"entry {number} is neither EMAIL nor EMAIL=TOKEN")
        users.append(user)
    return users


def read_user(text: str) -> User:
    """Read a user named as `EMAIL` or `EMAIL=TOKEN`.

    Raises:
        ValueError: The token is empty.
    """
    email, equals, token = text.partition("=")
    if equals and not token:
        raise ValueError(f"the token of {email} is empty")
    return email, token or None


def users_of_the_environment() -> list[User]:
    """Read the users that the environment names, which no process started from here inherits.

    They stand as in files, with blanks or line ends between them.

    Raises:
        ValueError: An entry is no user.
    """
    return read_users("\n".join(os.environ.pop(USERS_VARIABLE, "").split()))
