"""Lists of jobs: their pages and lengths cost the same however many jobs there are.

What jobs are searched by, beside owner, type, state and time, has no index: a page is searched for
among a limited number of jobs, and the next one goes on from there.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from qai_hub.local.enums import JobState
from qai_hub.local.store.dialect import contains, increase, merges_in_order
from qai_hub.local.store.records import Owned, User
from qai_hub.local.store.rows import Conditions, ListOrder, Page, PageRequest, Rows, is_shared
from qai_hub.local.store.schema import ended_jobs, jobs, uses

SEARCHED_JOBS = 20_000
"""The jobs that one page is searched for among."""

_Record = TypeVar("_Record", bound=Owned)
_ALL = tuple(JobState)
_FINAL = (JobState.DONE, JobState.FAILED)
# After all times as they are stored.
_END_OF_TIME = "~"
_UNFINISHED = tuple(state for state in JobState if state not in _FINAL)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list has.

    Attributes:
        owner_id: The user whose jobs they are; None for everybody.
        states: The types of jobs, each with a state that such a job may be in; None for all jobs.
        text: What their name or id contains, in upper or lower case; empty for anything.
        device: What the name of their device contains, as well.
        model_id: The model that they use or make; None for any.
        after: The earliest time of submission; None for any.
        before: The time before which they were submitted; None for any.
    """

    owner_id: int | None = None
    states: Collection[tuple[str, str]] | None = None
    text: str = ""
    device: str = ""
    model_id: str | None = None
    after: str | None = None
    before: str | None = None


def page_of_jobs(
    db: Connection,
    rows: Rows[_Record],
    viewer: User,
    request: PageRequest,
    wanted: JobFilter,
    *,
    searched: int = SEARCHED_JOBS,
) -> Page[_Record]:
    """List jobs that a user owns or that are shared with them directly.

    Args:
        db: The transaction.
        rows: The table of jobs, and the record to read of each.
        viewer: The user.
        request: The requested page.
        wanted: Which jobs the list has.
        searched: Maximum number of jobs that the page is searched for among.

    Returns:
        The page. It ends early if there are more jobs to search, and then has a cursor.
    """
    if wanted.owner_id is None:
        owners = _Owners.ALL
    else:
        owners = _Owners.VIEWER if wanted.owner_id == viewer.id else _Owners.OTHER
    queries = _list_queries(
        rows,
        owners,
        None if wanted.states is None else frozenset(wanted.states),
        _Search(
            times=wanted.after is not None or wanted.before is not None,
            text=bool(wanted.text),
            device=bool(wanted.device),
            model=_model_search(db, wanted.model_id, searched),
        ),
        ListOrder(request.oldest_first, merges_in_order(db)),
    )
    if queries is None:
        return Page((), 0, None)
    parameters = {
        "viewer_id": viewer.id,
        "email": viewer.email,
        "owner_id": wanted.owner_id,
        "text": wanted.text,
        "device": wanted.device,
        "model_id": wanted.model_id,
        "after": wanted.after or "",
        "before": wanted.before or _END_OF_TIME,
        "searched": searched,
    }
    # PostgreSQL's sums of integers are decimals.
    total = sum(int(number or 0) for number in db.execute(queries.counts, parameters).one())
    page = rows.read_page(db, queries.page, request, total, parameters)
    if queries.searched is not None and page.cursor is None:
        page = _go_on(db, queries.searched, request, page, parameters)
    if queries.is_counted or request.cursor is not None or page.cursor is not None:
        return page
    return replace(page, total=min(total, request.offset + len(page.items)))


def _go_on(
    db: Connection,
    query: Select[int, int],
    request: PageRequest,
    page: Page[_Record],
    parameters: Mapping[str, Any],
) -> Page[_Record]:
    """Return a page of a search with where the next one begins, if there are more jobs to search.

    Args:
        db: The transaction.
        query: The query for the number of jobs that were searched, and the last of them.
        request: The requested page.
        page: The page, which has all that was found among these jobs.
        parameters: Its parameters.

    Returns:
        The page.
    """
    number, last = db.execute(query, {**parameters, "cursor": request.start}).one()
    if number < parameters["searched"]:
        return page
    created = db.execute(select(jobs.c.created).where(jobs.c.seq == last)).scalar_one()
    return replace(page, cursor=last, searched_to=created)


