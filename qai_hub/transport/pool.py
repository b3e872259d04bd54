"""The sessions of this process: one for each configuration, shared by all threads."""

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
    """Keeps the sessions that were used last.

    A process that was forked starts without any: connections cannot be shared with the parent.

    Args:
        size: Sessions to keep. One that is used when it should go is closed after its last use.
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
        """Lends a session for as long as the block lasts.

        Args:
            key: What tells sessions apart.
            make: Makes the session, if there is none for the key.
            version: What sessions depend on and may change: one that was made of another takes no
                more leases.

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
        """Closes a session, after its last use; the next lease makes a new one.

        Args:
            key: What tells sessions apart.
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
        # The lock may have been held, and closing would take locks within the sessions, which may
        # have been held too: all of it is left alone.
        self._of_parent.append(self._sessions)
        self._sessions = OrderedDict()
        self._lock = threading.Lock()


SESSIONS = SessionPool()
"""The sessions of this process."""
