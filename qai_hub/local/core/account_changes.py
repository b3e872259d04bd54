"""Changes of accounts, as functions from all accounts before to all accounts after.

The hub and `qai-hub users` store the result.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace

from qai_hub.local.store.people import normalize_email
from qai_hub.local.store.records import Account

AccountsByEmail = Mapping[str, Account]

MAX_PRIORITY = 1000

_TOKEN = re.compile(r"[!-~]+")
_TAKEN = "the token given for {} belongs to another user"


def generate_token() -> str:
    """Generate a token. It is a secret."""
    return secrets.token_hex(20)


def validate_token(token: str, email: str) -> str:
    """Return a token if it is valid.

    Args:
        token: The token. It is a secret.
        email: The user that it is for.

    Raises:
        ValueError: The token is invalid.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"the token given for {email} must be printable ASCII without blanks")
    return token


def merge_users(users: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
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
    emails_by_token: dict[str, str] = {}
    for address, token in users:
        email = normalize_email(address)
        known = found.get(email)
        if token is not None and known not in (None, validate_token(token, email)):
            raise ValueError(f"{email} is named twice, with different tokens")
        if token is not None and emails_by_token.setdefault(token, email) != email:
            raise ValueError(_TAKEN.format(email))
        found[email] = known if token is None else token
    return found


def apply_named_users(
    accounts: AccountsByEmail, named: Mapping[str, str | None], *, keep: bool
) -> dict[str, Account]:
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
        after[email] = replace(old, origin="start", active=True, tokens=tokens)
    return _ensure_unique_tokens(
        after, [email for email, token in named.items() if token is not None]
    )


def add_account(accounts: AccountsByEmail, email: str, token: str) -> dict[str, Account]:
    """Add a user with a token, until they are revoked.

    Raises:
        ValueError: They have access already, or the token belongs to another user.
    """
    known = accounts.get(email)
    if known is not None and known.active:
        raise ValueError(f"{email} is already a user: renew their token if they have lost it")
    account = replace(
        known or Account(email), origin="added", active=True, tokens=frozenset({token})
    )
    return _ensure_unique_tokens({**accounts, email: account}, [email])


def replace_tokens(accounts: AccountsByEmail, email: str, token: str) -> dict[str, Account]:
    """Replace all tokens of a user by a new one.

    Raises:
        ValueError: There is no such user, or the token belongs to another user.
    """
    account = replace(get_active(accounts, email), tokens=frozenset({token}))
    return _ensure_unique_tokens({**accounts, email: account}, [email])


def add_token(accounts: AccountsByEmail, email: str, token: str) -> dict[str, Account]:
    """Give a user an additional token.

    Raises:
        ValueError: There is no such user.
    """
    account = get_active(accounts, email)
    return {**accounts, email: replace(account, tokens=account.tokens | {token})}


def set_priority(accounts: AccountsByEmail, email: str, priority: int) -> dict[str, Account]:
    """Have the jobs of a user start before those of users with a lower priority.

    Args:
        accounts: The accounts before.
        email: The user.
        priority: Any number; that of users is 0 if it was not set.

    Raises:
        ValueError: There is no such user, or the number is out of its range.
    """
    if abs(priority) > MAX_PRIORITY:
        raise ValueError(f"a priority must be between -{MAX_PRIORITY} and {MAX_PRIORITY}")
    return {**accounts, email: replace(get_active(accounts, email), priority=priority)}


def set_limits(
    accounts: AccountsByEmail, email: str, limits: Mapping[str, int | None]
) -> dict[str, Account]:
    """Set what a user may have and do at most.

    Args:
        accounts: The accounts before.
        email: The user.
        limits: The fields of `UserLimits` that change; None for what the hub allows everybody.

    Raises:
        ValueError: There is no such user.
    """
    account = get_active(accounts, email)
    return {**accounts, email: replace(account, limits=replace(account.limits, **limits))}


def revoke_account(accounts: AccountsByEmail, email: str) -> dict[str, Account]:
    """Revoke all tokens of a user; their data stays.

    Raises:
        ValueError: There is no such user.
    """
    if email not in accounts:
        raise _no_such_user(accounts, email)
    return {**accounts, email: replace(accounts[email], active=False, tokens=frozenset())}


def get_active(accounts: AccountsByEmail, email: str) -> Account:
    """Return the account of a user who has access.

    Raises:
        ValueError: There is no such user.
    """
    account = accounts.get(email)
    if account is None or not account.active:
        raise _no_such_user(accounts, email)
    return account


def _no_such_user(accounts: AccountsByEmail, email: str) -> ValueError:
    known = ", ".join(each.email for each in accounts.values() if each.active)
    return ValueError(f"{email!r} is not a user of this hub (its users: {known or 'none'})")


def _ensure_unique_tokens(accounts: dict[str, Account], given: Iterable[str]) -> dict[str, Account]:
    """Keep tokens unique: users without access lose those that are given to others."""
    for email in given:
        for other in accounts.values():
            shared = other.tokens & accounts[email].tokens
            if other.email == email or not shared:
                continue
            if other.active:
                raise ValueError(_TAKEN.format(email))
            accounts[other.email] = replace(other, tokens=other.tokens - shared)
    return accounts
