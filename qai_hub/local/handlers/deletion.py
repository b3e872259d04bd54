"""Deleting models and datasets, with all that only they need."""

from collections.abc import Iterable
from typing import TypeVar

from qai_hub.local.access import Kind
from qai_hub.local.contract import Reply
from qai_hub.local.problems import ProblemError
from qai_hub.local.states import OPEN
from qai_hub.local.store.files import forget_unneeded, remove_uploads, uploads_for
from qai_hub.local.store.records import Owned
from qai_hub.local.store.relations import job_that_needs
from qai_hub.local.store.shares import unshare
from qai_hub.local.work import Work

_Record = TypeVar("_Record", bound=Owned)


def deletable(work: Work, kind: Kind[_Record], key: str) -> _Record:
    """Return the one with an id if the caller may delete it, and no job needs it.

    Raises:
        ProblemError: 404 if they may not see it, 403 if they may only see it, 409 if a job that has
            not ended works on it or makes it.
    """
    thing = kind.changed_by(work.db, work.viewer, key)
    job_id = job_that_needs(work.db, thing.id, OPEN)
    if job_id is not None:
        raise ProblemError(
            409,
            f"The job {job_id} needs the {kind.word} {thing.id}: wait for its end, or cancel it.",
        )
    return thing


def delete(
    work: Work, kind: Kind[_Record], thing: _Record, file_ids: Iterable[str | None]
) -> Reply:
    """Delete something with its shares, its uploads, and those of its files that nothing needs.

    Jobs that have ended keep its id. The files go last, once the database knows of none of it.

    Raises:
        ProblemError: 409 if a part of an upload of it is arriving.
    """
    storage = work.services.storage
    uploads = [upload.id for upload in uploads_for(work.db, thing.id)]
    for upload_id in uploads:
        work.around.enter_context(storage.writers.finishing(upload_id))
    remove_uploads(work.db, uploads)
    unshare(work.db, thing.id)
    kind.rows.remove(work.db, thing.id)
    unneeded = forget_unneeded(work.db, [each for each in file_ids if each is not None])
    work.after.append(lambda: storage.remove_uploads(uploads))
    work.after.append(lambda: storage.remove_files(unneeded))
    return Reply({"id": thing.id, "error_status": ""})
