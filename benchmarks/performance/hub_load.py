"""Asks a hub for the same thing again and again, from connections that stay open."""

import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from urllib.parse import urlsplit

from performance.hub_process import TOKEN

_LENGTH = b"content-length: "


@dataclass
class _Connection:
    """A connection on which a request is sent as soon as the last one is answered."""

    socket: socket.socket
    request: bytes
    received: bytearray = field(default_factory=bytearray)

    def send(self) -> None:
        self.received.clear()
        self.socket.sendall(self.request)

    def receive(self) -> bytes | None:
        """Receive what is there; return the body once it is complete."""
        self.received += self.socket.recv(1 << 18)
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = int(head.partition(_LENGTH)[2].partition(b"\r\n")[0])
        return bytes(body) if len(body) == length else None


def ask(url: str, path: str, *, connections: int = 1, seconds: float = 0) -> list[bytes]:
    """Asks a hub until the time is up, and at least once; returns the bodies of the answers.

    Args:
        url: Address of the hub.
        path: What is asked for.
        connections: Number of connections.
        seconds: How long.
    """
    server = urlsplit(url)
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {server.netloc}\r\nAuthorization: token {TOKEN}\r\n"
        "Accept: application/json\r\n\r\n"
    ).encode()
    answers = list[bytes]()
    end = time.monotonic() + seconds
    with ExitStack() as stack:
        selector = stack.enter_context(DefaultSelector())
        for _ in range(connections):
            opened = socket.create_connection((server.hostname, server.port))
            connection = _Connection(stack.enter_context(opened), request)
            selector.register(opened, EVENT_READ, connection)
            connection.send()
        while not answers or time.monotonic() < end:
            for key, _ in selector.select():
                connection = key.data
                body = connection.receive()
                if body is not None:
                    answers.append(body)
                    connection.send()
    return answers
