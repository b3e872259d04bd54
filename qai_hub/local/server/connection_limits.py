"""How many connections there may be, and which ones make room for others."""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from typing import Any, Protocol

from starlette.types import ASGIApp

from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.log_filter import RateLimitFilter

_log = logging.getLogger(__name__)
_log.addFilter(RateLimitFilter())
# Seconds after which a client whose request is still incomplete may have to make room for another.
_INCOMPLETE_SECONDS = 2.0


class LimitedConnection(Protocol):
    """A connection, as the `ConnectionLimiter` uses it.

    Attributes:
        app: The application that responds to it.
    """

    app: ASGIApp

    @property
    def transport(self) -> asyncio.Transport:
        """The transport that sends its responses."""

    @property
    def has_unread_body(self) -> bool:
        """Whether a request that was answered already is still being sent."""

    def __hash__(self) -> int: ...


class ConnectionLimiter:
    """Limits the connections of one server: each is served, refused with a 503, or closed.

    Args:
        limits: The limits on their number.
        busy_app: The application that responds to those that are refused.
    """

    def __init__(self, limits: ServerLimits, busy_app: ASGIApp) -> None:
        self.limits = limits
        self.busy_app = busy_app
        self._admitted: set[LimitedConnection] = set()
        self._refused: set[LimitedConnection] = set()
        # In the order in which they make room, with the time since which they owe a request.
        self._idle: OrderedDict[LimitedConnection, float] = OrderedDict()
        self._incomplete: OrderedDict[LimitedConnection, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._admitted) + len(self._refused)

    def admit(self, connection: LimitedConnection, now: float) -> bool:
        """Give a new connection a place, or have it refused; False if it must be closed."""
        if len(self._admitted) >= self.limits.connections:
            self._make_room(now)
        if len(self._admitted) < self.limits.connections:
            self._admitted.add(connection)
            self._incomplete[connection] = now
            return True
        _log.warning("%d connections are open: more are refused", len(self._admitted))
        if len(self._refused) >= self.limits.refusals:
            return False
        connection.app = self.busy_app
        self._refused.add(connection)
        return True

    def mark_active(self, connection: LimitedConnection) -> None:
        """Note that a request has arrived, or a file has begun to."""
        self._idle.pop(connection, None)
        self._incomplete.pop(connection, None)

    def mark_idle(self, connection: LimitedConnection, now: float) -> None:
        """Note that a connection is idle until its next request."""
        if connection in self._admitted:
            self._idle[connection] = now

    def mark_incomplete(self, connection: LimitedConnection, now: float) -> None:
        """Note that a request has begun to arrive, or was answered before its body ended."""
        self._idle.pop(connection, None)
        if connection in self._admitted:
            self._incomplete.setdefault(connection, now)

    def remove(self, connection: LimitedConnection) -> None:
        """Remove a connection."""
        self.mark_active(connection)
        self._admitted.discard(connection)
        self._refused.discard(connection)

    def _make_room(self, now: float) -> None:
        if self._idle:
            connection, _ = self._idle.popitem(last=False)
        elif (
            self._incomplete and now - next(iter(self._incomplete.values())) >= _INCOMPLETE_SECONDS
        ):
            connection, _ = self._incomplete.popitem(last=False)
        else:
            return
        self.remove(connection)
        if connection.has_unread_body:
            # Closing it would let it linger.
            connection.transport.abort()
        else:
            connection.transport.close()


class TransportObserver(Protocol):
    """The connection, as the transport uses and notifies it."""

    @property
    def has_unread_body(self) -> bool:
        """Whether a request that was answered already is still being sent."""

    def on_linger(self) -> None:
        """Note that the client may still send, and read the response."""

    def on_close(self) -> None:
        """Note that the connection closes once everything is sent."""


class LingeringTransport(asyncio.Transport):
    """A transport that closes gracefully while the client is still sending.

    Closing with unread bytes resets the connection and may discard the response, so a client that
    sent too much would never read why it was refused. The transport therefore closes its sending
    side first, and reads and discards the rest for a while.

    Args:
        transport: The transport to wrap.
        observer: The connection, which is notified.

    Attributes:
        is_lingering: Whether it is reading and discarding the rest.
    """

    def __init__(self, transport: asyncio.Transport, observer: TransportObserver) -> None:
        super().__init__()
        self._transport = transport
        self._observer = observer
        self.is_lingering = False

    def close(self) -> None:
        """Close once the client has had time to read."""
        if self.is_closing():
            return
        if self._observer.has_unread_body:
            self.is_lingering = True
            with suppress(OSError):
                self._transport.write_eof()
                self._transport.resume_reading()
                self._observer.on_linger()
                return
        self._transport.close()
        self._observer.on_close()

    def is_closing(self) -> bool:
        """Return whether the transport is closing or closed."""
        return self.is_lingering or self._transport.is_closing()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that are still to be sent."""
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - asyncio's
        """Return information from the wrapped transport."""
        return self._transport.get_extra_info(name, default)
