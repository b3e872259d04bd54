"""Figures of a hub, for those who operate it."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from qai_hub.local.store.people import read_accounts
from qai_hub.local.store.records import Account
from qai_hub.local.store.relations import count_by_owner
from qai_hub.local.store.schema import files, jobs, uploads, users


class EndedJob(NamedTuple):
    """How a job has ended, and when. `started` is the start of its last attempt."""

    kind: str
    failure_type: str
    attempt: int
    created: str
    started: str | None
    completed: str | None


def get_ended_jobs(db: Connection, job_ids: Sequence[str]) -> list[EndedJob]:
    """Return how jobs have ended."""
    columns = [jobs.c[name] for name in EndedJob._fields]
    return [EndedJob(*row) for row in db.execute(select(*columns).where(jobs.c.id.in_(job_ids)))]


class StoredFigures(NamedTuple):
    """What a hub stores: bytes in published files, how many of these, and unfinished uploads."""

    bytes: int
    files: int
    uploads: int


def get_stored_figures(db: Connection) -> StoredFigures:
    """Sum up what a hub stores. This reads the row of each file."""
    size = select(func.coalesce(func.sum(files.c.size), 0)).scalar_subquery()
    number = select(func.count()).select_from(files).scalar_subquery()
    pending = select(func.count()).select_from(uploads).scalar_subquery()
    return StoredFigures(*map(int, db.execute(select(size, number, pending)).one()))


class UserFigures(NamedTuple):
    """A user, how many jobs they have in the queue, and what they store, in bytes."""

    account: Account
    queued_jobs: int
    stored: int


def get_user_figures(db: Connection, queued: str) -> list[UserFigures]:
    """Return all users, in the order in which they were added.

    Args:
        db: The transaction.
        queued: The state of jobs in the queue.
    """
    found = {
        row.email: row for row in db.execute(select(users.c.email, users.c.id, users.c.stored))
    }
    numbers = count_by_owner(db, [queued])
    return [
        UserFigures(account, numbers[found[email].id], found[email].stored)
        for email, account in read_accounts(db).items()
    ]
