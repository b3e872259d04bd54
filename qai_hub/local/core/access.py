"""Which resources a user may see and change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection

from qai_hub.local.core.kinds import MODEL_RUNNING_KINDS, SHARED_WITH_RUNS
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.people import find_accessible
from qai_hub.local.store.records import Owned, User
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS, Rows

_Record = TypeVar("_Record", bound=Owned)
_Record_co = TypeVar("_Record_co", bound=Owned, covariant=True)


@dataclass(frozen=True, slots=True)
class ResourceKind(Generic[_Record_co]):
    """A kind of resource that users own and share.

    Attributes:
        name: Its name in messages.
        table: Its table.
    """

    name: str
    table: Rows[_Record_co]

    def get_visible(
        self, db: Connection, viewer: User, key: str, *, status: int = 404
    ) -> _Record_co:
        """Return the resource with an id, if a user may see it.

        Args:
            db: The transaction.
            viewer: The user who wants to see it.
            key: Its id.
            status: The HTTP status of the error if there is none.

        Returns:
            The record.

        Raises:
            ProblemError: There is none, or the user may not see it; the error is the same for both.
        """
        found = self.table.get(db, key)
        if found is None or not is_visible(db, viewer, found):
            raise ProblemError(
                status,
                f"There is no {self.name} {key} that you may see: check the identifier, or ask its "
                "owner to share it.",
            )
        return found

    def get_editable(self, db: Connection, viewer: User, key: str) -> _Record_co:
        """Return the resource with an id, if a user may change it.

        Args:
            db: The transaction.
            viewer: The user who wants to change it.
            key: Its id.

        Returns:
            The record.

        Raises:
            ProblemError: 404 if the user may not see it, 403 if they may only see it.
        """
        found = self.get_visible(db, viewer, key)
        if found.owner_id != viewer.id:
            raise ProblemError(
                403,
                f"Only its owner may change the {self.name} {key}; it is shared with you. Ask the "
                "owner to change it.",
            )
        return found


def is_visible(db: Connection, viewer: User, resource: Owned) -> bool:
    """Return whether a user may see a resource."""
    return bool(filter_visible(db, viewer, [resource]))


def filter_visible(
    db: Connection, viewer: User, resources: Iterable[_Record]
) -> dict[str, _Record]:
    """Return those of some resources that a user may see, by id. Their own cost no query.

    Args:
        db: The transaction.
        viewer: The user who wants to see them.
        resources: Jobs, models or datasets.

    Returns:
        The resources that the user may see.
    """
    by_id = {resource.id: resource for resource in resources}
    foreign = [key for key, record in by_id.items() if record.owner_id != viewer.id]
    hidden = set(foreign) - find_accessible(
        db, viewer.email, foreign, producer_kinds=SHARED_WITH_RUNS, runner_kinds=MODEL_RUNNING_KINDS
    )
    return {key: record for key, record in by_id.items() if key not in hidden}


def filter_visible_of_jobs(
    db: Connection,
    viewer: User,
    jobs: Iterable[Owned],
    uses: Mapping[str, Iterable[str]],
    resources: Mapping[str, _Record],
) -> dict[str, _Record]:
    """Return those models or datasets of some jobs that a user may see, by id.

    A job opens those that belong to its own owner, so that these cost no query, however many other
    jobs use them.

    Args:
        db: The transaction.
        viewer: The user who wants to see them.
        jobs: The jobs, which the user may see.
        uses: The models or datasets of each job.
        resources: Those that exist, by id.

    Returns:
        The models or datasets that the user may see.
    """
    opened = {
        key
        for job in jobs
        for key in uses[job.id]
        if key in resources and resources[key].owner_id == job.owner_id
    }
    others = (record for key, record in resources.items() if key not in opened)
    visible = opened | filter_visible(db, viewer, others).keys()
    return {key: record for key, record in resources.items() if key in visible}


JOB = ResourceKind("job", JOBS)
MODEL = ResourceKind("model", MODELS)
DATASET = ResourceKind("dataset", DATASETS)
