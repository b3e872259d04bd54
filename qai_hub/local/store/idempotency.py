"""What was answered to a POST, by its idempotency key."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

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
    status: int | None
    headers: Mapping[str, str]
    answer: Any


def find_answer(db: Connection, user_id: int, path: str, key: str) -> StoredAnswer | None:
    """Return what was answered to a request, if it has been carried out."""
    row = db.execute(
        select(idempotency).where(
            idempotency.c.user_id == user_id,
            idempotency.c.path == path,
            idempotency.c.key == key,
        )
    ).one_or_none()
    return None if row is None else StoredAnswer(*row)


def keep_answer(db: Connection, answer: StoredAnswer) -> None:
    """Keep what a request is answered with, in the transaction that carries it out."""
    db.execute(insert(idempotency), asdict(answer))


def forget_answers(db: Connection, moment: str) -> None:
    """Forget the answers given by a time."""
    db.execute(delete(idempotency).where(idempotency.c.created <= moment))
