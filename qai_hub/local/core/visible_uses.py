"""The jobs that use or make models and datasets, as far as a user may see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from qai_hub.local.core.access import filter_visible
from qai_hub.local.store.records import JobSummary, User
from qai_hub.local.store.relations import Role, find_uses
from qai_hub.local.store.rows import JOB_SUMMARIES

# Of jobs of others, the newest: to find out whether they are shared takes longer the more there
# are.
_MAX_FOREIGN: Final = 500


@dataclass(frozen=True, slots=True)
class VisibleUses:
    """Jobs that use or make some models or datasets.

    Attributes:
        jobs: The newest of them, the newest first.
        roles: What each does with them, by its id.
        has_more: Whether the user may see further ones.
    """

    jobs: Sequence[JobSummary]
    roles: Mapping[str, Role]
    has_more: bool


def find_visible_uses(
    db: Connection,
    viewer: User,
    object_ids: Sequence[str],
    limit: int,
    role: Role | None = None,
) -> VisibleUses:
    """Return the newest jobs that use or make one of some models or datasets.

    Nothing of it depends on jobs that the user may not see. Of many jobs of others, older ones are
    left out, even if they are shared with the user.

    Args:
        db: The transaction.
        viewer: The user who wants to see them.
        object_ids: The models or datasets.
        limit: Maximum number of jobs.
        role: What the jobs do with them; None for anything.
    """
    own = find_uses(db, object_ids, limit + 1, role, owner_id=viewer.id)
    foreign = find_uses(db, object_ids, _MAX_FOREIGN, role, not_owner_id=viewer.id)
    roles = dict([*foreign, *own])
    found = JOB_SUMMARIES.get_many(db, roles)
    visible = filter_visible(db, viewer, found.values())
    jobs = sorted(visible.values(), key=lambda job: -job.seq)
    return VisibleUses(jobs[:limit], roles, len(jobs) > limit)
