"""Lists of jobs: their pages and lengths cost the same however many jobs there are."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    func,
    select,
    tuple_,
    update,
)

from qai_hub.local.enums import JobState
from qai_hub.local.store.dialect import increase
from qai_hub.local.store.records import Owned, User
from qai_hub.local.store.rows import Conditions, Page, PageRequest, Rows, is_shared
from qai_hub.local.store.schema import ended_jobs, jobs

_Record = TypeVar("_Record", bound=Owned)
_ALL = tuple(JobState)
_FINAL = (JobState.DONE, JobState.FAILED)
_UNFINISHED = tuple(state for state in JobState if state not in _FINAL)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list has.

    Attributes:
        owner_id: The user whose jobs they are; None for everybody.
        states: The types of jobs, each with a state that such a job may be in; None for all jobs.
    """

    owner_id: int | None = None
    states: Collection[tuple[str, str]] | None = None


def page_of_jobs(
    db: Connection, rows: Rows[_Record], viewer: User, request: PageRequest, wanted: JobFilter
) -> Page[_Record]:
    """List jobs that a user owns or that are shared with them directly, newest first.

    Args:
        db: The transaction.
        rows: The table of jobs, and the record to read of each.
        viewer: The user.
        request: The requested page.
        wanted: Which jobs the list has.

    Returns:
        The page.
    """
    if wanted.owner_id is None:
        owners = _Owners.ALL
    else:
        owners = _Owners.VIEWER if wanted.owner_id == viewer.id else _Owners.OTHER
    states = None if wanted.states is None else frozenset(wanted.states)
    queries = _list_queries(rows, owners, states)
    if queries is None:
        return Page((), 0, None)
    parameters = {"viewer_id": viewer.id, "email": viewer.email, "owner_id": wanted.owner_id}
    # PostgreSQL's sums of integers are decimals.
    total = sum(int(number or 0) for number in db.execute(queries.counts, parameters).one())
    return rows.read_page(db, queries.page, request, total, parameters)


def end_jobs(
    db: Connection,
    keys: Sequence[str],
    *conditions: ColumnElement[bool],
    state: str,
    **values: Any,  # noqa: ANN401 - columns of any type, or SQL
) -> list[str]:
    """Move jobs that have not ended to a final state, and count them.

    Args:
        db: A writing transaction.
        keys: The jobs.
        conditions: Further conditions, which exclude jobs that have ended.
        state: The final state.
        values: Other columns that change.

    Returns:
        Those of the jobs that met the conditions and have ended now.
    """
    statement = update(jobs).where(jobs.c.id.in_(keys), *conditions).values(state=state, **values)
    ended = db.execute(statement.returning(jobs.c.id, jobs.c.owner_id, jobs.c.kind)).all()
    # Sorted, so that no two transactions wait for each other.
    for (owner_id, kind), number in sorted(Counter((row[1], row[2]) for row in ended).items()):
        increase(db, ended_jobs, "number", number, owner_id=owner_id, kind=kind, state=state)
    return [row.id for row in ended]


class _Owners(Enum):
    """Whose jobs a list has."""

    ALL = auto()
    VIEWER = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class _ListQueries:
    """The queries of a list: for its length, as several numbers, and for a page."""

    counts: Select[Any]
    page: Select[Any]


_States = frozenset[tuple[str, str]] | None


# Building a query takes as long as running it.
@lru_cache(maxsize=256)
def _list_queries(rows: Rows[Any], owners: _Owners, states: _States) -> _ListQueries | None:
    """Return the queries of a list with the parameters `viewer_id`, `email` and `owner_id`.

    None if no job can be on the list.
    """
    parts, counts = list[Conditions](), list[Select[int]]()
    if owners is not _Owners.OTHER:
        parts += _parts_of_own(states)
        counts += _counts_of_own(states)
    if owners is not _Owners.VIEWER:
        shared = (*is_shared(jobs), *_has_state(jobs, states, _ALL))
        if owners is _Owners.OTHER:
            # A sum, which no index is for: SQLite would rather scan all jobs of the owner.
            shared += (jobs.c.owner_id + 0 == bindparam("owner_id"),)
        parts.append(shared)
        counts.append(select(func.count()).select_from(jobs).where(*shared))
    if not parts:
        return None
    return _ListQueries(
        select(*(count.scalar_subquery() for count in counts)), rows.page_query(parts)
    )


def _parts_of_own(states: _States) -> list[Conditions]:
    """Split the viewer's own jobs into parts that are each in the order of an index."""
    own = jobs.c.owner_id == bindparam("viewer_id")
    if states is None:
        return [(own,)]
    return [(own, jobs.c.state == state, jobs.c.kind == kind) for kind, state in sorted(states)]


def _counts_of_own(states: _States) -> list[Select[int]]:
    """Return queries for the numbers of the viewer's own jobs that have ended and that have not.

    The latter are counted one by one: they are few, as a user may queue only so many.
    """
    viewer_id: BindParameter[int] = bindparam("viewer_id")
    ended = select(func.sum(ended_jobs.c.number)).where(
        ended_jobs.c.owner_id == viewer_id, *_has_state(ended_jobs, states, _FINAL)
    )
    unfinished = select(func.count()).where(
        jobs.c.owner_id == viewer_id, *_has_state(jobs, states, _UNFINISHED)
    )
    return [ended, unfinished]


def _has_state(table: Table, states: _States, among: Collection[str]) -> Conditions:
    """Return the conditions under which a row has a wanted type and state, among some states."""
    if states is None:
        return (table.c.state.in_(among),)
    pairs = [(kind, state) for kind, state in states if state in among]
    return (
        # An index is searched by single columns only.
        table.c.kind.in_({kind for kind, _ in pairs}),
        table.c.state.in_({state for _, state in pairs}),
        tuple_(table.c.kind, table.c.state).in_(pairs),
    )
