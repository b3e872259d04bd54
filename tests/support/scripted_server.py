"""A real HTTP server that does what a test says: answers, breaks off, hangs."""

import contextlib
import io
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import responses
from types import TracebackType
from typing import Self, TypeAlias


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        body: Body.
        headers: Headers; Content-Length is added unless it is there.
        cut: Bytes of the body after which the connection is closed; None for all.
        delay: Seconds before the answer.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    delay: float = 0.0


@dataclass(frozen=True)
class Raw:
    """Bytes that are sent in place of an answer, before the connection is closed."""

    data: bytes


class Drop:
    """Read the request and close the connection."""


class Refuse:
    """Close the connection without reading the request's body."""


Step: TypeAlias = Reply | Raw | Drop | Refuse
Script: TypeAlias = Callable[[Request], Step] | Sequence[Step]


class ScriptedServer:
    """Serves on loopback for as long as its context lasts.

    Args:
        script: What to do with each request, the last step again and again; or what decides.
        tls: What the server speaks TLS with, if it does.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._script = script
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.requests: list[Request] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def connections(self) -> int:
        """Connections that were opened so far."""
        return len(self._connections)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            _close(connection)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
            self._connections.append(connection)
        with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as stream:
            while not self._stopped.is_set() and self._exchange(connection, stream):
                pass
        _close(connection)

    def _exchange(self, connection: socket.socket, stream: io.BufferedReader) -> bool:
        line = stream.readline().decode("latin-1").split()
        if len(line) < 2:
            return False
        headers = {}
        while field := stream.readline().decode("latin-1").strip():
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        request = Request(line[0], line[1], headers, b"")
        step = self._step(request) if isinstance(self._peek(), Refuse) else None
        if step is None:
            body = _body(headers, stream)
            request = Request(line[0], line[1], headers, body)
            step = self._step(request)
        match step:
            case Reply():
                return self._reply(connection, request, step)
            case Raw(data):
                connection.sendall(data)
        return False

    def _peek(self) -> Step | None:
        if isinstance(self._script, Sequence):
            return self._script[min(len(self.requests), len(self._script) - 1)]
        return None

    def _step(self, request: Request) -> Step:
        with self._lock:
            self.requests.append(request)
            if isinstance(self._script, Sequence):
                return self._script[min(len(self.requests), len(self._script)) - 1]
        return self._script(request)

    def _reply(self, connection: socket.socket, request: Request, reply: Reply) -> bool:
        if reply.delay and self._stopped.wait(reply.delay):
            return False
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        reason = responses.get(reply.status, "Odd")
        head = [f"HTTP/1.1 {reply.status} {reason}", *(f"{k}: {v}" for k, v in headers.items())]
        body = b"" if request.method == "HEAD" else reply.body[: reply.cut]
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        connection.sendall(body)
        return reply.cut is None


def _body(headers: Mapping[str, str], stream: io.BufferedReader) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        chunks = []
        while size := int(stream.readline(), 16):
            chunks.append(stream.read(size))
            stream.readline()
        stream.readline()
        return b"".join(chunks)
    length = int(headers.get("content-length", 0))
    body = stream.read(length)
    if len(body) < length:
        raise OSError("the request was cut short")
    return body


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
