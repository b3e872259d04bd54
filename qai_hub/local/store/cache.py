"""Which job has made what a request asks for."""

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.tables import cache


def maker_of(db: Connection, key: str) -> str | None:
    """Return the latest job that has made what a key stands for."""
    query = select(cache.c.job_id).where(cache.c.key == key)
    found: str | None = db.execute(query).scalar_one_or_none()
    return found


def forget_maker(db: Connection, job_id: str) -> None:
    """Say that what a job has made is not to be given again."""
    db.execute(delete(cache).where(cache.c.job_id == job_id))


def remember_maker(db: Connection, key: str, job_id: str) -> None:
    """Say that a job has made what a key stands for."""
    statement = upsert(cache).values(key=key, job_id=job_id)
    db.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"job_id": job_id}))
