"""Reads and writes the rows of a table as records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    desc,
    func,
    select,
    union_all,
    update,
)

from qai_hub.local.store.dialect import insert_or_ignore
from qai_hub.local.store.records import (
    Dataset,
    Job,
    JobSummary,
    Model,
    ModelSummary,
    Owned,
    User,
    new_id,
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


_MAX_SEQ = (1 << 63) - 1
# Even in a table with as many rows as there are ids left, it is unlikely that more are needed.
_MAX_NEW_IDS = 32

Conditions = tuple[ColumnElement[bool], ...]
"""Conditions that all hold."""


def is_shared(table: Table) -> Conditions:
    """Return the conditions under which an object is not the viewer's, but shared with them.

    The parameters are `viewer_id` and `email`.
    """
    shared = select(shares.c.object_id).where(shares.c.email == bindparam("email"))
    return (table.c.id.in_(shared), table.c.owner_id != bindparam("viewer_id"))


def insert_with_new_id(db: Connection, table: Table, prefix: str, **values: Any) -> str:  # noqa: ANN401 - columns of any type
    """Insert a row with an id that no other has, and return the id.

    Args:
        db: A writing transaction.
        table: The table.
        prefix: The letter for the kind of object.
        values: The other columns.
    """
    for _ in range(_MAX_NEW_IDS):
        key = new_id(prefix)
        if insert_or_ignore(db, table, id=key, **values):
            return key
    raise RuntimeError(f"The table {table.name} takes no new id")


class Rows(Generic[_Record_co]):
    """The rows of a table of objects that users own.

    Args:
        table: The table.
        record: The record of one row; its fields are columns.
        prefix: The letter that ids begin with.
    """

    def __init__(self, table: Table, record: type[_Record_co], prefix: str) -> None:
        self._table = table
        self._prefix = prefix
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

    def add(self, db: Connection, **values: Any) -> str:  # noqa: ANN401 - columns of any type
        """Insert a row, and return its new id."""
        return insert_with_new_id(db, self._table, self._prefix, **values)

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
            (table.c.owner_id == bindparam("viewer_id"), *filters),
            (*is_shared(table), *filters),
        ]
        parameters = {"viewer_id": viewer.id, "email": viewer.email}
        total = sum(
            db.execute(
                select(func.count()).select_from(table).where(*part), parameters
            ).scalar_one()
            for part in parts
        )
        return self.read_page(db, self.page_query(parts), request, total, parameters)

    def page_query(self, parts: Iterable[Conditions]) -> Select[Any]:
        """Return the query for a page of the items that meet the conditions of any part of a list.

        Args:
            parts: The conditions of each part. No item is in two parts. To be fast however long the
                list is, a part must be in the order of an index.

        Returns:
            The query, for `read_page`.
        """
        seq = self._table.c.seq
        # The database merges the parts, and reads rows only of the items on the page.
        page = (
            union_all(*(select(seq).where(*part, seq < bindparam("cursor")) for part in parts))
            .order_by(desc("seq"))
            .limit(bindparam("limit"))
            .offset(bindparam("offset"))
        )
        return self._columns.where(seq.in_(page)).order_by(seq.desc())

    def read_page(
        self,
        db: Connection,
        query: Select[Any],
        request: PageRequest,
        total: int,
        parameters: Mapping[str, Any] = MappingProxyType({}),
    ) -> Page[_Record_co]:
        """Return a page of a list.

        Args:
            db: The transaction.
            query: The query for a page.
            request: The requested page.
            total: Number of items on all pages.
            parameters: The parameters of the conditions in the query.

        Returns:
            The page.
        """
        cursor = _MAX_SEQ if request.cursor is None else request.cursor
        bounds = {"cursor": cursor, "limit": request.limit + 1, "offset": request.offset}
        found = [self._record(*row) for row in db.execute(query, {**parameters, **bounds})]
        items = found[: request.limit]
        return Page(items, total, items[-1].seq if len(found) > len(items) else None)


MODELS = Rows(models, Model, "m")
MODEL_SUMMARIES = Rows(models, ModelSummary, "m")
DATASETS = Rows(datasets, Dataset, "d")
JOBS = Rows(jobs, Job, "j")
JOB_SUMMARIES = Rows(jobs, JobSummary, "j")
