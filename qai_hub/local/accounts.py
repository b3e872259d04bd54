"""Who may use the hub: its users, and the tokens that stand for them."""

import secrets
import threading
from collections.abc import Mapping

from qai_hub.local.store import Store
from qai_hub.local.store.records import User
from qai_hub.local.store.users import (
    add_token,
    all_users,
    ensure_user,
    normalized,
    token_digest,
    token_holders,
)

DEFAULT_USER = "user@localhost"


class Accounts:
    """The users of a hub. They are few and known at the start, so all are held in memory.

    Args:
        store: Where they are kept.
        users: Tokens by e-mail address; None where one is to be made when it is asked for. They
            are added to those that the store has already.

    Raises:
        ValueError: An address is none, a token cannot be one, or it stands for two people.
    """

    def __init__(self, store: Store, users: Mapping[str, str | None]) -> None:
        self._store = store
        self._lock = threading.Lock()
        # Known in clear, for this process only: those that were given, or made by it.
        self._tokens: dict[str, str | None] = {}
        with store.write() as db:
            for address, token in users.items():
                user = ensure_user(db, normalized(address))
                self._tokens[user.email] = token
                if token is not None:
                    add_token(db, user, _checked(token, user.email))
            self._users = {user.email: user for user in all_users(db)}
            holders = token_holders(db)
        self._by_id = {user.id: user for user in self._users.values()}
        self._by_digest = {digest: self._by_id[user_id] for digest, user_id in holders.items()}

    @property
    def emails(self) -> list[str]:
        """The addresses that the hub was started for, in order."""
        return list(self._tokens)

    def authenticate(self, token: str) -> User | None:
        """Return whom a token stands for, or None."""
        return self._by_digest.get(token_digest(token))

    def user(self, user_id: int) -> User:
        """Return the user with a number."""
        return self._by_id[user_id]

    def with_email(self, email: str) -> User | None:
        """Return the user with an address, or None."""
        return self._users.get(email.strip().lower())

    def token(self, email: str) -> str:
        """Return a token of a user that the hub was started for, made if none is known in clear.

        Args:
            email: The user's address.

        Returns:
            The token. It is a secret.

        Raises:
            ValueError: The hub was not started for such a user.
        """
        user = self.with_email(email)
        if user is None or user.email not in self._tokens:
            raise ValueError(f"{email!r} is no user of this hub: {', '.join(self._tokens)}")
        with self._lock:
            token = self._tokens[user.email]
            if token is None:
                token = secrets.token_hex(20)
                with self._store.write() as db:
                    add_token(db, user, token)
                self._tokens[user.email] = token
                self._by_digest[token_digest(token)] = user
        return token


def _checked(token: str, email: str) -> str:
    if not token or not all("!" <= character <= "~" for character in token):
        raise ValueError(f"the token given for {email} must be of printable ASCII, without blanks")
    return token
