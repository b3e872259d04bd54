"""Who may see what, and who may change it.

Owners may do everything. Users to whom a resource is open (see `open_to`) may view and download it.
To everybody else it does not exist.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection

from qai_hub.local.core.kinds import OPENING, RUNNERS
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.people import open_to
from qai_hub.local.store.records import Owned, User
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS, Rows

_Record = TypeVar("_Record", bound=Owned)
_Record_co = TypeVar("_Record_co", bound=Owned, covariant=True)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Record_co]):
    """A kind of resource that users own and share.

    Attributes:
        word: Its name in messages.
        rows: Its table.
    """

    word: str
    rows: Rows[_Record_co]

    def seen_by(self, db: Connection, viewer: User, key: str, *, status: int = 404) -> _Record_co:
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
        found = self.rows.get(db, key)
        if found is None or not may_see(db, viewer, found):
            raise ProblemError(status, f"There is no {self.word} {key} that you may see.")
        return found

    def changed_by(self, db: Connection, viewer: User, key: str) -> _Record_co:
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
        found = self.seen_by(db, viewer, key)
        if found.owner_id != viewer.id:
            raise ProblemError(
                403, f"Only its owner may change the {self.word} {key}; it is shared with you."
            )
        return found


def may_see(db: Connection, viewer: User, thing: Owned) -> bool:
    """Return whether a user may see a resource."""
    return bool(visible(db, viewer, [thing]))


def visible(db: Connection, viewer: User, things: Iterable[_Record]) -> dict[str, _Record]:
    """Return those of some resources that a user may see, by id. Their own cost no query.

    Args:
        db: The transaction.
        viewer: The user who wants to see them.
        things: Jobs, models or datasets.

    Returns:
        The resources that the user may see.
    """
    found = {thing.id: thing for thing in things}
    others = [key for key, thing in found.items() if thing.owner_id != viewer.id]
    hidden = set(others) - open_to(db, viewer.email, others, makers=OPENING, runners=RUNNERS)
    return {key: thing for key, thing in found.items() if key not in hidden}


JOB = Kind("job", JOBS)
MODEL = Kind("model", MODELS)
DATASET = Kind("dataset", DATASETS)
