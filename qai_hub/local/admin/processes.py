"""The processes of a hub, as its database knows them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from qai_hub.local.core import kinds as states
from qai_hub.local.store.nodes import MICROSECONDS, Node, get_nodes, read_clock
from qai_hub.local.store.schema import jobs

# Longer than a process is silent that lives, unless its lease is unusually long.
_ALIVE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """A process of a hub.

    Attributes:
        node: Who it is.
        running: Jobs that it runs.
        silent: Seconds since it was last heard of.
    """

    node: Node
    running: int
    silent: float

    @property
    def state(self) -> str:
        """`silent`, `draining` or `running`."""
        if self.silent > _ALIVE_SECONDS:
            return "silent"
        return "draining" if self.node.draining else "running"


def get_processes(db: Connection) -> list[ProcessStatus]:
    """Return the processes of a hub, in the order in which they started."""
    query = (
        select(jobs.c.node_id, func.count().label("number"))
        .where(jobs.c.lease.is_not(None), jobs.c.state.in_(states.RUNNING_STATES))
        .group_by(jobs.c.node_id)
    )
    running = {row.node_id: row.number for row in db.execute(query)}
    now = read_clock(db)
    return [
        ProcessStatus(node, running.get(node.id, 0), max(0.0, (now - node.seen) / MICROSECONDS))
        for node in get_nodes(db)
    ]


def find_alive(db: Connection) -> list[Node]:
    """Return the processes that were heard of in the last minute, or have jobs that they may run.

    The database may be one of an older release that has processes.
    """
    now = read_clock(db)
    holds = set(
        db.execute(
            select(jobs.c.node_id).where(
                jobs.c.lease > now, jobs.c.state.in_(states.RUNNING_STATES)
            )
        ).scalars()
    )
    return [
        node
        for node in get_nodes(db)
        if now - node.seen < _ALIVE_SECONDS * MICROSECONDS or node.id in holds
    ]


def describe_alive(nodes: Collection[Node]) -> str:
    """Return which processes are running, as the beginning of a sentence."""
    names = ", ".join(node.name for node in nodes)
    are = "process is" if len(nodes) == 1 else "processes are"
    return f"{len(nodes)} {are} running ({names})"
