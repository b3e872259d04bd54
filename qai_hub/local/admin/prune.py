"""Deletes what is old, on an administrator's request, while a hub may be running."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection

from qai_hub.local.admin.garbage import require_folder_of
from qai_hub.local.clock import Clock, now, rfc3339
from qai_hub.local.core.pruning import Pruner, preview
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.store.opening import open_hub
from qai_hub.local.store.people import get_users, normalize_email


@dataclass(frozen=True, slots=True)
class Pruned:
    """Numbers of what has been deleted, or would be."""

    jobs: int
    models: int
    datasets: int
    files: int


def prune(
    database: str | None,
    data_dir: Path,
    min_age: timedelta,
    *,
    email: str | None = None,
    dry_run: bool = False,
    clock: Clock = now,
) -> Pruned:
    """Delete jobs that ended long ago, with what they have made, and uploads that no job has.

    Args:
        database: URL of the database; None for the one in the data folder.
        data_dir: The folder of the files.
        min_age: How long ago jobs have ended, and models been uploaded.
        email: Whose; None for everybody's.
        dry_run: Whether to count only. Of the files, those that others need would stay; of the
            models, those whose jobs have yet to go are not counted.
        clock: Returns the current time.

    Returns:
        What has been deleted, or would be.

    Raises:
        DatabaseError: The database cannot be used, or the folder is not the one of its files.
        ValueError: There is no such user.
    """
    if database is not None:
        require_folder_of(database, data_dir)
    moment = rfc3339(clock() - min_age)
    with open_hub(database, data_dir, write=False) as db:
        owner_id = None if email is None else _find_user(db, email)
        if dry_run:
            parts = list(preview(db, moment, owner_id))
    if not dry_run:
        write = partial(open_hub, database, data_dir)
        pruner = Pruner(write, FolderStore(data_dir).remove, owner_id)
        parts = list(chain(pruner.prune_jobs(moment), pruner.prune_models(moment)))
    return Pruned(
        sum(each.jobs for each in parts),
        sum(each.models for each in parts),
        sum(each.datasets for each in parts),
        sum(len(each.files) for each in parts),
    )


def _find_user(db: Connection, email: str) -> int:
    address = normalize_email(email)
    for user in get_users(db):
        if user.email == address:
            return user.id
    raise ValueError(f"{address} is not a user of this hub")
