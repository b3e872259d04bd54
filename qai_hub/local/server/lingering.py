"""A transport that lets a refused client read the reason before the connection closes."""

import asyncio
from contextlib import suppress
from typing import Any, Protocol


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
