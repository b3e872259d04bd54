"""The server behind all fakes of the tests: it answers, breaks off, hangs, forwards and tunnels.

`LoopbackServer` gives a test the bare connections. `ScriptedServer` speaks HTTP on them and asks
its script what to do with each request. The other fakes are scripts: `support.routed_hub`,
`support.transfer_fixtures` (file contents), `support.breaking_proxy` and `support.chaos_proxy`.
"""

import contextlib
import io
import json
import math
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import responses
from types import TracebackType
from typing import Any, Self, TypeAlias

_HOST = "127.0.0.1"
# Ends a connection by a reset, and what is still to be sent with it.
_NO_LINGER = struct.pack("ii", 1, 0)
# Headers that are about one connection only (RFC 9110, 7.6.1) or are written anew.
_OWN_HEADERS = {"connection", "content-length", "transfer-encoding", "keep-alive"}
# Longer than any long poll of the tests.
_FORWARD_TIMEOUT = 60.0


@dataclass(frozen=True)
class Request:
    """A request as it came; the names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def route(self) -> str:
        """Method and path, such as `GET /api/v1/jobs/`."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        body: Body.
        headers: Headers; Content-Length is added unless it is there, and `Connection: close` is
            kept to.
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
    """Bytes that are sent in place of an answer, before the connection is closed.

    Attributes:
        data: The bytes.
        delay: Seconds before the first of them.
        pauses: Seconds to wait after each piece; there are as many pieces, of one size. Without
            pauses, all is sent at once.
    """

    data: bytes
    delay: float = 0.0
    pauses: Sequence[float] = ()


class Drop:
    """Read the request and close the connection."""


class Refuse:
    """Close the connection without reading the request's body."""


class Reset:
    """Read the request and reset the connection."""


@dataclass(frozen=True)
class Forward:
    """Have another server on loopback carry the request out.

    Attributes:
        port: Port of that server.
        then: Returns what to do with its answer; to pass it on is the default.
        keep_host: Whether that server sees the client's Host header, so that the URLs that it
            signs lead back here.
    """

    port: int
    then: Callable[[bytes], "Step"] = Raw
    keep_host: bool = True


@dataclass(frozen=True)
class OpenTunnel:
    """Answer that a tunnel is open, and relay bytes.

    Attributes:
        port: Port on loopback that it leads to; None for where the request asks to go.
        tls: What to speak TLS with towards the client, in place of the server behind.
    """

    port: int | None = None
    tls: ssl.SSLContext | None = None


Step: TypeAlias = Reply | Raw | Drop | Refuse | Reset | Forward | OpenTunnel
Script: TypeAlias = Callable[[Request], Step] | Sequence[Step]


