"""A proxy that counts HTTP requests, and can take from them the header that asks to be held."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_REQUEST_LINE = re.compile(rb"(?:GET|POST|PUT|PATCH|DELETE) /\S* HTTP/1\.1\r\n")
_PREFER = re.compile(rb"(?i)\r\nprefer: wait=")
_BLOCK = 1 << 16


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        url: Its address.
        requests: Number of requests so far.
    """

    url: str = ""
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def counting_proxy(target: str, *, holds: bool = True) -> Iterator[Proxy]:
    """Runs a proxy during a block.

    Args:
        target: Address of the hub.
        holds: Whether requests that ask to be held are; otherwise the hub answers them at once.
    """
    server = urlsplit(target)
    found = Proxy()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    found.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=connect, args=(client,), daemon=True).start()

    def connect(client: socket.socket) -> None:
        upstream = socket.create_connection((server.hostname, server.port))
        with client, upstream:
            for each in (client, upstream):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=forward, args=(upstream, client), daemon=True)
            back.start()
            forward(client, upstream, counted=True)
            back.join()

    def forward(source: socket.socket, sink: socket.socket, *, counted: bool = False) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                if counted:
                    with found.lock:
                        found.requests += len(_REQUEST_LINE.findall(block))
                    if not holds:
                        # As long as it was, so that the rest of the request stays where it is.
                        block = _PREFER.sub(b"\r\nignored:wait=", block)
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield found
    finally:
        listener.close()
