"""Values of generated models, as the facade holds them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, TypeVar

from qai_hub.errors import InternalError

if TYPE_CHECKING:
    from qai_hub_api.types import Unset

T = TypeVar("T")


def known(value: T | Unset) -> T | None:
    """A field's value, or None if the server did not send it."""
    from qai_hub_api.types import Unset

    return None if isinstance(value, Unset) else value


def utc(moment: datetime | Unset) -> datetime | None:
    """A moment as an aware UTC datetime, or None if the server did not send it."""
    given = known(moment)
    return _in_zone(given, UTC) if given else None


def local(moment: datetime) -> datetime:
    """A moment as a naive local datetime, which scripts compare with `datetime.now()`."""
    return _in_zone(moment, None).replace(tzinfo=None)


def _in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError as error:
        raise InternalError(
            f"The service answered a time out of range: {moment}.", status_code=200
        ) from error
