"""Reads and writes the rows of a table as records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    desc,
    func,
    insert,
    select,
    union_all,
    update,
)

from qai_hub.local.store.records import (
    Dataset,
    Job,
    JobSummary,
    Model,
    ModelSummary,
    Owned,
    User,
)
from qai_hub.local.store.schema import datasets, jobs, models, shares

_Record_co = TypeVar("_Record_co", bound=Owned, covariant=True)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which items of a list are requested, newest first.

    Attributes:
        limit: Maximum number of items.
        offset: Number of items to skip.
        cursor: Where the page begins, from the previous page; None to begin with the newest item.
    """

    limit: int
    offset: int = 0
    cursor: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[_Record_co]):
    """Items of a list; `total` counts all pages, `cursor` is None on the last one."""

    items: Sequence[_Record_co]
    total: int
    cursor: int | None


Conditions = tuple[ColumnElement[bool], ...]
"""Conditions that all hold."""


def is_shared_with(table: Table, viewer: User) -> Conditions:
    """Return the conditions under which an object is another user's, and shared directly."""
    shared = select(shares.c.object_id).where(shares.c.email == viewer.email)
    return (table.c.id.in_(shared), table.c.owner_id != viewer.id)


class Rows(Generic[_Record_co]):
    """The rows of a table of objects that users own.

    Args:
        table: The table.
        record: The record of one row; its fields are columns.
    """

    def __init__(self, table: Table, record: type[_Record_co]) -> None:
        self._table = table
        self._record = record
        self._columns = select(*(table.c[field.name] for field in fields(record)))
        self._by_id = self._columns.where(table.c.id == bindparam("id"))
        self._by_ids = self._columns.where(table.c.id.in_(bindparam("ids", expanding=True)))

    def get(self, db: Connection, key: str) -> _Record_co | None:
        """Return the record with an id, or None."""
        row = db.execute(self._by_id, {"id": key}).one_or_none()
        return None if row is None else self._record(*row)

    def get_many(self, db: Connection, keys: Iterable[str]) -> dict[str, _Record_co]:
        """Return the existing records with the given ids, by id."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        rows = db.execute(self._by_ids, {"ids": wanted})
        return {record.id: record for record in (self._record(*row) for row in rows)}

    def add(self, db: Connection, **values: Any) -> None:  # noqa: ANN401 - columns of any type
        """Insert a row."""
        db.execute(insert(self._table), values)

    def update(self, db: Connection, key: str, **values: Any) -> None:  # noqa: ANN401 - as above
        """Update columns of the row with an id."""
        db.execute(update(self._table).where(self._table.c.id == key), values)

    def update_if(
        self,
        db: Connection,
        key: str,
        *conditions: ColumnElement[bool],
        **values: Any,  # noqa: ANN401 - as above, or SQL
    ) -> bool:
        """Update columns of the row with an id if it meets conditions; return whether it did."""
        statement = update(self._table).where(self._table.c.id == key, *conditions)
        return db.execute(statement.values(**values)).rowcount == 1

    def delete(self, db: Connection, key: str) -> None:
        """Delete the row with an id."""
        db.execute(delete(self._table).where(self._table.c.id == key))

    def page(
        self,
        db: Connection,
        viewer: User,
        request: PageRequest,
        filters: Sequence[ColumnElement[bool]] = (),
    ) -> Page[_Record_co]:
        """List the objects that a user owns or that are shared with them directly, newest first.

        Args:
            db: The transaction.
            viewer: The user.
            request: The requested page.
            filters: Further conditions on the items.

        Returns:
            The page.
        """
        table = self._table
        parts = [
            (table.c.owner_id == viewer.id, *filters),
            (*is_shared_with(table, viewer), *filters),
        ]
        total = sum(
            db.execute(select(func.count()).select_from(table).where(*part)).scalar_one()
            for part in parts
        )
        return self.read_page(db, request, parts, total)

    def read_page(
        self, db: Connection, request: PageRequest, parts: Iterable[Conditions], total: int
    ) -> Page[_Record_co]:
        """Return a page of the items that meet the conditions of any part of a list.

        Args:
            db: The transaction.
            request: The requested page.
            parts: The conditions of each part. No item is in two parts. To be fast however long the
                list is, a part must be in the order of an index.
            total: Number of items on all pages.

        Returns:
            The page.
        """
        seq = self._table.c.seq
        before = () if request.cursor is None else (seq < request.cursor,)
        # The database merges the parts, and reads rows only of the items on the page.
        page = (
            union_all(*(select(seq).where(*part, *before) for part in parts))
            .order_by(desc("seq"))
            .limit(request.limit + 1)
            .offset(request.offset)
        )
        query = self._columns.where(seq.in_(page)).order_by(seq.desc())
        found = [self._record(*row) for row in db.execute(query)]
        items = found[: request.limit]
        return Page(items, total, items[-1].seq if len(found) > len(items) else None)


MODELS = Rows(models, Model)
MODEL_SUMMARIES = Rows(models, ModelSummary)
DATASETS = Rows(datasets, Dataset)
JOBS = Rows(jobs, Job)
JOB_SUMMARIES = Rows(jobs, JobSummary)
