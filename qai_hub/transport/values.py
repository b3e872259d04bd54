"""Values of generated models, as the facade holds them."""

from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from qai_hub_api.types import Unset

from qai_hub.errors import InternalError

T = TypeVar("T")


def known(value: T | Unset) -> T | None:
    """A field's value, or None if the server did not send it."""
    return None if isinstance(value, Unset) else value


def utc(moment: datetime | Unset) -> datetime | None:
    """A moment as an aware UTC datetime, or None if the server did not send it."""
    return None if isinstance(moment, Unset) else _in_zone(moment, UTC)


def local(moment: datetime) -> datetime:
    """A moment as a naive local datetime, which scripts compare with `datetime.now()`."""
    zoned = _in_zone(moment, None)
    # `zoned.replace(tzinfo=None)` takes five times as long, which lists of jobs would feel.
    return datetime.combine(zoned, zoned.time())


def _in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError as error:
        raise InternalError(
            f"The service answered a time out of range: {moment}.", status_code=200
        ) from error
