"""Sharing of jobs, models and datasets: the same for all three."""

from collections.abc import Iterable

from qai_hub.local.access import Kind
from qai_hub.local.contract import Reply
from qai_hub.local.handlers.answers import changed
from qai_hub.local.problems import ProblemError
from qai_hub.local.store.records import Owned
from qai_hub.local.store.shares import share, shared_with, unshare
from qai_hub.local.store.users import normalized
from qai_hub.local.work import Work


def get_sharing(kind: Kind[Owned], work: Work) -> Reply:
    """Tell with whom something is shared."""
    thing = kind.seen_by(work.db, work.viewer, _key(kind, work))
    return Reply({"email": shared_with(work.db, thing.id)})


def update_sharing(kind: Kind[Owned], work: Work) -> Reply:
    """Share something with people, then take it back from others.

    Adding who is there and removing who is not changes nothing, nor does adding the owner.
    """
    thing = kind.changed_by(work.db, work.viewer, _key(kind, work))
    added = _addresses(work.call.body.get("add_email", ()))
    removed = _addresses(work.call.body.get("remove_email", ()))
    share(work.db, thing.id, [email for email in added if email != work.viewer.email])
    unshare(work.db, thing.id, removed)
    return changed(thing.id, thing.created)


def delete_sharing(kind: Kind[Owned], work: Work) -> Reply:
    """Take something back from everybody."""
    thing = kind.changed_by(work.db, work.viewer, _key(kind, work))
    unshare(work.db, thing.id)
    return changed(thing.id, thing.created)


def _key(kind: Kind[Owned], work: Work) -> str:
    key: str = work.call.params[f"{kind.word}_id"]
    return key


def _addresses(written: Iterable[str]) -> list[str]:
    try:
        return [normalized(address) for address in written]
    except ValueError as error:
        raise ProblemError(400, f"{error}.") from None
