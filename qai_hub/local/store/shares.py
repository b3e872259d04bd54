"""Whom jobs, models and datasets are shared with, and all that a share opens."""

from collections.abc import Sequence

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    union,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.tables import jobs, shares, uses

# The kinds of job that stand behind the model of another job, and the kinds that lead to them.
_MAKERS = ("compile", "link")
_RUNNERS = ("inference", "profile")


def shared_with(db: Connection, object_id: str) -> list[str]:
    """Return the addresses that something is shared with, in the order they were added."""
    query = select(shares.c.email).where(shares.c.object_id == object_id).order_by(shares.c.seq)
    return list(db.execute(query).scalars())


def share(db: Connection, object_id: str, emails: Sequence[str]) -> None:
    """Share something with normalized addresses; those that have it already keep it."""
    for email in emails:
        statement = upsert(shares).values(object_id=object_id, email=email)
        db.execute(statement.on_conflict_do_nothing())


def unshare(db: Connection, object_id: str, emails: Sequence[str] | None = None) -> None:
    """Take something back from normalized addresses, or from all."""
    statement = delete(shares).where(shares.c.object_id == object_id)
    if emails is not None:
        statement = statement.where(shares.c.email.in_(emails))
    db.execute(statement)


def is_open_to(db: Connection, email: str, object_id: str, owner_id: int) -> bool:
    """Tell whether something is open to a person who does not own it.

    What is shared with them by name is. So are the models and datasets of a job that is open to
    them, and the compile and link jobs behind the model of an inference or profile job that is
    shared with them, however many steps behind. Rights come from the owner alone: a person's share
    opens nothing that belongs to somebody else.

    Nothing of this is stored: taking back a share closes all that no other share opens.

    Args:
        db: The transaction.
        email: The person's normalized address.
        object_id: A job, model or dataset.
        owner_id: Whose it is.

    Returns:
        Whether the person may see it.
    """
    values = {"email": email, "object": object_id, "owner": owner_id}
    return bool(db.execute(_IS_OPEN, values).scalar_one())


def _is_open() -> Select[tuple[bool]]:
    """Walk from the object towards the shares, through jobs of its owner only."""
    thing = bindparam("object", type_=String)
    owner = bindparam("owner", type_=Integer)
    opening = union(
        select(jobs.c.id.label("job_id")).where(jobs.c.id == thing, jobs.c.owner_id == owner),
        select(uses.c.job_id)
        .join(jobs, jobs.c.id == uses.c.job_id)
        .where(uses.c.object_id == thing, jobs.c.owner_id == owner),
    ).cte("opening")
    chain = select(opening.c.job_id).cte("chain", recursive=True)
    maker, consumer = jobs.alias("maker"), jobs.alias("consumer")
    made, used = uses.alias("made"), uses.alias("used")
    chain = chain.union(
        select(consumer.c.id)
        .select_from(chain)
        .join(maker, and_(maker.c.id == chain.c.job_id, maker.c.kind.in_(_MAKERS)))
        .join(made, and_(made.c.job_id == maker.c.id, made.c.role == "target"))
        .join(used, and_(used.c.object_id == made.c.object_id, used.c.role == "input"))
        .join(consumer, and_(consumer.c.id == used.c.job_id, consumer.c.owner_id == owner))
        .where(consumer.c.kind.in_(_MAKERS + _RUNNERS))
    )
    runners = (
        select(chain.c.job_id)
        .join(jobs, jobs.c.id == chain.c.job_id)
        .where(jobs.c.kind.in_(_RUNNERS))
    )
    opened = exists().where(
        shares.c.email == bindparam("email"),
        or_(
            shares.c.object_id == thing,
            shares.c.object_id.in_(select(opening.c.job_id)),
            shares.c.object_id.in_(runners),
        ),
    )
    return select(opened)


_IS_OPEN = _is_open()
