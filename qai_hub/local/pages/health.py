"""How a hub is: its queue, processes, files and versions, without anything of other users."""

import platform
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from qai_hub.local.core.kinds import CREATED, RUNNING_STATES
from qai_hub.local.core.pools import PoolWatch, describe_unserved
from qai_hub.local.frameworks import CAPABILITIES, describe_engines
from qai_hub.local.pages.site import Page
from qai_hub.local.store.figures import StoredFigures, get_stored_figures
from qai_hub.local.store.relations import (
    QueueLength,
    count_by_owner,
    first_ready_jobs,
    get_queue_lengths,
)
from qai_hub.local.store.schema import SCHEMA_VERSION

# Reading the size of each file takes long where there are many.
_FIGURES_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Turns:
    """Jobs that run, and who is served when.

    Attributes:
        running: Jobs of all users that run.
        own_running: Those of the viewer.
        users: Users who have a job that could start.
        place: The viewer's place among these, from 1; None if they have no such job.
    """

    running: int
    own_running: int
    users: int
    place: int | None


class HealthPage:
    """Shows how a hub is.

    Args:
        pools: The queue, and the processes that take jobs from it.
    """

    def __init__(self, pools: PoolWatch) -> None:
        self._pools = pools
        self._lock = threading.Lock()
        self._figures: StoredFigures | None = None
        self._read_at = 0.0

    def __call__(self, page: Page) -> Response:
        """Show the page."""
        services = page.site.services
        pools = self._pools.read()
        # What the watch knows is seconds old, and nothing would tell the page when it changes.
        queue = get_queue_lengths(page.db, CREATED)
        slots = sum(node.slots for node in pools.nodes) or services.config.max_parallel_jobs
        return page.render(
            "health.html",
            queue=queue,
            nodes=pools.nodes,
            warnings=[describe_unserved(each.needs, each.number) for each in pools.unserved],
            slots=slots,
            turns=_read_turns(page.db, page.viewer.id, queue),
            figures=self._read_figures(page.db),
            space=services.storage.measure_space(),
            database=page.db.dialect.name,
            schema=SCHEMA_VERSION,
            python=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
            frameworks=page.get("listFrameworks")["frameworks"],
            capabilities=CAPABILITIES,
            engines=describe_engines(),
        )

    def _read_figures(self, db: Connection) -> StoredFigures:
        with self._lock:
            now = time.monotonic()
            if self._figures is None or now - self._read_at >= _FIGURES_SECONDS:
                self._figures, self._read_at = get_stored_figures(db), now
            return self._figures


def _read_turns(db: Connection, viewer_id: int, queue: Sequence[QueueLength]) -> Turns:
    """Return where the viewer is among those who wait, in the order of the scheduler."""
    running = count_by_owner(db, RUNNING_STATES)
    ready = first_ready_jobs(db, CREATED, [each.needs for each in queue]) if queue else []
    order = sorted(ready, key=lambda job: (-job.priority, running[job.owner_id], job.turn, job.seq))
    owners = [job.owner_id for job in order]
    place = owners.index(viewer_id) + 1 if viewer_id in owners else None
    return Turns(running.total(), running[viewer_id], len(owners), place)
