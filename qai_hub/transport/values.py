"""Conversion of the values of generated models to those of the facade.

A server may omit values that the contract requires, or send invalid ones. Only the affected value
is then missing.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from qai_hub_api.types import Unset

from qai_hub.errors import InternalError
from qai_hub.http_library import httpx

__all__ = ["next_cursor"]


T = TypeVar("T")

# Placeholder for a missing time where scripts expect a datetime.
_NEVER = datetime.fromtimestamp(0)  # noqa: DTZ006 - naive and local, as all of them
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def value_or_none(value: T | Unset) -> T | None:
    """Returns the value of a field, or None if the server did not send it."""
    return None if isinstance(value, Unset) else value


def find_part(payload: object, suffix: str) -> tuple[str, Any]:
    """Returns the part of a payload that is specific to the type of a job.

    Args:
        payload: A generated model that has a property for each type, one of which is set.
        suffix: How the names of these properties end.

    Returns:
        The name of the property that is set, and its value; an empty name and None if none is.
    """
    for name in type(payload).__annotations__:
        part = value_or_none(getattr(payload, name)) if name.endswith(suffix) else None
        if part is not None:
            return name, part
    return "", None


def require_list(items: list[T] | Unset, what: str) -> list[T]:
    """Returns the items of a list that the response must contain.

    Args:
        items: The list.
        what: Description of the list, such as `"a list of models"`.

    Returns:
        The items.

    Raises:
        InternalError: If the list is missing, which means that this is some other response.
    """
    if isinstance(items, Unset):
        raise unexpected_response(what)
    return items


def unexpected_response(what: str) -> InternalError:
    """Creates the error for a successful response with unexpected content."""
    return InternalError(
        f"The service sent an unexpected answer instead of {what}.",
        status_code=200,
    )


def valid_id_or_empty(identifier: str | Unset) -> str:
    """Returns an identifier, or an empty string if the server sent an invalid one.

    Identifiers become parts of URLs and file names, where `..` would lead elsewhere.
    """
    if isinstance(identifier, Unset):
        return ""
    # A check for the usual identifiers that takes a third of the time of the regular expression.
    if identifier.isalnum() and identifier.isascii() and len(identifier) <= 64:
        return identifier
    return identifier if _IDENTIFIER.fullmatch(identifier) else ""


def require_id(identifier: str) -> str:
    """Returns the identifier of a resource that was just created.

    Raises:
        InternalError: If the server sent an invalid one.
    """
    if not valid_id_or_empty(identifier):
        error = unexpected_response("the identifier of the new resource")
        raise InternalError(f"{error} The resource may exist all the same.", status_code=200)
    return identifier


def to_utc(moment: datetime | Unset) -> datetime | None:
    """Returns a time as an aware UTC datetime, or None if the server did not send one."""
    if isinstance(moment, Unset):
        return None
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        return None


def to_local_time(moment: datetime | Unset) -> datetime:
    """Returns a time as a naive local datetime, which scripts compare with `datetime.now()`.

    It is the start of 1970 (UTC) if the server did not send one.
    """
    if isinstance(moment, Unset):
        return _NEVER
    try:
        # Exact until the year 2242. `astimezone` takes three times as long, which would slow down
        # lists of jobs.
        return datetime.fromtimestamp(moment.timestamp())  # noqa: DTZ006
    except (OSError, OverflowError, ValueError):
        return _NEVER


def has_ended(completion: datetime | None) -> bool:
    """Returns whether there is a completion time; one up to 1970 is a zero value."""
    return completion is not None and completion.year > 1970


def next_cursor(headers: Mapping[str, str]) -> str | None:
    """Reads the cursor of the next page from a `Link` header (RFC 8288).

    The rest of the link is ignored, so that a link to another host causes no request to it.

    Args:
        headers: Headers of a response.

    Returns:
        The cursor; None if there is no next page, or if the server does not use cursors.
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
