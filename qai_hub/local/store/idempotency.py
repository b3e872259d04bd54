"""What was answered to a POST, by its idempotency key."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.tables import idempotency

ANSWER_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a request that named itself with a key.

    Attributes:
        user_id: Who sent it.
        path: Path that it was sent to.
        key: The key.
        created: When.
        body_digest: SHA-256 of its body.
        status: Status that it was answered with; None for the contract's own.
        headers: Headers that it was answered with.
        answer: Body that it was answered with.
    """

    user_id: int
    path: str
    key: str
    created: str
    body_digest: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None


def claim_key(db: Connection, request: StoredAnswer) -> StoredAnswer | None:
    """Take a key for a request, before it is carried out in the same transaction.

    Whoever takes the same key at once waits for the end of that transaction, as the key is unique:
    then its answer is there, or it was undone and the key is free.

    Args:
        db: A writing transaction.
        request: The request, without an answer.

    Returns:
        None if the key was free, and is taken now; else what was answered to who had it first.
    """
    values = asdict(request)
    taken = db.execute(upsert(idempotency).values(values).on_conflict_do_nothing())
    if taken.rowcount == 1:
        return None
    return StoredAnswer(*db.execute(select(idempotency).where(*_named(request))).one())


def keep_answer(db: Connection, answer: StoredAnswer) -> None:
    """Keep what a request is answered with that has taken a key in the same transaction."""
    changed = {name: getattr(answer, name) for name in ("status", "headers", "answer")}
    db.execute(update(idempotency).where(*_named(answer)).values(changed))


def forget_answers(db: Connection, moment: str) -> None:
    """Forget the answers given by a time."""
    db.execute(delete(idempotency).where(idempotency.c.created <= moment))


def _named(request: StoredAnswer) -> tuple[ColumnElement[bool], ...]:
    return tuple(
        idempotency.c[name] == getattr(request, name) for name in ("user_id", "path", "key")
    )
