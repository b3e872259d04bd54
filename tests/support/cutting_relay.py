"""A relay that resets connections at chosen bytes of the uploads that pass through it."""

import io
import re
import socket
import struct
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from support.scripted_server import LoopbackServer

CUTS = (
    "in the head",
    "before the body",
    "after the first byte",
    "in the middle",
    "before the last byte",
    "before the answer",
    "in the answer",
)
# An upload and the number of a part of it.
UploadPart: TypeAlias = tuple[str, int]
_PIECE = 64 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)
# Of a hub, and of object storage.
_PART = re.compile(
    rb"PUT /(?:api/v1/storage/uploads/(?P<upload>\w+)/parts/(?P<number>\d+)/"
    rb"|\S+/files/(?P<key>\w+)\?(?=\S*uploadId=)\S*partNumber=(?P<part>\d+))"
)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class _Begun(NamedTuple):
    """A request for a part: how many there were before it, and where to cut it."""

    part: UploadPart
    earlier: int
    cut: str


class CuttingRelay(LoopbackServer):
    """Relays requests to a server on loopback, byte by byte as they come, one a connection.

    Args:
        port: Port of the server.
        cuts: Where the first request for a part is cut, both ways, by the number of the part: one
            of `CUTS`.
        pause: Seconds to wait after each piece of a body.

    Attributes:
        begun: The parts whose requests have come so far, by upload and number.
        stored: The parts that the server has acknowledged, and that nobody has begun again.
    """

    def __init__(
        self, port: int, cuts: Mapping[int, str] = MappingProxyType({}), pause: float = 0.0
    ) -> None:
        super().__init__(self._relay)
        # So that little arrives of what a client that was killed has still sent.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PIECE)
        self._pause = pause
        self._server_port = port
        self._cuts = dict(cuts)
        self._lock = threading.Lock()
        self.begun: list[UploadPart] = []
        self.stored: set[UploadPart] = set()

    def _relay(self, client: socket.socket) -> None:
        with client.makefile("rb") as stream:
            lines = [stream.readline()]
            while lines[-1] != b"\r\n":
                if not lines[-1]:
                    return
                lines.append(stream.readline())
            head = b"".join([lines[0], b"Connection: close\r\n", *lines[1:]])
            found = _LENGTH.search(head)
            size = int(found[1]) if found else 0
            begun = self._begin(head)
            cut = begun.cut if begun else ""
            with self.connect(("127.0.0.1", self._server_port)) as server:
                limits = {
                    "in the head": len(head) // 2,
                    "before the body": len(head),
                    "after the first byte": len(head) + 1,
                    "in the middle": len(head) + size // 2,
                    "before the last byte": len(head) + size - 1,
                }
                limit = limits.get(cut, len(head) + size)
                sent = self._send_up_to(server, head, stream, limit)
                # Cut, or left by a client that was killed.
                if sent < len(head) + size:
                    _reset(server)
                else:
                    self._answer(client, server, begun)
        if cut:
            _reset(client)
            client.close()

    def _begin(self, head: bytes) -> _Begun | None:
        """Note that a part has come, if a request is for one."""
        found = _PART.match(head)
        if found is None:
            return None
        upload, number = found["upload"] or found["key"], found["number"] or found["part"]
        part = (upload.decode(), int(number))
        with self._lock:
            earlier = self.begun.count(part)
            self.begun.append(part)
            # It is being written over.
            self.stored.discard(part)
            return _Begun(part, earlier, self._cuts.pop(part[1], ""))

    def _send_up_to(
        self, server: socket.socket, head: bytes, body: io.BufferedReader, limit: int
    ) -> int:
        server.sendall(head[:limit])
        left = limit - len(head)
        while left > 0 and (block := body.read1(min(left, _PIECE))):
            server.sendall(block)
            left -= len(block)
            if self._pause:
                self.stopped.wait(self._pause)
        return limit - max(0, left)

    def _answer(self, client: socket.socket, server: socket.socket, begun: _Begun | None) -> None:
        cut = begun.cut if begun else ""
        while block := server.recv(1 << 16):
            if begun is not None and block.startswith(b"HTTP/1.1 200"):
                with self._lock:
                    if self.begun.count(begun.part) == begun.earlier + 1:
                        self.stored.add(begun.part)
            if cut == "in the answer":
                client.sendall(block[:20])
            if cut:
                return
            client.sendall(block)


def _reset(connection: socket.socket) -> None:
    """Have a connection end by a reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
