"""The times at which the hub has started, by the clocks that it had."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.tables import settings
from qai_hub.local.times import rfc3339

_NAMES = ("last_start", "agreed_time")


def earlier_times(db: Connection) -> list[datetime]:
    """Return the clock of the last start, and what was agreed on then, where there are such."""
    query = select(settings).where(settings.c.name.in_(_NAMES))
    return [datetime.fromisoformat(row.value) for row in db.execute(query)]


def keep_times(db: Connection, now: datetime, agreed: datetime | None) -> None:
    """Keep the clock of this start, and what it has agreed on with those before."""
    values: Mapping[str, datetime | None] = dict(zip(_NAMES, (now, agreed), strict=True))
    for name, moment in values.items():
        if moment is not None:
            statement = upsert(settings).values(name=name, value=rfc3339(moment))
            changed = {"value": statement.excluded.value}
            db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
