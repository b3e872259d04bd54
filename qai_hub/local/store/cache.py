"""Which jobs have made what a request asks for."""

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.records import Job
from qai_hub.local.store.tables import makers


def makers_of(db: Connection, key: str) -> list[str]:
    """Return the latest job of each owner that has made what a key stands for."""
    return list(db.execute(select(makers.c.job_id).where(makers.c.key == key)).scalars())


def forget_maker(db: Connection, job_id: str) -> None:
    """Say that what a job has made is not to be given again."""
    db.execute(delete(makers).where(makers.c.job_id == job_id))


def remember_maker(db: Connection, key: str, job: Job) -> None:
    """Say that a job has made what a key stands for."""
    statement = upsert(makers).values(key=key, owner_id=job.owner_id, job_id=job.id)
    db.execute(
        statement.on_conflict_do_update(index_elements=["key", "owner_id"], set_={"job_id": job.id})
    )
