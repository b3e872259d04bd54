"""Queries for what a hub no longer keeps: jobs that ended long ago, and what nobody uses."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from qai_hub.local.store.dialect import increase
from qai_hub.local.store.files import delete_unreferenced
from qai_hub.local.store.schema import (
    artifacts,
    datasets,
    ended_jobs,
    jobs,
    makers,
    models,
    results,
    shares,
    uploads,
    uses,
)

_MADE = ("target", "output")


class EndedRow(NamedTuple):
    """A job that has ended."""

    seq: int
    id: str
    owner_id: int
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """What has been deleted: numbers of rows, and the files that nothing needs any more."""

    jobs: int = 0
    models: int = 0
    datasets: int = 0
    files: Sequence[str] = ()


def find_position(db: Connection, table: Table, moment: str) -> int:
    """Return the position up to which all rows of a table are of a time or earlier.

    They are numbered in the order in which they were created. As no index has their times, this
    bisects them.

    Args:
        db: The transaction.
        table: The table of jobs or of models.
        moment: The time.
    """
    low, high = 0, (db.execute(select(func.max(table.c.seq))).scalar_one() or 0) + 1
    first = (
        select(table.c.seq, table.c.created)
        .where(table.c.seq >= bindparam("from"))
        .order_by(table.c.seq)
        .limit(1)
    )
    while low < high:
        middle = (low + high) // 2
        row = db.execute(first, {"from": middle}).one_or_none()
        if row is not None and row.created <= moment:
            low = row.seq + 1
        else:
            high = middle
    return low


def get_ended_rows(
    db: Connection,
    states: Collection[str],
    moment: str,
    *,
    before: int,
    limit: int,
    owner_id: int | None = None,
) -> list[EndedRow]:
    """Return jobs that had ended by a time, latest first.

    Args:
        db: The transaction.
        states: The final states.
        moment: The time.
        before: The position that they are before.
        limit: How many at most.
        owner_id: Their owner; None for anybody.
    """
    query = (
        select(*(jobs.c[name] for name in EndedRow._fields))
        .where(jobs.c.seq < before, jobs.c.completed <= moment, jobs.c.state.in_(states))
        .order_by(jobs.c.seq.desc())
        .limit(limit)
    )
    if owner_id is not None:
        query = query.where(jobs.c.owner_id == owner_id)
    return [EndedRow(*row) for row in db.execute(query)]


def get_users_of(db: Connection, ids: Collection[str]) -> defaultdict[str, set[str]]:
    """Return the jobs that use what jobs have made, or were to make, by the latter."""
    made = uses.alias("made")
    query = (
        select(made.c.job_id, uses.c.job_id.label("user_id"))
        .join(uses, uses.c.object_id == made.c.object_id)
        .where(made.c.job_id.in_(ids), made.c.role.in_(_MADE), uses.c.job_id != made.c.job_id)
    )
    found = defaultdict[str, set[str]](set)
    for row in db.execute(query):
        found[row.job_id].add(row.user_id)
    return found


def delete_jobs(db: Connection, rows: Sequence[EndedRow]) -> Deleted:
    """Delete jobs, what they have made, and all that is about them.

    Args:
        db: A writing transaction.
        rows: The jobs, which have ended. No other job uses what they have made.
    """
    ids = [each.id for each in rows]
    made = list(
        db.execute(
            select(uses.c.object_id).where(uses.c.job_id.in_(ids), uses.c.role.in_(_MADE))
        ).scalars()
    )
    logs = delete(artifacts).where(artifacts.c.job_id.in_(ids)).returning(artifacts.c.file_id)
    names = set(db.execute(logs).scalars())
    for table in (results, makers, uses):
        db.execute(delete(table).where(table.c.job_id.in_(ids)))
    db.execute(delete(shares).where(shares.c.object_id.in_(ids)))
    found = _delete_objects(db, made)
    db.execute(delete(jobs).where(jobs.c.id.in_(ids)))
    numbers = Counter((each.owner_id, each.kind, each.state) for each in rows)
    # Sorted, so that no two transactions wait for each other.
    for (owner_id, kind, state), number in sorted(numbers.items()):
        increase(db, ended_jobs, "number", -number, owner_id=owner_id, kind=kind, state=state)
    files = delete_unreferenced(db, names.union(found.files))
    return Deleted(len(ids), found.models, found.datasets, files)


def get_belongings(db: Connection, ids: Sequence[str]) -> Deleted:
    """Return what would be deleted with jobs, as if others needed none of the files."""
    made = select(uses.c.object_id).where(uses.c.job_id.in_(ids), uses.c.role.in_(_MADE))
    logs = select(artifacts.c.file_id).where(artifacts.c.job_id.in_(ids))
    found = get_files_of(db, list(db.execute(made).scalars()))
    files = {*found.files, *db.execute(logs).scalars()}
    return Deleted(len(ids), found.models, found.datasets, sorted(files))


def get_files_of(db: Connection, ids: Sequence[str]) -> Deleted:
    """Return which of some models and datasets exist, and their files."""
    columns = (models.c.file_id, models.c.source_id)
    found_models = db.execute(select(*columns).where(models.c.id.in_(ids))).all()
    found = db.execute(select(datasets.c.file_id).where(datasets.c.id.in_(ids))).all()
    return Deleted(0, len(found_models), len(found), _names((*found_models, *found)))


def get_unused_models(
    db: Connection, *, before: int, limit: int, owner_id: int | None = None
) -> list[tuple[int, str]]:
    """Return positions and ids of uploaded models that no job has, latest first.

    Args:
        db: The transaction.
        before: The position that they are before.
        limit: How many at most.
        owner_id: Their owner; None for anybody.
    """
    query = (
        select(models.c.seq, models.c.id)
        .where(
            models.c.seq < before,
            models.c.producer_id.is_(None),
            ~exists().where(uses.c.object_id == models.c.id),
            ~exists().where(uploads.c.object_id == models.c.id),
        )
        .order_by(models.c.seq.desc())
        .limit(limit)
    )
    if owner_id is not None:
        query = query.where(models.c.owner_id == owner_id)
    return [(row.seq, row.id) for row in db.execute(query)]


def delete_models(db: Connection, ids: Sequence[str]) -> Deleted:
    """Delete models that no job has."""
    found = _delete_objects(db, ids)
    return Deleted(0, found.models, 0, delete_unreferenced(db, found.files))


def release_expired(
    db: Connection, moment: str, unfinished: Collection[str], limit: int
) -> list[str] | None:
    """Delete the files of datasets that had expired by a time, unless a job is to read them.

    Args:
        db: A writing transaction.
        moment: The time.
        unfinished: The states of jobs that have not ended.
        limit: Of how many datasets at most.

    Returns:
        The files to delete once the transaction has succeeded; None if there were no datasets.
    """
    is_needed = exists().where(
        and_(
            uses.c.object_id == datasets.c.id,
            uses.c.job_id == jobs.c.id,
            jobs.c.state.in_(unfinished),
        )
    )
    query = (
        select(datasets.c.id, datasets.c.file_id)
        .where(datasets.c.expires <= moment, datasets.c.file_id.is_not(None), ~is_needed)
        .limit(limit)
    )
    rows = db.execute(query).all()
    if not rows:
        return None
    chosen = datasets.c.id.in_([row.id for row in rows])
    db.execute(update(datasets).where(chosen).values(file_id=None))
    return delete_unreferenced(db, [row.file_id for row in rows])


def _delete_objects(db: Connection, ids: Sequence[str]) -> Deleted:
    """Delete models and datasets; return their files, which others may need."""
    db.execute(delete(shares).where(shares.c.object_id.in_(ids)))
    gone_models = db.execute(
        delete(models).where(models.c.id.in_(ids)).returning(models.c.file_id, models.c.source_id)
    ).all()
    gone = db.execute(
        delete(datasets).where(datasets.c.id.in_(ids)).returning(datasets.c.file_id)
    ).all()
    return Deleted(0, len(gone_models), len(gone), _names((*gone_models, *gone)))


def _names(rows: Iterable[Iterable[str | None]]) -> list[str]:
    return sorted({name for row in rows for name in row if name is not None})
