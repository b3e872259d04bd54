"""People, their tokens, and their projects."""

import hashlib
import re

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.ids import new_id
from qai_hub.local.store.records import User
from qai_hub.local.store.tables import projects, tokens, users

_EMAIL = re.compile(r"[^@\s,]{1,64}@[^@\s,]{1,189}")
_USERS = select(
    users.c.id, users.c.email, projects.c.id.label("project_id"), projects.c.slug
).join_from(users, projects, projects.c.owner_id == users.c.id)


def normalized(email: str) -> str:
    """Return an e-mail address as it is stored and compared.

    Args:
        email: As a person wrote it.

    Returns:
        Without outer blanks, in lower case.

    Raises:
        ValueError: It is not an e-mail address.
    """
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        raise ValueError(f"{email!r} is not an e-mail address")
    return address


def ensure_user(db: Connection, email: str) -> User:
    """Return the user with a normalized address, made with a project of their own if new."""
    found = db.execute(_USERS.where(users.c.email == email)).one_or_none()
    if found is not None:
        return User(*found)
    user_id = db.execute(insert(users).values(email=email).returning(users.c.id)).scalar_one()
    user = User(id=user_id, email=email, project_id=new_id("p"), project_slug="default")
    db.execute(
        insert(projects).values(id=user.project_id, owner_id=user.id, slug=user.project_slug)
    )
    return user


def all_users(db: Connection) -> list[User]:
    """Return everybody, in the order in which they came."""
    return [User(*row) for row in db.execute(_USERS.order_by(users.c.id))]


def add_token(db: Connection, user: User, token: str) -> None:
    """Let a token stand for a user; only its hash is kept.

    Raises:
        ValueError: The token stands for somebody else.
    """
    digest = token_digest(token)
    db.execute(upsert(tokens).values(digest=digest, user_id=user.id).on_conflict_do_nothing())
    holder = db.execute(select(tokens.c.user_id).where(tokens.c.digest == digest)).scalar_one()
    if holder != user.id:
        raise ValueError(f"the token given for {user.email} is somebody else's")


def token_holders(db: Connection) -> dict[str, int]:
    """Return the number of the user that each token stands for, by the token's digest."""
    return {row.digest: row.user_id for row in db.execute(select(tokens))}


def token_digest(token: str) -> str:
    """Return what is kept of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
