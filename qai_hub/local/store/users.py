"""People, whether they may enter, and their projects."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from qai_hub.local.store.ids import new_id
from qai_hub.local.store.records import Account, User
from qai_hub.local.store.tables import projects, settings, tokens, users

_EMAIL = re.compile(r"[^@\s,]{1,64}@[^@\s,]{1,189}")
_USERS = select(
    users.c.id, users.c.email, projects.c.id.label("project_id"), projects.c.slug
).join_from(users, projects, projects.c.owner_id == users.c.id)
_VERSION = "users_version"
_USERS_VERSION = select(settings.c.value).where(settings.c.name == _VERSION)


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


def get_user(db: Connection, user_id: int) -> User:
    """Return the user with a number."""
    return User(*db.execute(_USERS.where(users.c.id == user_id)).one())


def all_users(db: Connection) -> list[User]:
    """Return everybody, in the order in which they came."""
    return [User(*row) for row in db.execute(_USERS.order_by(users.c.id))]


def read_accounts(db: Connection) -> dict[str, Account]:
    """Return everybody's account by address, in the order in which they came."""
    held: defaultdict[int, set[str]] = defaultdict(set)
    for row in db.execute(select(tokens)):
        held[row.user_id].add(row.digest)
    return {
        row.email: Account(row.email, row.origin, row.active, frozenset(held[row.id]))
        for row in db.execute(select(users).order_by(users.c.id))
    }


def write_accounts(db: Connection, accounts: Mapping[str, Account]) -> None:
    """Store what has become of accounts, and let every process know that something has.

    Args:
        db: A writing transaction, in which they were read.
        accounts: All accounts; no token stands for two people.
    """
    before = read_accounts(db)
    changed = [account for account in accounts.values() if before.get(account.email) != account]
    if not changed:
        return
    ids = {account.email: ensure_user(db, account.email).id for account in changed}
    # All go before any come: a token may pass from one person to another.
    for account in changed:
        db.execute(delete(tokens).where(tokens.c.user_id == ids[account.email]))
    for account in changed:
        values = {"origin": account.origin, "active": account.active}
        db.execute(update(users).where(users.c.id == ids[account.email]).values(values))
        for digest in sorted(account.tokens):
            db.execute(insert(tokens).values(digest=digest, user_id=ids[account.email]))
    version = upsert(settings).values(name=_VERSION, value=str(users_version(db) + 1))
    db.execute(version.on_conflict_do_update(set_={"value": version.excluded.value}))


def users_version(db: Connection) -> int:
    """Return a number that grows with each change of accounts, whichever process makes it."""
    found: str | None = db.execute(_USERS_VERSION).scalar_one_or_none()
    return int(found or 0)


def token_digest(token: str) -> str:
    """Return what is kept of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
