"""The processes that use a database at the same time, and their leases on the jobs that they run.

Times are those of the database's clock, so that the clocks of machines need not agree.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import BigInteger, Connection, cast, delete, insert, or_, select, update

from qai_hub.local.store.dialect import epoch_seconds
from qai_hub.local.store.labels import from_text
from qai_hub.local.store.schema import jobs, nodes

MICROSECONDS = 1_000_000
"""The units of the database's clock in a second."""


@dataclass(frozen=True, slots=True)
class Node:
    """A process of a hub.

    Attributes:
        id: Its id, which no other process has ever had.
        name: Its machine and process number, for people.
        role: `web` or `worker`.
        version: Its release.
        slots: Number of jobs that it runs at once.
        started: When it started.
        labels: What it offers to jobs, as it is stored.
        draining: Whether it starts no more jobs.
        seen: When it was last heard of, in microseconds.
    """

    id: str
    name: str
    role: str
    version: str
    slots: int
    started: str
    labels: str = ""
    draining: bool = False
    seen: int = 0


def read_clock(db: Connection) -> int:
    """Return the time of the database's clock, in microseconds since 1970."""
    now: int = db.execute(select(cast(epoch_seconds(db) * MICROSECONDS, BigInteger))).scalar_one()
    return now


def add_node(db: Connection, node: Node, now: int) -> None:
    """Store a process that has started."""
    db.execute(insert(nodes), {**asdict(node), "seen": now})


def remove_nodes(db: Connection, node_ids: Collection[str]) -> None:
    """Remove processes that have ended."""
    db.execute(delete(nodes).where(nodes.c.id.in_(node_ids)))


def get_nodes(db: Connection) -> list[Node]:
    """Return all processes, in the order in which they started."""
    columns = [nodes.c[name] for name in Node.__dataclass_fields__]
    return [Node(*row) for row in db.execute(select(*columns).order_by(nodes.c.started))]


def get_living_nodes(db: Connection, within: int) -> list[Node]:
    """Return the processes that were heard of lately, in the order in which they started.

    Args:
        db: The transaction.
        within: How long ago at most, in microseconds.
    """
    since = read_clock(db) - within
    return [node for node in get_nodes(db) if node.seen >= since]


def list_offers(living: Iterable[Node]) -> list[frozenset[str]]:
    """Return the labels of each of the processes that take jobs.

    Args:
        living: The processes, those that take no jobs among them.
    """
    return [from_text(node.labels) for node in living if node.slots and not node.draining]


def get_offered_labels(db: Connection, within: int) -> frozenset[str]:
    """Return what processes offer that take jobs and were heard of lately.

    Args:
        db: The transaction.
        within: How long ago at most, in microseconds.
    """
    return frozenset().union(*list_offers(get_living_nodes(db, within)))


def mark_seen(db: Connection, node_id: str, now: int, *, draining: bool) -> bool:
    """Record that a process was heard of; return whether it is still known."""
    statement = update(nodes).where(nodes.c.id == node_id).values(seen=now, draining=draining)
    return db.execute(statement).rowcount == 1


def renew_leases(
    db: Connection, node_id: str, states: Collection[str], until: int
) -> dict[str, int]:
    """Extend the leases of a process on the jobs that it runs.

    Args:
        db: A writing transaction.
        node_id: The process.
        states: The states of jobs that are being run.
        until: The new end of the leases.

    Returns:
        The numbers of its attempts, by job. It has lost all others.
    """
    statement = (
        update(jobs)
        .where(jobs.c.node_id == node_id, jobs.c.lease.is_not(None), jobs.c.state.in_(states))
        .values(lease=until)
        .returning(jobs.c.id, jobs.c.attempt)
    )
    return {row.id: row.attempt for row in db.execute(statement)}


def get_lost_jobs(db: Connection, states: Collection[str], now: int) -> list[str]:
    """Return the jobs that are being run by a process that is no longer heard of, oldest first."""
    query = (
        select(jobs.c.id).where(jobs.c.lease < now, jobs.c.state.in_(states)).order_by(jobs.c.seq)
    )
    return list(db.execute(query).scalars())


def get_silent_nodes(db: Connection, before: int) -> list[str]:
    """Return the processes that were not heard of since a time, and that hold no lease."""
    holds = select(jobs.c.node_id).where(jobs.c.lease.is_not(None))
    query = select(nodes.c.id).where(
        nodes.c.seen < before, or_(nodes.c.role == "web", nodes.c.id.not_in(holds))
    )
    return list(db.execute(query).scalars())
