"""How many connections there may be, and which ones make room for others."""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from typing import Any, Protocol

from starlette.types import ASGIApp

from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.rare_warnings import Seldom

_log = logging.getLogger(__name__)
_log.addFilter(Seldom())
# Seconds after which a client whose request is still incomplete may have to make room for another.
_GRACE = 2.0


class Member(Protocol):
    """A connection, as a `Crowd` uses it.

    Attributes:
        app: The application that responds to it.
    """

    app: ASGIApp

    @property
    def transport(self) -> asyncio.Transport:
        """The transport that sends its responses."""

    @property
    def owes_body(self) -> bool:
        """Whether a request that was answered already is still being sent."""

    def __hash__(self) -> int: ...


class Crowd:
    """All connections of one server: each has a place, is refused with a 503, or is closed.

    Args:
        limits: The limits on their number.
        busy: The application that responds to those that are refused.
    """

    def __init__(self, limits: ServerLimits, busy: ASGIApp) -> None:
        self.limits = limits
        self.busy = busy
        self._placed: set[Member] = set()
        self._refused: set[Member] = set()
        # In the order in which they make room, with the time since which they owe a request.
        self._idle: OrderedDict[Member, float] = OrderedDict()
        self._silent: OrderedDict[Member, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._placed) + len(self._refused)

    def enter(self, connection: Member, now: float) -> bool:
        """Give a new connection a place, or have it refused; False if it must be closed."""
        if len(self._placed) >= self.limits.connections:
            self._make_room(now)
        if len(self._placed) < self.limits.connections:
            self._placed.add(connection)
            self._silent[connection] = now
            return True
        _log.warning("%d connections are open: more are refused", len(self._placed))
        if len(self._refused) >= self.limits.refusals:
            return False
        connection.app = self.busy
        self._refused.add(connection)
        return True

    def speaks(self, connection: Member) -> None:
        """Note that a request has arrived, or a file has begun to."""
        self._idle.pop(connection, None)
        self._silent.pop(connection, None)

    def rests(self, connection: Member, now: float) -> None:
        """Note that a connection is idle until its next request."""
        if connection in self._placed:
            self._idle[connection] = now

    def hesitates(self, connection: Member, now: float) -> None:
        """Note that a request has begun to arrive, or was answered before its body ended."""
        self._idle.pop(connection, None)
        if connection in self._placed:
            self._silent.setdefault(connection, now)

    def leave(self, connection: Member) -> None:
        """Remove a connection."""
        self.speaks(connection)
        self._placed.discard(connection)
        self._refused.discard(connection)

    def _make_room(self, now: float) -> None:
        if self._idle:
            connection, _ = self._idle.popitem(last=False)
        elif self._silent and now - next(iter(self._silent.values())) >= _GRACE:
            connection, _ = self._silent.popitem(last=False)
        else:
            return
        self.leave(connection)
        if connection.owes_body:
            # Closing it would let it linger.
            connection.transport.abort()
        else:
            connection.transport.close()


class Lingering(Protocol):
    """The connection, as the transport uses and notifies it."""

    @property
    def owes_body(self) -> bool:
        """Whether a request that was answered already is still being sent."""

    def lingers(self) -> None:
        """Note that the client may still send, and read the response."""

    def closes(self) -> None:
        """Note that the connection closes once everything is sent."""


class LingeringTransport(asyncio.Transport):
    """A transport that closes gracefully while the client is still sending.

    Closing with unread bytes resets the connection and may discard the response, so a client that
    sent too much would never read why it was refused. The transport therefore closes its sending
    side first, and reads and discards the rest for a while.

    Args:
        transport: The transport to wrap.
        protocol: The connection, which is notified.

    Attributes:
        lingers: Whether it is reading and discarding the rest.
    """

    def __init__(self, transport: asyncio.Transport, protocol: Lingering) -> None:
        super().__init__()
        self._transport = transport
        self._protocol = protocol
        self.lingers = False

    def close(self) -> None:
        """Close once the client has had time to read."""
        if self.is_closing():
            return
        if self._protocol.owes_body:
            self.lingers = True
            with suppress(OSError):
                self._transport.write_eof()
                self._transport.resume_reading()
                self._protocol.lingers()
                return
        self._transport.close()
        self._protocol.closes()

    def is_closing(self) -> bool:
        """Return whether the transport is closing or closed."""
        return self.lingers or self._transport.is_closing()

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