class LoopbackServer:
    """Accepts connections on loopback for as long as its context lasts.

    Args:
        handle: Called with each connection, in a thread of its own.
        tls: What the server speaks TLS with, if it does.

    Attributes:
        stopped: Set when the context ends.
        connections: Connections that were opened so far.
    """

    def __init__(
        self, handle: Callable[[socket.socket], None], *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._handle = handle
        self._tls = tls
        self._listener = socket.create_server((_HOST, 0), backlog=128)
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.stopped = threading.Event()
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]

    @property
    def host(self) -> str:
        return f"{_HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://{self.host}"

    def __enter__(self) -> Self:
        self.start_thread(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopped.set()
        self.refuse_connections()
        for connection in self._sockets:
            _close(connection)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def refuse_connections(self) -> None:
        """Close the port; connections that are open stay so."""
        # Closing alone does not wake a thread that is in accept().
        _close(self._listener)

    def connect(self, address: tuple[str, int]) -> socket.socket:
        """Open a connection to another server, which ends when this server does at the latest."""
        return self._keep(socket.create_connection(address, _FORWARD_TIMEOUT))

    def start_thread(self, target: Callable[..., None], *args: object) -> None:
        """Run something beside that ends when the server does at the latest."""
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wrap(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        """Speak TLS on a connection.

        Raises:
            OSError: If the handshake fails.
        """
        return self._keep(tls.wrap_socket(connection, server_side=True))

    def _keep(self, connection: socket.socket) -> socket.socket:
        self._sockets.append(connection)
        if self.stopped.is_set():
            _close(connection)
        return connection

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.start_thread(self._serve, self._keep(connection))

    def _serve(self, connection: socket.socket) -> None:
        # A client that leaves is no fault of the test.
        with contextlib.suppress(OSError):
            if self._tls is not None:
                connection = self.wrap(connection, self._tls)
            self._handle(connection)
        _close(connection)


class ScriptedServer(LoopbackServer):
    """Speaks HTTP, and does with each request what a script says.

    Args:
        script: What to do with each request, the last step again and again; or what decides.
        tls: What the server speaks TLS with, if it does.

    Attributes:
        requests: The requests so far.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._exchange_all, tls=tls)
        self._script = script
        self._lock = threading.Lock()
        self.requests: list[Request] = []

    @property
    def targets(self) -> list[str]:
        """The targets of the requests so far."""
        return [request.target for request in self.requests]

    def _exchange_all(self, connection: socket.socket) -> None:
        with contextlib.suppress(ValueError), connection.makefile("rb") as stream:
            while not self.stopped.is_set() and self._exchange(connection, stream):
                pass

    def _exchange(self, connection: socket.socket, stream: io.BufferedReader) -> bool:
        """Serve one request; returns whether the connection stays open."""
        line = stream.readline().decode("latin-1").split()
        if len(line) < 2:
            return False
        headers = {}
        while field := stream.readline().decode("latin-1").strip():
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        request = Request(line[0], line[1], headers, b"")
        if isinstance(self._peek(), Refuse):
            return self._follow(connection, request, self._next_step(request))
        request = Request(line[0], line[1], headers, read_body(headers, stream))
        return self._follow(connection, request, self._next_step(request))

    def _peek(self) -> Step | None:
        if isinstance(self._script, Sequence):
            return self._script[min(len(self.requests), len(self._script) - 1)]
        return None

    def _next_step(self, request: Request) -> Step:
        with self._lock:
            self.requests.append(request)
            if isinstance(self._script, Sequence):
                return self._script[min(len(self.requests), len(self._script)) - 1]
        return self._script(request)

    def _follow(self, connection: socket.socket, request: Request, step: Step) -> bool:
        match step:
            case Reply():
                return self._reply(connection, request, step)
            case Forward():
                return self._follow(connection, request, step.then(self._forward(request, step)))
            case Raw():
                self._send_raw(connection, step)
            case Reset():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                connection.close()
            case OpenTunnel():
                self._tunnel(connection, request, step)
            case Drop() | Refuse():
                pass
        return False

    def _reply(self, connection: socket.socket, request: Request, reply: Reply) -> bool:
        if reply.delay and self.stopped.wait(reply.delay):
            return False
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        reason = responses.get(reply.status, "Odd")
        head = [f"HTTP/1.1 {reply.status} {reason}", *(f"{k}: {v}" for k, v in headers.items())]
        body = b"" if request.method == "HEAD" else reply.body[: reply.cut]
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        connection.sendall(body)
        return reply.cut is None and headers.get("Connection") != "close"

    def _send_raw(self, connection: socket.socket, raw: Raw) -> None:
        if raw.delay and self.stopped.wait(raw.delay):
            return
        if not raw.pauses:
            connection.sendall(raw.data)
            return
        size = math.ceil(len(raw.data) / len(raw.pauses))
        for index, pause in enumerate(raw.pauses):
            connection.sendall(raw.data[index * size : (index + 1) * size])
            if self.stopped.wait(pause):
                return

    def _forward(self, request: Request, step: Forward) -> bytes:
        address = (_HOST, step.port)
        headers = {k: v for k, v in request.headers.items() if k not in _OWN_HEADERS}
        if not step.keep_host:
            headers["host"] = f"{_HOST}:{step.port}"
        headers |= {"connection": "close", "content-length": str(len(request.body))}
        head = [f"{request.method} {request.target} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        with self.connect(address) as server:
            server.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + request.body)
            answer = b""
            while block := server.recv(1 << 16):
                answer += block
        return answer

    def _tunnel(self, client: socket.socket, request: Request, step: OpenTunnel) -> None:
        host, _, port = request.target.rpartition(":")
        server = self.connect((host, int(port)) if step.port is None else (_HOST, step.port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if step.tls is not None:
            client = self.wrap(client, step.tls)
        self.start_thread(_relay, server, client)
        _relay(client, server)


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer whose body is JSON, or the bytes that are given."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, content, {"Content-Type": "application/json", **(headers or {})})


def read_body(headers: Mapping[str, str], stream: io.BufferedReader) -> bytes:
    """Read the body of a request.

    Raises:
        OSError: If the client leaves before its end.
    """
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


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(1 << 16):
            sink.sendall(block)
    for ended in (source, sink):
        with contextlib.suppress(OSError):
            ended.shutdown(socket.SHUT_RDWR)


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
