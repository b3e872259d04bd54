"""Values of generated models, as the facade holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

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
    return given.astimezone(UTC) if given else None


def local(moment: datetime) -> datetime:
    """A moment as a naive local datetime, which scripts compare with `datetime.now()`."""
    return moment.astimezone().replace(tzinfo=None)
