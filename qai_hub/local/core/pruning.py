"""Pruning: what a hub keeps for a time only goes, a few rows in each transaction.

What a job has made stays as long as any other job has it, so that the way from a model back to its
source is never broken: a job goes once all jobs are gone that use its model or its dataset. These
were submitted later, and are looked at first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from qai_hub.local.core.kinds import FINISHED_STATES, UNFINISHED_STATES
from qai_hub.local.store.pruning import (
    Deleted,
    EndedRow,
    delete_jobs,
    delete_models,
    find_position,
    get_belongings,
    get_ended_rows,
    get_files_of,
    get_unused_models,
    get_users_of,
    release_expired,
)
from qai_hub.local.store.schema import jobs, models

# Jobs in one transaction, for which others wait.
_BATCH_SIZE = 50

OpenTransaction = Callable[[], AbstractContextManager[Connection]]


class Pruner:
    """Deletes what is no longer kept.

    Each method yields what each of its transactions has deleted, and may be stopped in between. Any
    number of processes may do the same at once: each transaction looks again at what it deletes.

    Args:
        write: Opens a writing transaction that takes turns with others.
        remove: Deletes files that the database does not name any more.
        owner_id: Whose things are deleted; None for everybody's.
    """

    def __init__(
        self,
        write: OpenTransaction,
        remove: Callable[[Iterable[str]], None],
        owner_id: int | None = None,
    ) -> None:
        self._write = write
        self._remove = remove
        self._owner_id = owner_id

    def prune_jobs(self, moment: str) -> Iterator[Deleted]:
        """Delete jobs that had ended by a time, with what they have made.

        Args:
            moment: The time.
        """
        before: int | None = None
        while before is None or before > 0:
            with self._write() as db:
                if before is None:
                    before = find_position(db, jobs, moment)
                rows = _ended(db, moment, before, self._owner_id)
                deleted = delete_jobs(db, _not_needed(db, rows, set()))
            self._remove(deleted.files)
            yield deleted
            before = rows[-1].seq if rows else 0

    def prune_models(self, moment: str) -> Iterator[Deleted]:
        """Delete models that were uploaded by a time, and that no job has.

        Args:
            moment: The time.
        """
        before: int | None = None
        while before is None or before > 0:
            with self._write() as db:
                if before is None:
                    before = find_position(db, models, moment)
                rows = get_unused_models(
                    db, before=before, limit=_BATCH_SIZE, owner_id=self._owner_id
                )
                deleted = delete_models(db, [key for _, key in rows])
            self._remove(deleted.files)
            yield deleted
            before = rows[-1][0] if rows else 0

    def release_datasets(self, moment: str) -> Iterator[Deleted]:
        """Delete the files of datasets that had expired by a time; the datasets stay.

        Args:
            moment: The time.
        """
        while True:
            with self._write() as db:
                files = release_expired(db, moment, UNFINISHED_STATES, _BATCH_SIZE)
            if files is None:
                return
            self._remove(files)
            yield Deleted(files=files)


def preview(db: Connection, moment: str, owner_id: int | None = None) -> Iterator[Deleted]:
    """Yield what `Pruner` would delete, as if others needed none of the files.

    Models whose last jobs would go are not among it.

    Args:
        db: A reading transaction.
        moment: The time.
        owner_id: Whose things would be deleted; None for everybody's.
    """
    gone, before = set[str](), find_position(db, jobs, moment)
    while rows := _ended(db, moment, before, owner_id):
        yield get_belongings(db, [each.id for each in _not_needed(db, rows, gone)])
        before = rows[-1].seq
    before = find_position(db, models, moment)
    while unused := get_unused_models(db, before=before, limit=_BATCH_SIZE, owner_id=owner_id):
        yield get_files_of(db, [key for _, key in unused])
        before = unused[-1][0]


def _ended(db: Connection, moment: str, before: int, owner_id: int | None) -> list[EndedRow]:
    return get_ended_rows(
        db, FINISHED_STATES, moment, before=before, limit=_BATCH_SIZE, owner_id=owner_id
    )


def _not_needed(db: Connection, rows: Sequence[EndedRow], gone: set[str]) -> list[EndedRow]:
    """Return the jobs that none but those that are gone use, and add them to these.

    Args:
        db: The transaction.
        rows: The jobs, latest first.
        gone: The jobs that do not count any more.
    """
    found, users = [], get_users_of(db, [each.id for each in rows])
    for each in rows:
        if users[each.id] <= gone:
            gone.add(each.id)
            found.append(each)
    return found
