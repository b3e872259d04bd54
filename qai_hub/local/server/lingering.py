"""A transport that lets the other side read why it was refused before the connection ends."""

import asyncio
from contextlib import suppress
from typing import Any, Protocol


class Lingering(Protocol):
    """What the transport asks of its connection, and tells it."""

    @property
    def owes_body(self) -> bool:
        """Whether there is more to come of what has been answered."""

    def lingers(self) -> None:
        """Note that the other side may still send, and read the answer."""

    def closes(self) -> None:
        """Note that the connection closes once everything is sent."""


class LingeringTransport(asyncio.Transport):
    """A transport that closes gently while the other side is still sending.

    To close with bytes unread resets the connection, and what was sent may be lost with it: who has
    sent too much would never read that. So it says that nothing more comes, and takes and drops the
    rest for a while.

    Args:
        transport: The transport.
        protocol: The protocol, which is told.

    Attributes:
        lingers: Whether it is doing so.
    """

    def __init__(self, transport: asyncio.Transport, protocol: Lingering) -> None:
        super().__init__()
        self._transport = transport
        self._protocol = protocol
        self.lingers = False

    def close(self) -> None:
        """Close, once the other side has had time to read."""
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
        """Return whether nothing more is sent."""
        return self.lingers or self._transport.is_closing()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are still to be sent."""
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - asyncio's
        """Return what the transport underneath knows."""
        return self._transport.get_extra_info(name, default)
