"""Who may enter: what a start of the hub, and its administrator, make of the accounts.

Each step takes all accounts by address and returns what becomes of them. Tokens are digests here.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace

from qai_hub.local.store.people import normalized
from qai_hub.local.store.records import Account

Accounts = Mapping[str, Account]

_TOKEN = re.compile(r"[!-~]+")


def new_token() -> str:
    """Make a token. It is a secret."""
    return secrets.token_hex(20)


def checked_token(token: str, email: str) -> str:
    """Return a token that can be one.

    Args:
        token: The token. It is a secret.
        email: Whom it is for.

    Raises:
        ValueError: It cannot be one.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"the token given for {email} must be of printable ASCII, without blanks")
    return token


def merged(users: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    """Return whom a start names, each person once.

    Args:
        users: Addresses and tokens; None for a token that is not given.

    Returns:
        The tokens by normalized address, in order.

    Raises:
        ValueError: An address or token cannot be one, or a person is named with two tokens.
    """
    found: dict[str, str | None] = {}
    for address, token in users:
        email = normalized(address)
        known = found.get(email)
        if token is not None and known not in (None, checked_token(token, email)):
            raise ValueError(f"{email} is named twice, with different tokens")
        found[email] = known if token is None else token
    return found


def start(accounts: Accounts, named: Mapping[str, str | None], *, keep: bool) -> dict[str, Account]:
    """Let in whom a start names, and nobody else who came by an earlier start.

    Whoever is named with a token has that one alone from now on; whoever is named without one keeps
    theirs. Whom an administrator has added stays.

    Args:
        accounts: What was.
        named: Tokens by address; None where none is given.
        keep: Let those in as well who came by an earlier start.

    Raises:
        ValueError: A token stands for two people.
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
    """Let a person in by a token, until they are revoked.

    Raises:
        ValueError: They may enter already, or the token is somebody else's.
    """
    known = accounts.get(email)
    if known is not None and known.active:
        raise ValueError(f"{email} is a user already: renew their token if they have lost it")
    account = Account(email, "added", active=True, tokens=frozenset({token}))
    return _each_for_one({**accounts, email: account}, [email])


def renew(accounts: Accounts, email: str, token: str) -> dict[str, Account]:
    """Replace all tokens of a person by another.

    Raises:
        ValueError: There is no such user, or the token is somebody else's.
    """
    account = replace(active(accounts, email), tokens=frozenset({token}))
    return _each_for_one({**accounts, email: account}, [email])


def give(accounts: Accounts, email: str, token: str) -> dict[str, Account]:
    """Give a person one more token.

    Raises:
        ValueError: There is no such user.
    """
    account = active(accounts, email)
    return {**accounts, email: replace(account, tokens=account.tokens | {token})}


def revoke(accounts: Accounts, email: str) -> dict[str, Account]:
    """Take all tokens of a person away; what they have made stays.

    Raises:
        ValueError: There is no such user.
    """
    if email not in accounts:
        raise ValueError(f"{email} is no user of this hub")
    return {**accounts, email: replace(accounts[email], active=False, tokens=frozenset())}


def active(accounts: Accounts, email: str) -> Account:
    """Return the account of a person who may enter.

    Raises:
        ValueError: There is no such user.
    """
    account = accounts.get(email)
    if account is None or not account.active:
        known = ", ".join(each.email for each in accounts.values() if each.active)
        raise ValueError(f"{email!r} is no user of this hub: {known or 'it has none'}")
    return account


def _each_for_one(accounts: dict[str, Account], given: Iterable[str]) -> dict[str, Account]:
    """Let each token stand for one person: those who may not enter lose what others are given."""
    for email in given:
        for other in accounts.values():
            shared = other.tokens & accounts[email].tokens
            if other.email == email or not shared:
                continue
            if other.active:
                raise ValueError(f"the token given for {email} is somebody else's")
            accounts[other.email] = replace(other, tokens=other.tokens - shared)
    return accounts
