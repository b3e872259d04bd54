"""Queries for files and uploads, cache entries, and responses to idempotency keys."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from qai_hub.local.store.dialect import insert_or_ignore, upsert
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
from qai_hub.local.store.stored_sizes import count_stored, pass_on


def get_cached_job_ids(db: Connection, key: str) -> list[str]:
    """Return the latest job of each owner that made the target model of a cache key."""
    return list(db.execute(select(makers.c.job_id).where(makers.c.key == key)).scalars())


def delete_cache_entry(db: Connection, job_id: str) -> None:
    """Remove the cache entry of a job, so that its target model is not reused."""
    db.execute(delete(makers).where(makers.c.job_id == job_id))


def save_cache_entry(db: Connection, key: str, job: Job) -> None:
    """Record that a job made the target model of a cache key."""
    upsert(db, makers, "job_id", key=key, owner_id=job.owner_id, job_id=job.id)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The first response to a request with an idempotency key.

    Attributes:
        user_id: The user who sent the request.
        path: The path of the request.
        key: The idempotency key.
        created: When the request was received.
        body_digest: SHA-256 digest of the body of the request.
        status: HTTP status of the response; None for the contract's default.
        headers: Headers of the response.
        answer: Body of the response.
    """

    user_id: int
    path: str
    key: str
    created: str
    body_digest: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None


def claim_key(db: Connection, request: StoredResponse) -> StoredResponse | None:
    """Claim an idempotency key for a request, before handling it in the same transaction.

    As the key is unique, a concurrent request with the same key waits for the end of that
    transaction. Then the response is stored, or the transaction was rolled back and the key is
    free.

    Args:
        db: A writing transaction.
        request: The request, without a response.

    Returns:
        None if the key was free and is now claimed; otherwise the response to the first request.
    """
    if insert_or_ignore(db, idempotency, **asdict(request)):
        return None
    return StoredResponse(*db.execute(select(idempotency).where(*_key_conditions(request))).one())


def save_response(db: Connection, response: StoredResponse) -> None:
    """Store the response to a request that claimed its key in the same transaction."""
    changed = {name: getattr(response, name) for name in ("status", "headers", "answer")}
    db.execute(update(idempotency).where(*_key_conditions(response)).values(changed))


def delete_responses(db: Connection, moment: str) -> None:
    """Delete the stored responses up to a time."""
    db.execute(delete(idempotency).where(idempotency.c.created <= moment))


def _key_conditions(request: StoredResponse) -> tuple[ColumnElement[bool], ...]:
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
# Every column that refers to a file: as long as a row does, the file is needed.
_FILE_REFERENCES = (models.c.file_id, models.c.source_id, datasets.c.file_id, artifacts.c.file_id)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload that has arrived; `number` counts from 1, `size` is in bytes."""

    upload_id: str
    number: int
    size: int
    sha256: str


def add_file(db: Connection, file: File, owner_id: int | None = None) -> None:
    """Store a file's size and digest, and count its size for a user, if one is named."""
    db.execute(insert(files), {**asdict(file), "owner_id": owner_id})
    count_stored(db, Counter({owner_id: file.size}))


def get_file(db: Connection, file_id: str) -> File | None:
    """Return a file's size and digest."""
    row = db.execute(_FILE, {"id": file_id}).one_or_none()
    return None if row is None else File(*row)


def get_sizes(db: Connection, file_ids: Collection[str]) -> dict[str, int]:
    """Return the sizes of those of some files that exist, in bytes, by id."""
    query = select(files.c.id, files.c.size).where(files.c.id.in_(file_ids))
    return {row.id: row.size for row in db.execute(query)}


