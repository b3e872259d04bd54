"""Browsers that are signed in, and links that each sign one in."""

from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from qai_hub.local.store.schema import sign_ins

Kind = Literal["link", "session"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """A link, or the session of a browser.

    Attributes:
        digest: SHA-256 of its secret, in hex.
        kind: Which of the two it is.
        user_id: Who is signed in by it.
        token_digest: The token that it came from; None if another service vouched for the user.
        expires: When it ends.
    """

    digest: str
    kind: Kind
    user_id: int
    token_digest: str | None
    expires: str


def add_sign_in(db: Connection, sign_in: SignIn) -> None:
    """Store a link or a session."""
    db.execute(insert(sign_ins).values(**asdict(sign_in)))


def delete_expired(db: Connection, now: str) -> None:
    """Delete what has ended."""
    db.execute(delete(sign_ins).where(sign_ins.c.expires <= now))


def delete_older(db: Connection, user_id: int, kind: Kind, kept: int) -> None:
    """Delete the links or sessions of a user but for the newest.

    Args:
        db: The transaction.
        user_id: The user.
        kind: Which of the two to delete.
        kept: How many stay.
    """
    theirs = sign_ins.c.user_id == user_id, sign_ins.c.kind == kind
    newest_first = select(sign_ins.c.expires).where(*theirs).order_by(sign_ins.c.expires.desc())
    first_to_go = newest_first.offset(kept).limit(1).scalar_subquery()
    db.execute(delete(sign_ins).where(*theirs, sign_ins.c.expires <= first_to_go))


def get_sign_in(db: Connection, digest: str, kind: Kind, now: str) -> SignIn | None:
    """Return a link or a session that has not ended; None if there is none."""
    query = select(sign_ins).where(sign_ins.c.digest == digest, sign_ins.c.kind == kind)
    row = db.execute(query.where(sign_ins.c.expires > now)).one_or_none()
    return None if row is None else SignIn(*row)


def take_sign_in(db: Connection, digest: str, kind: Kind, now: str) -> SignIn | None:
    """Return a link or a session that had not ended, and end it; None if there is none.

    Of several that ask for the same one at once, only one gets it.
    """
    found = get_sign_in(db, digest, kind, now)
    wanted = sign_ins.c.digest == digest, sign_ins.c.kind == kind
    ended = db.execute(delete(sign_ins).where(*wanted)).rowcount
    return found if ended else None
