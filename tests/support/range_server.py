"""A file server that answers ranges at a limited rate, and notes how often it sent each byte."""

import base64
import functools
import hashlib
import re
import socket
import threading
import time
from collections.abc import Callable

from support.scripted_server import LoopbackServer

_BLOCK = 1 << 16


@functools.lru_cache(4)
def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class RangeServer(LoopbackServer):
    """Serves one file on connections that it closes after each response.

    Args:
        content: The file.
        rate: Bytes per second of each connection; None for as fast as possible.
        digest: Whether to tell the file's digest.

    Attributes:
        content: The file, which a test may replace.
        rate: As given; a test may change it.
        ranges: The `Range` of each request so far; None for the whole file.
        sent: Bytes sent in total.
        refuse: Told the number of each request from 0; returns a response in place of the file.
        cut: Told the number of each request; returns after how many bytes to reset the connection.
        open: Connections that are being served.
        most_open: The most of them at one time.
    """

    def __init__(self, content: bytes, *, rate: float | None = None, digest: bool = True) -> None:
        super().__init__(self._serve_file)
        self.content = content
        self.ranges: list[str | None] = []
        self.sent = 0
        self.refuse: Callable[[int], bytes | None] = lambda number: None
        self.cut: Callable[[int], int | None] = lambda number: None
        self.open = self.most_open = 0
        self.rate = rate
        self._digest = digest
        self._lock = threading.Lock()

    @property
    def tag(self) -> str:
        """Entity tag of the file as it is now."""
        return f'"{_digest(self.content).hex()[:16]}"'

    def _serve_file(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return
            head += received
        fields = dict(re.findall(r"(?m)^([\w-]+): (.*?)\r?$", head.decode().lower()))
        with self._lock:
            number = len(self.ranges)
            self.ranges.append(fields.get("range"))
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            refusal = self.refuse(number)
            if refusal is not None:
                connection.sendall(refusal)
                return
            last = self._send(connection, fields, self.cut(number))
        finally:
            # Before the last bytes: a client that has them may open the next connection at once.
            with self._lock:
                self.open -= 1
        connection.sendall(last)
        with self._lock:
            self.sent += len(last)

    def _send(self, connection: socket.socket, fields: dict[str, str], cut: int | None) -> bytes:
        """Sends a response but for its last bytes, which it returns."""
        content, tag = self.content, self.tag
        start, end = 0, len(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", fields.get("range", ""))
        is_range = asked is not None and fields.get("if-range", tag) == tag
        head = ["HTTP/1.1 200 OK"]
        if asked is not None and is_range:
            start, end = int(asked[1]), int(asked[2] or end - 1) + 1
            head = [
                "HTTP/1.1 206 Partial Content",
                f"Content-Range: bytes {start}-{end - 1}/{len(content)}",
            ]
        head += [f"ETag: {tag}", "Accept-Ranges: bytes", f"Content-Length: {end - start}"]
        if self._digest:
            digest = base64.b64encode(_digest(content)).decode()
            head.append(f"Repr-Digest: sha-256=:{digest}:")
        head.append("Connection: close")
        message = "\r\n".join([*head, "", ""]).encode()
        if cut is not None:
            # An offset of the whole response, its head included.
            connection.sendall((message + content[start:end])[:cut])
            return b""
        connection.sendall(message)
        began = time.monotonic()
        for at in range(start, end, _BLOCK):
            block = content[at : min(at + _BLOCK, end)]
            if self.rate is not None:
                due = began + (at + len(block) - start) / self.rate
                if self.stopped.wait(max(0.0, due - time.monotonic())):
                    return b""
            if at + _BLOCK >= end:
                return block
            connection.sendall(block)
            with self._lock:
                self.sent += len(block)
        return b""