def get_uploaded_files(db: Connection, owner_id: int, sha256: str, size: int | None) -> list[File]:
    """Return the files that a user has uploaded as models and that may have a digest.

    Args:
        db: The transaction.
        owner_id: The user.
        sha256: The digest.
        size: The size in bytes of files whose digest is not known; None leaves those out.

    Returns:
        The files with this digest, and those of this size without a digest.
    """
    unknown = false() if size is None else and_(files.c.sha256.is_(None), files.c.size == size)
    query = (
        select(files.c.id, files.c.size, files.c.sha256)
        .distinct()
        .join(models, models.c.file_id == files.c.id)
        .where(
            models.c.owner_id == owner_id,
            models.c.producer_id.is_(None),
            or_(files.c.sha256 == sha256, unknown),
        )
    )
    return [File(*row) for row in db.execute(query)]


def set_digest(db: Connection, file_id: str, sha256: str) -> None:
    """Store a file's digest, once it has been computed."""
    db.execute(update(files).where(files.c.id == file_id).values(sha256=sha256))


def get_unexpired_sizes(db: Connection, moment: str) -> dict[str, int]:
    """Return the sizes in bytes of all files, except those of datasets that expired by a time."""
    expired = exists().where(datasets.c.file_id == files.c.id, datasets.c.expires <= moment)
    rows = db.execute(select(files.c.id, files.c.size).where(~expired))
    return {row.id: row.size for row in rows}


def delete_unreferenced(db: Connection, file_ids: Iterable[str]) -> list[str]:
    """Delete the rows of those files that no model, dataset or artifact needs any more.

    Args:
        db: A writing transaction.
        file_ids: The files; models that were reused from the cache share theirs.

    Returns:
        The files to delete once the transaction has succeeded.
    """
    wanted = set(file_ids)
    unreferenced = [~exists().where(column == files.c.id) for column in _FILE_REFERENCES]
    statement = delete(files).where(files.c.id.in_(wanted), *unreferenced)
    deleted = db.execute(statement.returning(files.c.id, files.c.owner_id, files.c.size)).all()
    sizes = Counter[int | None]()
    for row in deleted:
        sizes[row.owner_id] -= row.size
    gone = [row.id for row in deleted]
    pass_on(db, wanted.difference(gone), sizes)
    count_stored(db, sizes)
    return gone


def add_upload(db: Connection, upload: Upload) -> None:
    """Store a new upload."""
    db.execute(insert(uploads), asdict(upload))


def get_upload(db: Connection, upload_id: str) -> Upload | None:
    """Return an unfinished upload."""
    row = db.execute(_UPLOADS.where(uploads.c.id == upload_id)).one_or_none()
    return None if row is None else Upload(*row)


def get_uploads(db: Connection, object_id: str) -> list[Upload]:
    """Return the unfinished uploads for a model or dataset, latest first."""
    query = _UPLOADS.where(uploads.c.object_id == object_id).order_by(uploads.c.created.desc())
    return [Upload(*row) for row in db.execute(query)]


def get_upload_times(db: Connection) -> dict[str, str]:
    """Return the time at which each unfinished upload began, by id."""
    return {row.id: row.created for row in db.execute(select(uploads.c.id, uploads.c.created))}


def count_uploads(db: Connection, owner_id: int, since: str) -> int:
    """Count the unfinished uploads that a user began after a time."""
    query = select(func.count()).where(uploads.c.owner_id == owner_id, uploads.c.created > since)
    return db.execute(query).scalar_one()


def delete_uploads(db: Connection, upload_ids: Sequence[str]) -> None:
    """Delete uploads, whether they are complete or not."""
    db.execute(delete(uploads).where(uploads.c.id.in_(upload_ids)))


def delete_part(db: Connection, upload_id: str, number: int) -> None:
    """Delete the record of a part that is about to be overwritten."""
    db.execute(delete(parts).where(parts.c.upload_id == upload_id, parts.c.number == number))


def save_part(db: Connection, part: Part) -> None:
    """Record that a part has arrived, replacing an earlier one with the same number."""
    upsert(db, parts, "size", "sha256", **asdict(part))


def get_parts(db: Connection, upload_id: str) -> list[Part]:
    """Return the parts of an upload that have arrived, in order."""
    query = select(parts).where(parts.c.upload_id == upload_id).order_by(parts.c.number)
    return [Part(*row) for row in db.execute(query)]
