"""The pool of sessions of this process: one per configuration, shared by all threads."""

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from qai_hub.transport.session import Session

__all__ = ["SESSIONS", "SessionPool"]


@dataclass
class _PooledSession:
    session: Session
    version: Hashable
    users: int = 0
    retired: bool = False


class SessionPool:
    """Keeps the most recently used sessions.

    A forked process starts with an empty pool, since connections cannot be shared with the parent.

    Args:
        size: Number of sessions to keep. One that is evicted while in use is closed after its last
            use.
    """

    def __init__(self, size: int = 16) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._sessions: OrderedDict[Hashable, _PooledSession] = OrderedDict()
        self._inherited: list[OrderedDict[Hashable, _PooledSession]] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset_after_fork)

    @contextlib.contextmanager
    def lease(
        self, key: Hashable, create: Callable[[], Session], version: Hashable = None
    ) -> Iterator[Session]:
        """Lends a session for the duration of a block.

        Args:
            key: Key of the session, such as its configuration.
            create: Creates the session if there is none for the key.
            version: State that the session depends on and that may change, such as environment
                variables. A session with another version is replaced.

        Yields:
            The session.
        """
        with self._lock:
            pooled = self._sessions.get(key)
            if pooled is None or pooled.version != version:
                created = _PooledSession(create(), version)
                if pooled is not None:
                    self._retire(key)
                pooled = self._sessions[key] = created
            pooled.users += 1
            self._sessions.move_to_end(key)
            while len(self._sessions) > self._size:
                self._retire(next(iter(self._sessions)))
        try:
            yield pooled.session
        finally:
            with self._lock:
                pooled.users -= 1
                self._close_if_unused(pooled)

    def close(self, key: Hashable) -> None:
        """Closes a session after its last use; the next lease creates a new one.

        Args:
            key: Key of the session.
        """
        with self._lock:
            if key in self._sessions:
                self._retire(key)

    def _retire(self, key: Hashable) -> None:
        pooled = self._sessions.pop(key)
        pooled.retired = True
        self._close_if_unused(pooled)

    def _close_if_unused(self, pooled: _PooledSession) -> None:
        if pooled.retired and not pooled.users:
            pooled.session.close()

    def _reset_after_fork(self) -> None:
        # The lock, and those inside the sessions that closing would take, may have been held at the
        # fork. So nothing is closed, and references keep the sessions from being finalised.
        self._inherited.append(self._sessions)
        self._sessions = OrderedDict()
        self._lock = threading.Lock()


SESSIONS = SessionPool()
"""The sessions of this process."""
