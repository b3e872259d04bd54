"""Who may enter, and who may see and change what."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sqlalchemy import Connection

from qai_hub.local.core.kinds import OPENING, RUNNERS
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.people import find_accessible, normalize_email
from qai_hub.local.store.records import Account, Owned, User
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
    hidden = set(others) - find_accessible(
        db, viewer.email, others, producer_kinds=OPENING, runner_kinds=RUNNERS
    )
    return {key: thing for key, thing in found.items() if key not in hidden}


JOB = Kind("job", JOBS)
MODEL = Kind("model", MODELS)
DATASET = Kind("dataset", DATASETS)


Accounts = Mapping[str, Account]

_TOKEN = re.compile(r"[!-~]+")
_NOT_THEIRS = "the token given for {} is somebody else's"


def new_token() -> str:
    """Generate a token. It is a secret."""
    return secrets.token_hex(20)


def checked_token(token: str, email: str) -> str:
    """Return a token if it is valid.

    Args:
        token: The token. It is a secret.
        email: The user that it is for.

    Raises:
        ValueError: The token is invalid.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"the token given for {email} must be of printable ASCII, without blanks")
    return token


def merged(users: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    """Return the users that a start names, each once.

    Args:
        users: Addresses and tokens; None for a token that is not given.

    Returns:
        The tokens by normalized address, in order.

    Raises:
        ValueError: An address or token is invalid, a user is named with two tokens, or two users
            with the same one.
    """
    found: dict[str, str | None] = {}
    holders: dict[str, str] = {}
    for address, token in users:
        email = normalize_email(address)
        known = found.get(email)
        if token is not None and known not in (None, checked_token(token, email)):
            raise ValueError(f"{email} is named twice, with different tokens")
        if token is not None and holders.setdefault(token, email) != email:
            raise ValueError(_NOT_THEIRS.format(email))
        found[email] = known if token is None else token
    return found


def start(accounts: Accounts, named: Mapping[str, str | None], *, keep: bool) -> dict[str, Account]:
    """Give access to the users that a start names, and withdraw it from those of earlier starts.

    A user named with a token has only that token from now on; a user named without one keeps
    theirs. Users that an administrator added stay.

    Args:
        accounts: The accounts before.
        named: Tokens by address; None if no token is given.
        keep: Whether users named by an earlier start keep their access.

    Raises:
        ValueError: Two users have the same token.
    """
    after = dict(accounts)
    for email, account in accounts.items():
        if account.origin == "start" and email not in named and not keep:
            after[email] = replace(account, active=False)
    for email, token in named.items():
        old = after.get(email, Account(email))
        tokens = old.tokens if token is None else frozenset({token})
        after[email] = Account(email, "start", active=True, tokens=tokens)
    return _each_for_one(after, [email for email, token in named.items() if token is not None])


def add(accounts: Accounts, email: str, token: str) -> dict[str, Account]:
    """Add a user with a token, until they are revoked.

    Raises:
        ValueError: They have access already, or the token belongs to another user.
    """
    known = accounts.get(email)
    if known is not None and known.active:
        raise ValueError(f"{email} is a user already: renew their token if they have lost it")
    account = Account(email, "added", active=True, tokens=frozenset({token}))
    return _each_for_one({**accounts, email: account}, [email])


def renew(accounts: Accounts, email: str, token: str) -> dict[str, Account]:
    """Replace all tokens of a user by a new one.

    Raises:
        ValueError: There is no such user, or the token belongs to another user.
    """
    account = replace(active(accounts, email), tokens=frozenset({token}))
    return _each_for_one({**accounts, email: account}, [email])


def give(accounts: Accounts, email: str, token: str) -> dict[str, Account]:
    """Give a user an additional token.

    Raises:
        ValueError: There is no such user.
    """
    account = active(accounts, email)
    return {**accounts, email: replace(account, tokens=account.tokens | {token})}


def revoke(accounts: Accounts, email: str) -> dict[str, Account]:
    """Revoke all tokens of a user; their data stays.

    Raises:
        ValueError: There is no such user.
    """
    if email not in accounts:
        raise ValueError(f"{email} is no user of this hub")
    return {**accounts, email: replace(accounts[email], active=False, tokens=frozenset())}


def active(accounts: Accounts, email: str) -> Account:
    """Return the account of a user who has access.

    Raises:
        ValueError: There is no such user.
    """
    account = accounts.get(email)
    if account is None or not account.active:
        known = ", ".join(each.email for each in accounts.values() if each.active)
        raise ValueError(f"{email!r} is no user of this hub: {known or 'it has none'}")
    return account


def _each_for_one(accounts: dict[str, Account], given: Iterable[str]) -> dict[str, Account]:
    """Keep tokens unique: users without access lose those that are given to others."""
    for email in given:
        for other in accounts.values():
            shared = other.tokens & accounts[email].tokens
            if other.email == email or not shared:
                continue
            if other.active:
                raise ValueError(_NOT_THEIRS.format(email))
            accounts[other.email] = replace(other, tokens=other.tokens - shared)
    return accounts
