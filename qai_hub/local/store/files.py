"""Files and uploads; the jobs that made what others ask for; answers that are kept for a while."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from qai_hub.local.store.dialect import insert_or_change, insert_unless_there
from qai_hub.local.store.records import File, Job, Upload
from qai_hub.local.store.schema import (
    artifacts,
    datasets,
    files,
    idempotency,
    makers,
    models,
    parts,
    uploads,
)


def makers_of(db: Connection, key: str) -> list[str]:
    """Return the latest job of each owner that has made what a key stands for."""
    return list(db.execute(select(makers.c.job_id).where(makers.c.key == key)).scalars())


def forget_maker(db: Connection, job_id: str) -> None:
    """Say that what a job has made is not to be given again."""
    db.execute(delete(makers).where(makers.c.job_id == job_id))


def remember_maker(db: Connection, key: str, job: Job) -> None:
    """Say that a job has made what a key stands for."""
    insert_or_change(db, makers, "job_id", key=key, owner_id=job.owner_id, job_id=job.id)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a request that named itself with a key.

    Attributes:
        user_id: Who sent it.
        path: Path that it was sent to.
        key: The key.
        created: When.
        body_digest: SHA-256 of its body.
        status: Status that it was answered with; None for the contract's own.
        headers: Headers that it was answered with.
        answer: Body that it was answered with.
    """

    user_id: int
    path: str
    key: str
    created: str
    body_digest: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None


def claim_key(db: Connection, request: StoredAnswer) -> StoredAnswer | None:
    """Take a key for a request, before it is carried out in the same transaction.

    Whoever takes the same key at once waits for the end of that transaction, as the key is unique:
    then its answer is there, or it was undone and the key is free.

    Args:
        db: A writing transaction.
        request: The request, without an answer.

    Returns:
        None if the key was free, and is taken now; else what was answered to who had it first.
    """
    if insert_unless_there(db, idempotency, **asdict(request)):
        return None
    return StoredAnswer(*db.execute(select(idempotency).where(*_named(request))).one())


def keep_answer(db: Connection, answer: StoredAnswer) -> None:
    """Keep what a request is answered with that has taken a key in the same transaction."""
    changed = {name: getattr(answer, name) for name in ("status", "headers", "answer")}
    db.execute(update(idempotency).where(*_named(answer)).values(changed))


def forget_answers(db: Connection, moment: str) -> None:
    """Forget the answers given by a time."""
    db.execute(delete(idempotency).where(idempotency.c.created <= moment))


def _named(request: StoredAnswer) -> tuple[ColumnElement[bool], ...]:
    return tuple(
        idempotency.c[name] == getattr(request, name) for name in ("user_id", "path", "key")
    )


_FILE = select(files.c.id, files.c.size, files.c.sha256).where(files.c.id == bindparam("id"))
_UPLOADS = select(
    uploads.c.id,
    uploads.c.object_id,
    uploads.c.created,
    uploads.c.size,
    uploads.c.part_size,
    uploads.c.owner_id,
)
# Every column that names a file: what is stored there needs it.
_NEEDS = (models.c.file_id, models.c.source_id, datasets.c.file_id, artifacts.c.file_id)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload that has arrived; `number` counts from 1, `size` is in bytes."""

    upload_id: str
    number: int
    size: int
    sha256: str


def add_file(db: Connection, file: File) -> None:
    """Keep a file's size and digest."""
    db.execute(insert(files), asdict(file))


def get_file(db: Connection, file_id: str) -> File | None:
    """Return a file's size and digest."""
    row = db.execute(_FILE, {"id": file_id}).one_or_none()
    return None if row is None else File(*row)


def set_digest(db: Connection, file_id: str, sha256: str) -> None:
    """Keep a file's digest, once someone has needed it."""
    db.execute(update(files).where(files.c.id == file_id).values(sha256=sha256))


def unexpired_files(db: Connection, moment: str) -> dict[str, int]:
    """Return the sizes in bytes of all files but those of datasets that have expired by a time."""
    expired = exists().where(datasets.c.file_id == files.c.id, datasets.c.expires <= moment)
    rows = db.execute(select(files.c.id, files.c.size).where(~expired))
    return {row.id: row.size for row in rows}


def forget_unneeded(db: Connection, file_ids: Iterable[str]) -> list[str]:
    """Forget those of some files that no model, dataset or artifact needs any more.

    Args:
        db: A writing transaction.
        file_ids: The files; models that were given from the cache share theirs.

    Returns:
        Those that are forgotten, to be deleted once the transaction has succeeded.
    """
    unneeded = [~exists().where(column == files.c.id) for column in _NEEDS]
    statement = delete(files).where(files.c.id.in_(file_ids), *unneeded).returning(files.c.id)
    return list(db.execute(statement).scalars())


def add_upload(db: Connection, upload: Upload) -> None:
    """Begin an upload."""
    db.execute(insert(uploads), asdict(upload))


def get_upload(db: Connection, upload_id: str) -> Upload | None:
    """Return an upload that has begun and not ended."""
    row = db.execute(_UPLOADS.where(uploads.c.id == upload_id)).one_or_none()
    return None if row is None else Upload(*row)


def uploads_for(db: Connection, object_id: str) -> list[Upload]:
    """Return the uploads that have begun for a model or dataset, latest first."""
    query = _UPLOADS.where(uploads.c.object_id == object_id).order_by(uploads.c.created.desc())
    return [Upload(*row) for row in db.execute(query)]


def begun_uploads(db: Connection) -> dict[str, str]:
    """Return when each of the uploads has begun that have not ended."""
    return {row.id: row.created for row in db.execute(select(uploads.c.id, uploads.c.created))}


def count_uploads(db: Connection, owner_id: int, since: str) -> int:
    """Count the uploads that a person has begun since a time, and that have not ended."""
    query = select(func.count()).where(uploads.c.owner_id == owner_id, uploads.c.created > since)
    return db.execute(query).scalar_one()


def remove_uploads(db: Connection, upload_ids: Sequence[str]) -> None:
    """End uploads, whether they have come to their end or not."""
    db.execute(delete(uploads).where(uploads.c.id.in_(upload_ids)))


def forget_part(db: Connection, upload_id: str, number: int) -> None:
    """Say that a part is not there, as it is about to be written over."""
    db.execute(delete(parts).where(parts.c.upload_id == upload_id, parts.c.number == number))


def put_part(db: Connection, part: Part) -> None:
    """Say that a part has arrived, in place of an earlier one of the same number."""
    insert_or_change(db, parts, "size", "sha256", **asdict(part))


def parts_of(db: Connection, upload_id: str) -> list[Part]:
    """Return the parts of an upload that have arrived, in order."""
    query = select(parts).where(parts.c.upload_id == upload_id).order_by(parts.c.number)
    return [Part(*row) for row in db.execute(query)]
