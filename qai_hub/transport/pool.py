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
class _Shared:
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
        self._sessions: OrderedDict[Hashable, _Shared] = OrderedDict()
        self._of_parent: list[OrderedDict[Hashable, _Shared]] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)

    @contextlib.contextmanager
    def lease(
        self, key: Hashable, make: Callable[[], Session], version: Hashable = None
    ) -> Iterator[Session]:
        """Lends a session for the duration of a block.

        Args:
            key: Key of the session, such as its configuration.
            make: Creates the session if there is none for the key.
            version: State that the session depends on and that may change, such as environment
                variables. A session with another version is replaced.

        Yields:
            The session.
        """
        with self._lock:
            shared = self._sessions.get(key)
            if shared is None or shared.version != version:
                made = _Shared(make(), version)
                if shared is not None:
                    self._retire(key)
                shared = self._sessions[key] = made
            shared.users += 1
            self._sessions.move_to_end(key)
            while len(self._sessions) > self._size:
                self._retire(next(iter(self._sessions)))
        try:
            yield shared.session
        finally:
            with self._lock:
                shared.users -= 1
                self._close_if_unused(shared)

    def close(self, key: Hashable) -> None:
        """Closes a session after its last use; the next lease creates a new one.

        Args:
            key: Key of the session.
        """
        with self._lock:
            if key in self._sessions:
                self._retire(key)

    def _retire(self, key: Hashable) -> None:
        shared = self._sessions.pop(key)
        shared.retired = True
        self._close_if_unused(shared)

    def _close_if_unused(self, shared: _Shared) -> None:
        if shared.retired and not shared.users:
            shared.session.close()

    def _leave_to_parent(self) -> None:
        # The lock, and those inside the sessions that closing would take, may have been held at the
        # fork. So nothing is closed, and references keep the sessions from being finalised.
        self._of_parent.append(self._sessions)
        self._sessions = OrderedDict()
        self._lock = threading.Lock()


SESSIONS = SessionPool()
"""The sessions of this process."""
