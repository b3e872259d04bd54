"""Who may use the hub: its users, and the tokens that stand for them."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from qai_hub.local.core import admission
from qai_hub.local.store import Store
from qai_hub.local.store.people import (
    all_users,
    normalized,
    read_accounts,
    token_digest,
    users_version,
    write_accounts,
)
from qai_hub.local.store.records import Account, Origin, User

_log = logging.getLogger(__name__)

# Seconds between two looks whether another process has changed the accounts.
LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class HubUser:
    """A user of a local hub.

    Attributes:
        email: Their address.
        active: Whether they may enter; what they have made is there in any case.
        origin: "start" if the latest start that named them has let them in, "added" if they were
            added since, and stay until they are revoked.
        tokens: How many tokens stand for them.

    Examples:
        >>> you = local_hub.users()[0]
        >>> you.email, you.active, you.origin
        ('you@example.com', True, 'start')
    """

    email: str
    active: bool
    origin: Origin
    tokens: int


class Accounts:
    """The users of a hub. They are few, so all are held in memory.

    Another process may change them in the database: it is looked at from time to time.

    Args:
        store: Where they are kept.
        users: Tokens by e-mail address; None where the user keeps theirs, or one is made when it is
            asked for.
        keep: Let those in as well whom an earlier start has named, and this one does not.
        monotonic: Tells the seconds that have passed.

    Raises:
        ValueError: An address is none, a token cannot be one, or it stands for two people.
    """

    def __init__(
        self,
        store: Store,
        users: Iterable[tuple[str, str | None]],
        *,
        keep: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._look_at = monotonic() + LOOK_EVERY
        self._swapping = threading.Lock()
        self._making = threading.Lock()
        named = admission.merged(users)
        self._named = list(named)
        # In clear, for this process only: those that were given, or made by it.
        self._tokens = {email: token for email, token in named.items() if token is not None}
        digests = {email: token and token_digest(token) for email, token in named.items()}
        with store.write() as db:
            before = read_accounts(db)
            write_accounts(db, admission.start(before, digests, keep=keep))
            self._known = _Known.read(db)
        for email, account in before.items():
            if account.active and not self._known.accounts[email].active:
                _log.warning(
                    "%s may not enter any more: this start does not name them. What they have made "
                    "stays.",
                    email,
                )

    @property
    def emails(self) -> list[str]:
        """The addresses that the hub was started for, in order."""
        return list(self._named)

    def authenticate(self, token: str) -> User | None:
        """Return whom a token stands for, or None."""
        self._look()
        return self._known.holders.get(token_digest(token))

    def user(self, user_id: int) -> User:
        """Return the user with a number, whether they may enter or not."""
        return self._known.by_id[user_id]

    def with_email(self, email: str) -> User | None:
        """Return the user with an address, whether they may enter or not, or None."""
        return self._known.users.get(email.strip().lower())

    def listed(self) -> list[HubUser]:
        """Return all users, in the order in which they came."""
        self._look(now=True)
        return [
            HubUser(each.email, each.active, each.origin, len(each.tokens))
            for each in self._known.accounts.values()
        ]

    def token(self, email: str) -> str:
        """Return a token of a user, made if none that still counts is known in clear.

        Args:
            email: The user's address.

        Returns:
            The token. It is a secret.

        Raises:
            ValueError: There is no such user, or they may not enter.
        """
        self._look(now=True)
        with self._making:
            account = admission.active(self._known.accounts, email.strip().lower())
            known = self._tokens.get(account.email)
            if known is not None and token_digest(known) in account.tokens:
                return known
            return self._change(admission.give, account.email, None)

    def add(self, email: str, token: str | None = None) -> str:
        """Let a person in, until they are revoked.

        Args:
            email: Their address.
            token: What stands for them; None to make one.

        Returns:
            The token. It is a secret.

        Raises:
            ValueError: They may enter already, the address or the token cannot be one, or the token
                is somebody else's.
        """
        return self._change(admission.add, normalized(email), token)

    def renew(self, email: str, token: str | None = None) -> str:
        """Replace all tokens of a user by another.

        Args:
            email: Their address.
            token: What stands for them from now on; None to make one.

        Returns:
            The token. It is a secret.

        Raises:
            ValueError: There is no such user, the token cannot be one, or it is somebody else's.
        """
        return self._change(admission.renew, normalized(email), token)

    def revoke(self, email: str) -> None:
        """Let a person enter no longer.

        Args:
            email: Their address.

        Raises:
            ValueError: There is no such user.
        """
        email = normalized(email)
        self._apply(lambda accounts: admission.revoke(accounts, email))

    def _change(
        self,
        step: Callable[[admission.Accounts, str, str], dict[str, Account]],
        email: str,
        token: str | None,
    ) -> str:
        token = admission.new_token() if token is None else admission.checked_token(token, email)
        digest = token_digest(token)
        self._apply(lambda accounts: step(accounts, email, digest))
        self._tokens[email] = token
        return token

    def _apply(self, step: Callable[[admission.Accounts], dict[str, Account]]) -> None:
        with self._store.write() as db:
            write_accounts(db, step(read_accounts(db)))
            known = _Known.read(db)
        self._adopt(known)

    def _look(self, *, now: bool = False) -> None:
        """Take over what another process has changed."""
        moment = self._monotonic()
        if moment < self._look_at and not now:
            return
        self._look_at = moment + LOOK_EVERY
        with self._store.read() as db:
            if users_version(db) == self._known.version:
                return
            known = _Known.read(db)
        self._adopt(known)

    def _adopt(self, known: "_Known") -> None:
        """Go on with what was read, unless another thread has read something newer since."""
        with self._swapping:
            if known.version > self._known.version:
                self._known = known


@dataclass(frozen=True, slots=True)
class _Known:
    """The accounts as the database had them at one moment."""

    version: int
    accounts: Mapping[str, Account]
    users: Mapping[str, User]
    by_id: Mapping[int, User]
    holders: Mapping[str, User]

    @classmethod
    def read(cls, db: Connection) -> Self:
        accounts = read_accounts(db)
        users = {user.email: user for user in all_users(db)}
        return cls(
            version=users_version(db),
            accounts=accounts,
            users=users,
            by_id={user.id: user for user in users.values()},
            holders={
                digest: users[account.email]
                for account in accounts.values()
                if account.active
                for digest in account.tokens
            },
        )
