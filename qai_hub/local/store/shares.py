"""Whom jobs, models and datasets are shared with, and all that a share opens."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.tables import datasets, jobs, models, shares, uses

# The kinds of job that stand behind the model of another job, and the kinds that lead to them.
_MAKERS = ("compile", "link")
_RUNNERS = ("inference", "profile")
_OWNED = (models, datasets, jobs)
# Things that one query is about: SQLite bounds the number of its parameters.
_AT_ONCE = 500


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


def open_to(db: Connection, email: str, object_ids: Iterable[str]) -> set[str]:
    """Tell which things are open to a person who does not own them.

    What is shared with them by name is. So are the models and datasets of a job that is open to
    them, and the compile and link jobs behind the model of an inference or profile job that is
    shared with them, however many steps behind. Rights come from the owner alone: a person's share
    opens nothing that belongs to somebody else.

    Nothing of this is stored: taking back a share closes all that no other share opens.

    Args:
        db: The transaction.
        email: The person's normalized address.
        object_ids: Jobs, models or datasets.

    Returns:
        Those that the person may see.
    """
    found: set[str] = set()
    for ids in _batches(object_ids):
        found |= {*db.execute(_OPEN, {"email": email, "ids": ids}).scalars()}
    return found


def _batches(object_ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(object_ids)
    while batch := list(islice(remaining, _AT_ONCE)):
        yield batch


def _open() -> Select[tuple[str]]:
    """Walk from each object towards the shares, through jobs of its owner only."""
    wanted: BindParameter[list[str]] = bindparam("ids", expanding=True)
    things = union_all(
        *(select(table.c.id, table.c.owner_id).where(table.c.id.in_(wanted)) for table in _OWNED)
    ).cte("things")
    opening = union(
        select(things.c.id, jobs.c.id.label("job_id"), jobs.c.owner_id).join(
            jobs, jobs.c.id == things.c.id
        ),
        select(things.c.id, uses.c.job_id, jobs.c.owner_id)
        .join(uses, uses.c.object_id == things.c.id)
        .join(jobs, and_(jobs.c.id == uses.c.job_id, jobs.c.owner_id == things.c.owner_id)),
    ).cte("opening")
    chain = select(opening).cte("chain", recursive=True)
    maker, consumer = jobs.alias("maker"), jobs.alias("consumer")
    made, used = uses.alias("made"), uses.alias("used")
    chain = chain.union(
        select(chain.c.id, consumer.c.id, chain.c.owner_id)
        .select_from(chain)
        .join(maker, and_(maker.c.id == chain.c.job_id, maker.c.kind.in_(_MAKERS)))
        .join(made, and_(made.c.job_id == maker.c.id, made.c.role == "target"))
        .join(used, and_(used.c.object_id == made.c.object_id, used.c.role == "input"))
        .join(
            consumer,
            and_(consumer.c.id == used.c.job_id, consumer.c.owner_id == chain.c.owner_id),
        )
        .where(consumer.c.kind.in_(_MAKERS + _RUNNERS))
    )
    runners = select(chain.c.id, chain.c.job_id).join(
        jobs, and_(jobs.c.id == chain.c.job_id, jobs.c.kind.in_(_RUNNERS))
    )
    ways = union(
        select(things.c.id, things.c.id.label("shared_id")),
        select(opening.c.id, opening.c.job_id),
        runners,
    ).subquery("ways")
    mine = and_(shares.c.object_id == ways.c.shared_id, shares.c.email == bindparam("email"))
    return select(ways.c.id).join(shares, mine).distinct()


_OPEN = _open()
