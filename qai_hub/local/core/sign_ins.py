"""Signing browsers in: by links that can be used once, and sessions that these begin."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import Connection

from qai_hub.local.clock import Clock, rfc3339
from qai_hub.local.config import Retention
from qai_hub.local.core.accounts import Accounts
from qai_hub.local.store import Store
from qai_hub.local.store.people import token_digest
from qai_hub.local.store.records import User
from qai_hub.local.store.sign_ins import (
    Kind,
    SignIn,
    add_sign_in,
    delete_expired,
    delete_older,
    get_sign_in,
    take_sign_in,
)

SIGN_IN_PATH: Final = "/sign-in/"
"""The path of the page that links lead to."""

# The newest of each user, so that none fills the database.
_KEPT: Final[Mapping[Kind, int]] = {"link": 20, "session": 50}


def link_path(code: str, to: str = "/") -> str:
    """Return the path and query of a link.

    Args:
        code: What signs a browser in once.
        to: The path that the browser is then led to.
    """
    query = {"code": code} if to == "/" else {"code": code, "to": to}
    return f"{SIGN_IN_PATH}?{urlencode(query)}"


class SignIns:
    """The browsers that are signed in to a hub.

    All of it is in the database, so that any process knows a browser that another has signed in.

    Args:
        store: The database.
        accounts: The users.
        clock: Returns the current time.
        retention: How long links and sessions last.
    """

    def __init__(
        self, store: Store, accounts: Accounts, clock: Clock, retention: Retention
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._retention = retention

    def create_link(self, user: User, token: str | None) -> tuple[str, datetime]:
        """Create what signs a browser in once.

        Args:
            user: The user.
            token: The token of theirs that asks for it, with which its session ends; None if it is
                none of the hub's.

        Returns:
            The code for a link, which is a secret, and when it expires.
        """
        digest = None if token is None else token_digest(token)
        with self._store.write() as db:
            delete_expired(db, self._now())
            return self._add(db, "link", user.id, digest, self._retention.sign_in_links)

    def begin_session(self, code: str, earlier: str | None = None) -> str | None:
        """Use the code of a link, which cannot be used again.

        Args:
            code: The code.
            earlier: The session that the browser had until now, which ends; None if it had none.

        Returns:
            What the browser proves itself with from now on, which is a secret; None if the code
            cannot be used any more, and the earlier session goes on.
        """
        with self._store.write() as db:
            link = take_sign_in(db, _digest(code), "link", self._now())
            if link is None:
                return None
            user = self._accounts.find_active(link.user_id, link.token_digest)
            if user is None:
                return None
            if earlier is not None:
                take_sign_in(db, _digest(earlier), "session", self._now())
            session, _ = self._add(
                db, "session", user.id, link.token_digest, self._retention.sessions
            )
            return session

    def find_link_user(self, code: str) -> User | None:
        """Return whom a link signs in, without using it; None if it cannot be used any more."""
        return self._find("link", code)

    def find_user(self, session: str) -> User | None:
        """Return the user of a session; None if it has ended."""
        return self._find("session", session)

    def _find(self, kind: Kind, secret: str) -> User | None:
        with self._store.read() as db:
            found = get_sign_in(db, _digest(secret), kind, self._now())
        if found is None:
            return None
        return self._accounts.find_active(found.user_id, found.token_digest)

    def end_session(self, session: str) -> None:
        """End a session, if it has not ended."""
        with self._store.write() as db:
            take_sign_in(db, _digest(session), "session", self._now())

    def _add(
        self,
        db: Connection,
        kind: Kind,
        user_id: int,
        digest: str | None,
        lifetime: timedelta,
    ) -> tuple[str, datetime]:
        secret = secrets.token_urlsafe(32)
        expires = self._clock() + lifetime
        add_sign_in(db, SignIn(_digest(secret), kind, user_id, digest, rfc3339(expires)))
        delete_older(db, user_id, kind, _KEPT[kind])
        return secret, expires

    def _now(self) -> str:
        return rfc3339(self._clock())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