def _model_search(db: Connection, model_id: str | None, most: int) -> "_ModelSearch":
    """Return how jobs that use or make a model are found: from the model, if there are few."""
    if model_id is None:
        return _ModelSearch.NONE
    some = select(uses.c.job_id).where(uses.c.object_id == model_id).limit(most)
    number = db.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    return _ModelSearch.BY_MODEL if number < most else _ModelSearch.BY_JOB


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


class _ModelSearch(Enum):
    """How the jobs that use or make a model are found."""

    NONE = auto()
    # From the model, if few jobs do.
    BY_MODEL = auto()
    # From each job.
    BY_JOB = auto()


@dataclass(frozen=True, slots=True)
class _Search:
    """What a list is searched by.

    The values are the parameters `text`, `device`, `model_id`, `after` and `before`.
    """

    times: bool
    text: bool
    device: bool
    model: _ModelSearch

    @property
    def narrows(self) -> Conditions:
        """The conditions that an index is for."""
        found = list[ColumnElement[bool]]()
        if self.times:
            found += [jobs.c.created >= bindparam("after"), jobs.c.created < bindparam("before")]
        if self.model is _ModelSearch.BY_MODEL:
            some = jobs.alias()
            of_model = select(some.c.seq).join(uses, uses.c.job_id == some.c.id)
            found.append(jobs.c.seq.in_(of_model.where(uses.c.object_id == bindparam("model_id"))))
        return tuple(found)

    @property
    def tests(self) -> Conditions:
        """The conditions that rows of jobs are read for."""
        found = list[ColumnElement[bool]]()
        if self.text:
            text: BindParameter[str] = bindparam("text")
            found.append(or_(contains(jobs.c.name, text), contains(jobs.c.id, text)))
        if self.device:
            device: BindParameter[str] = bindparam("device")
            found.append(contains(jobs.c.device["name"].as_string(), device))
        if self.model is _ModelSearch.BY_JOB:
            # A concatenation, which no index is for: all jobs of the model would be read.
            uses_model = uses.c.object_id.concat("") == bindparam("model_id")
            found.append(exists().where(uses.c.job_id == jobs.c.id, uses_model).correlate(jobs))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _ListQueries:
    """The queries of a list.

    Attributes:
        counts: For its length, as several numbers.
        is_counted: Whether that is its length, and not only an upper bound.
        page: For a page.
        searched: For the jobs that the page is searched for among, their number and the last; None
            if it is among all.
    """

    counts: Select[Any]
    is_counted: bool
    page: Select[Any]
    searched: Select[int, int] | None


_States = frozenset[tuple[str, str]] | None


# Building a query takes as long as running it.
@lru_cache(maxsize=256)
def _list_queries(
    rows: Rows[Any], owners: _Owners, states: _States, search: _Search, order: ListOrder
) -> _ListQueries | None:
    """Return the queries of a list with the parameters `viewer_id`, `email` and `owner_id`.

    Those of the search come in addition. None if no job can be on the list.
    """
    parts, counts = list[Conditions](), list[Select[int]]()
    if owners is not _Owners.OTHER:
        parts += _parts_of_own(states, search)
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
    count = select(*(count.scalar_subquery() for count in counts))
    narrows, tests = search.narrows, search.tests
    parts = [(*part, *narrows) for part in parts]
    if not tests:
        page = rows.page_query(parts, order)
        return _ListQueries(count, not narrows, page, None)
    page, searched = rows.search_queries(parts, tests, order)
    return _ListQueries(count, False, page, searched)


def _parts_of_own(states: _States, search: _Search) -> list[Conditions]:
    """Split the viewer's own jobs into parts that are each in the order of an index."""
    if search.model is _ModelSearch.BY_MODEL:
        # A sum, for which no database scans all jobs of the owner instead of the few of the model.
        few = jobs.c.owner_id + 0 == bindparam("viewer_id")
        return [(few, *_has_state(jobs, states, _ALL))]
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
