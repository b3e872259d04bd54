"""Stored files, and uploads on their way to become one."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.records import File, Upload
from qai_hub.local.store.tables import artifacts, datasets, files, models, parts, uploads

# How long an upload is waited for.
UPLOAD_LIFETIME = timedelta(days=1)
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
    statement = upsert(parts).values(asdict(part))
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["upload_id", "number"],
            set_={"size": part.size, "sha256": part.sha256},
        )
    )


def parts_of(db: Connection, upload_id: str) -> list[Part]:
    """Return the parts of an upload that have arrived, in order."""
    query = select(parts).where(parts.c.upload_id == upload_id).order_by(parts.c.number)
    return [Part(*row) for row in db.execute(query)]
