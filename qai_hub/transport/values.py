"""Values of generated models, as the facade holds them.

A service may tell less than the contract says, or something odd. That costs no more than the value.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
from qai_hub_api.types import Unset

from qai_hub.errors import InternalError

__all__ = ["next_cursor"]


T = TypeVar("T")

# What stands for a time that the service does not tell, where scripts expect one.
_NEVER = datetime.fromtimestamp(0)  # noqa: DTZ006 - naive and local, as all of them
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def known(value: T | Unset) -> T | None:
    """A field's value, or None if the server did not send it."""
    return None if isinstance(value, Unset) else value


def listed(items: list[T] | Unset, what: str) -> list[T]:
    """The members of a list.

    Args:
        items: The list.
        what: What it is, such as `"a list of models"`.

    Returns:
        The members.

    Raises:
        InternalError: If the server sent none: the answer is another one.
    """
    if isinstance(items, Unset):
        raise not_understood(what)
    return items


def not_understood(what: str) -> InternalError:
    """The error of a success that is not what was asked for."""
    return InternalError(
        f"The service answered something that is not understood where {what} was expected.",
        status_code=200,
    )


def identified(identifier: str | Unset) -> str:
    """An identifier, or nothing if the server sent something that cannot be one.

    It becomes a part of addresses and of names of files: `..` would lead elsewhere.
    """
    if isinstance(identifier, Unset):
        return ""
    # The usual ones, in a third of the time.
    if identifier.isalnum() and identifier.isascii() and len(identifier) <= 64:
        return identifier
    return identifier if _IDENTIFIER.fullmatch(identifier) else ""


def id_of_made(identifier: str) -> str:
    """The identifier of something that was just made.

    Raises:
        InternalError: If the server sent something that cannot be one.
    """
    if not identified(identifier):
        error = not_understood("the identifier of what it made")
        raise InternalError(f"{error} It may have made it all the same.", status_code=200)
    return identifier


def utc(moment: datetime | Unset) -> datetime | None:
    """A moment as an aware UTC datetime, or None if the server did not send one."""
    if isinstance(moment, Unset):
        return None
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        return None


def local(moment: datetime | Unset) -> datetime:
    """A moment as a naive local datetime, which scripts compare with `datetime.now()`.

    It is the first one of 1970 if the server did not send one.
    """
    if isinstance(moment, Unset):
        return _NEVER
    try:
        # Exact until the year 2242. By way of `astimezone` it takes thrice as long, which lists of
        # jobs would feel.
        return datetime.fromtimestamp(moment.timestamp())  # noqa: DTZ006
    except (OSError, OverflowError, ValueError):
        return _NEVER


def has_ended(completion: datetime | None) -> bool:
    """Whether a time of completion is told: those up to 1970 are empty ones of other languages."""
    return completion is not None and completion.year > 1970


def next_cursor(headers: Mapping[str, str]) -> str | None:
    """Reads the cursor of the next page from a `Link` header (RFC 8288).

    Nothing but the cursor is taken: a link may lead to another host, which gets no request.

    Args:
        headers: Headers of an answer.

    Returns:
        The cursor; None if there is no next page, or if the server has no cursors.
    """
    link = headers.get("Link")
    if link is None:
        return None
    answer = httpx.Response(200, headers=[(b"Link", link.encode())])
    try:
        query = urlsplit(answer.links.get("next", {}).get("url", "")).query
    except ValueError:
        return None
    return parse_qs(query).get("cursor", [None])[0]
