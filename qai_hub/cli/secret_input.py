"""Reading of secrets from files, standard input and the environment, without showing them."""

import os
import stat
import sys

from qai_hub.cli.common import CommandError

USERS_VARIABLE = "QAI_HUB_LOCAL_USERS"

User = tuple[str, str | None]
"""An email address, and a token if one is given."""


def read_private(name: str) -> str:
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
            return "" if sys.stdin is None else sys.stdin.read()
        with open(name, encoding="utf-8-sig") as file:  # noqa: PTH123 - the shell's /dev/fd as well
            # Check the open file: the path may lead to another one by now.
            about = os.fstat(file.fileno())
            if os.name == "posix" and stat.S_IMODE(about.st_mode) & 0o077:
                raise CommandError(
                    f"{name} holds secrets, and others can read or change it: chmod 600 {name}"
                )
            return file.read()
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is no text in UTF-8.") from error


def read_users(text: str) -> list[User]:
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
        user = read_user(entry)
        if "@" not in user[0] or len(entry.split()) > 1:
            raise ValueError(f"entry {number} is neither EMAIL nor EMAIL=TOKEN")
        users.append(user)
    return users


def read_user(text: str) -> User:
    """Parse a user in the form `EMAIL` or `EMAIL=TOKEN`.

    Raises:
        ValueError: The token is empty.
    """
    email, equals, token = text.partition("=")
    if equals and not token:
        raise ValueError(f"the token of {email} is empty")
    return email, token or None


def users_of_the_environment() -> list[User]:
    """Read the users from the environment, and remove the variable so that no child inherits it.

    The entries have the same form as in files, and are separated by white space.

    Raises:
        ValueError: An entry is invalid.
    """
    return read_users("\n".join(os.environ.pop(USERS_VARIABLE, "").split()))
