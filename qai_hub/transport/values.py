"""Values of generated models, as the facade holds them."""

from datetime import UTC, datetime
from typing import TypeVar

from qai_hub_api.types import Unset

from qai_hub.errors import InternalError

T = TypeVar("T")


def known(value: T | Unset) -> T | None:
    """A field's value, or None if the server did not send it."""
    return None if isinstance(value, Unset) else value


def utc(moment: datetime | Unset) -> datetime | None:
    """A moment as an aware UTC datetime, or None if the server did not send it."""
    if isinstance(moment, Unset):
        return None
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError as error:
        raise _out_of_range(moment) from error


def local(moment: datetime) -> datetime:
    """A moment as a naive local datetime, which scripts compare with `datetime.now()`."""
    try:
        # Exact until the year 2242. By way of `astimezone` it takes thrice as long, which lists of
        # jobs would feel.
        return datetime.fromtimestamp(moment.timestamp())  # noqa: DTZ006
    except (OSError, OverflowError, ValueError) as error:
        raise _out_of_range(moment) from error


def _out_of_range(moment: datetime) -> InternalError:
    return InternalError(f"The service answered a time out of range: {moment}.", status_code=200)
