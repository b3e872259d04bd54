"""Reads and writes the rows of a table as records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    and_,
    asc,
    bindparam,
    delete,
    desc,
    func,
    select,
    union_all,
    update,
)

from qai_hub.local.store.dialect import insert_or_ignore, merges_in_order
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
    """Which items of a list are requested.

    Attributes:
        limit: Maximum number of items.
        offset: Number of items to skip.
        cursor: Where the page begins, from the previous page; None to begin with the first item.
        oldest_first: Whether the list begins with the oldest item, and not with the newest.
    """

    limit: int
    offset: int = 0
    cursor: int | None = None
    oldest_first: bool = False

    @property
    def start(self) -> int:
        """The number that the first item's is below, or above if the oldest is first."""
        if self.cursor is not None:
            return self.cursor
        return 0 if self.oldest_first else _MAX_SEQ


@dataclass(frozen=True, slots=True)
class Page(Generic[_Record_co]):
    """Items of a list.

    Attributes:
        items: The items.
        total: Number of items on all pages, or an upper bound.
        cursor: Where the next page begins; None on the last one.
        searched_to: When the last item was created that was looked at, if others are left to look
            at, and the page is shorter for that.
    """

    items: Sequence[_Record_co]
    total: int
    cursor: int | None
    searched_to: str | None = None


_MAX_SEQ = (1 << 63) - 1
# Even in a table with as many rows as there are ids left, it is unlikely that more are needed.
_MAX_NEW_IDS = 32


@dataclass(frozen=True, slots=True)
class ListOrder:
    """The order of a list.

    Attributes:
        oldest_first: Whether it begins with the oldest item, and not with the newest.
        merged: Whether the database merges parts of a list in this order.
    """

    oldest_first: bool = False
    merged: bool = True

    def by(self, column: ColumnElement[int] | str) -> ColumnElement[Any]:
        """Return what to order by, for the number that increases with each new item."""
        return asc(column) if self.oldest_first else desc(column)


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
        query = self.page_query(parts, ListOrder(merged=merges_in_order(db)))
        return self.read_page(db, query, request, total, parameters)

    def page_query(self, parts: Iterable[Conditions], order: ListOrder) -> Select[Any]:
        """Return the query for a page of the items that meet the conditions of any part of a list.

        Args:
            parts: The conditions of each part. No item is in two parts. To be fast however long the
                list is, a part must be in the order of an index.
            order: The order of the list.

        Returns:
            The query, for `read_page`.
        """
        seq = self._table.c.seq
        # The database merges the parts, and reads rows only of the items on the page.
        page = self._merge(parts, order, "reach")
        page = page.limit(bindparam("limit")).offset(bindparam("offset"))
        return self._columns.where(seq.in_(page)).order_by(order.by(seq))

    def search_queries(
        self, parts: Iterable[Conditions], tests: Conditions, order: ListOrder
    ) -> tuple[Select[Any], Select[int, int]]:
        """Return the queries for a page of the items that also meet conditions without an index.

        These are tested on the first items of the list alone, as many as the parameter `searched`.

        Args:
            parts: As for `page_query`.
            tests: The further conditions.
            order: The order of the list.

        Returns:
            The query for `read_page`, and one for the number of items that are looked at and the
            `seq` of the last of them.
        """
        seq = self._table.c.seq
        searched = self._merge(parts, order, "searched").limit(bindparam("searched")).subquery()
        # A scalar subquery reads the row of each by its key. PostgreSQL would make a join of other
        # forms, and rather test the whole table.
        meets = select(and_(*tests)).where(seq == searched.c.seq).correlate(searched)
        found = select(searched.c.seq).where(meets.scalar_subquery())
        page = found.order_by(order.by(searched.c.seq))
        page = page.limit(bindparam("limit")).offset(bindparam("offset"))
        last = func.max(searched.c.seq) if order.oldest_first else func.min(searched.c.seq)
        return (
            self._columns.where(seq.in_(page)).order_by(order.by(seq)),
            select(func.count(), last).select_from(searched),
        )

    def _merge(
        self, parts: Iterable[Conditions], order: ListOrder, limit: str
    ) -> CompoundSelect[Any]:
        """Return the `seq` of the items in the parts of a list, in its order.

        At least as many are returned as the parameter `limit` says, if there are so many.
        """
        seq, cursor = self._table.c.seq, bindparam("cursor", type_=BigInteger)
        bound = seq > cursor if order.oldest_first else seq < cursor
        each = [select(seq).where(*part, bound) for part in parts]
        if not order.merged:
            ends = (part.order_by(order.by(seq)).limit(bindparam(limit)) for part in each)
            each = [select(end.subquery().c.seq) for end in ends]
        return union_all(*each).order_by(order.by("seq"))

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
        bounds = {
            "cursor": request.start,
            "limit": request.limit + 1,
            "offset": request.offset,
            "reach": min(request.offset + request.limit + 1, _MAX_SEQ),
        }
        found = [self._record(*row) for row in db.execute(query, {**parameters, **bounds})]
        items = found[: request.limit]
        return Page(items, total, items[-1].seq if len(found) > len(items) else None)


MODELS = Rows(models, Model, "m")
MODEL_SUMMARIES = Rows(models, ModelSummary, "m")
DATASETS = Rows(datasets, Dataset, "d")
JOBS = Rows(jobs, Job, "j")
JOB_SUMMARIES = Rows(jobs, JobSummary, "j")
