"""A proxy between a client and a hub that harms a part of all requests, at random, by a seed."""

import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_LINGER_NOT = struct.pack("ii", 1, 0)
_HTML = b"<html><head><title>Sign in to this network</title></head><body>Welcome</body></html>"
_PATIENCE = 60.0


@dataclass(frozen=True)
class Exchange:
    """A request as it came, head and body, and what is known of its answer."""

    line: str
    head: bytes
    body: bytes


class ChaosProxy:
    """Forwards HTTP to a server on loopback, one exchange a connection, and harms some of it.

    What it does to a request that it harms is one of `HARMS`: it answers late, or drop by drop; it
    resets the connection before the server has seen the request, or after it has carried it out;
    it cuts the answer; it answers 429 or 503, to this request and to some that follow; it answers
    200 with what is no answer, before or after the server has carried the request out.

    Args:
        port: Port of the server.
        seed: Chooses the requests and the harms.
        rate: The part of the requests that is harmed, from 0 to 1.
    """

    def __init__(self, port: int, seed: int, rate: float = 0.25) -> None:
        self.harmed: Counter[str] = Counter()
        self.requests = 0
        self._port = port
        self._random = random.Random(seed)
        self._rate = rate
        self._lock = threading.Lock()
        self._burst: list[int] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._harms: dict[str, Callable[[socket.socket, Exchange, random.Random], None]] = {
            "late answer": self._answer_late,
            "slow answer": self._answer_slowly,
            "reset before": self._reset_before,
            "reset after": self._reset_after,
            "answer cut": self._cut,
            "429": lambda client, exchange, chance: self._refuse(client, 429, chance),
            "503": lambda client, exchange, chance: self._refuse(client, 503, chance),
            "garbage before": self._garbage_before,
            "garbage after": self._garbage_after,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Closing alone does not wake a thread that is in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # A client that gives up is as usual here as a hub that is stopped.
        with contextlib.suppress(OSError), client:
            client.settimeout(_PATIENCE)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            exchange = _read(client)
            if exchange is None:
                return
            harm, chance = self._choose()
            if harm is None:
                client.sendall(self._forward(exchange))
            else:
                self._harms[harm](client, exchange, chance)

    def _choose(self) -> tuple[str | None, random.Random]:
        with self._lock:
            self.requests += 1
            harm = None
            if self._burst:
                harm = str(self._burst.pop())
            elif self._random.random() < self._rate:
                harm = self._random.choice(list(self._harms))
                if harm in ("429", "503"):
                    self._burst = [int(harm)] * self._random.randint(0, 3)
            if harm is not None:
                self.harmed[harm] += 1
            return harm, random.Random(self._random.random())

    def _forward(self, exchange: Exchange) -> bytes:
        with socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE) as server:
            server.sendall(exchange.head + exchange.body)
            answer = b""
            while block := server.recv(1 << 16):
                answer += block
        return answer

    def _answer_late(
        self, client: socket.socket, exchange: Exchange, chance: random.Random
    ) -> None:
        time.sleep(chance.uniform(0, 0.5))
        client.sendall(self._forward(exchange))

    def _answer_slowly(
        self, client: socket.socket, exchange: Exchange, chance: random.Random
    ) -> None:
        answer = self._forward(exchange)
        step = max(1, len(answer) // 10)
        for start in range(0, len(answer), step):
            client.sendall(answer[start : start + step])
            time.sleep(chance.uniform(0, 0.1))

    def _reset_before(
        self, client: socket.socket, exchange: Exchange, chance: random.Random
    ) -> None:
        _reset(client)

    def _reset_after(
        self, client: socket.socket, exchange: Exchange, chance: random.Random
    ) -> None:
        self._forward(exchange)
        _reset(client)

    def _cut(self, client: socket.socket, exchange: Exchange, chance: random.Random) -> None:
        answer = self._forward(exchange)
        client.sendall(answer[: chance.randrange(len(answer))] if answer else b"")

    def _refuse(self, client: socket.socket, status: int, chance: random.Random) -> None:
        headers = {"Retry-After": "1"} if chance.random() < 0.3 else {}
        client.sendall(_answer(f"{status} Not now", "text/plain", b"later", headers))

    def _garbage_before(
        self, client: socket.socket, exchange: Exchange, chance: random.Random
    ) -> None:
        client.sendall(_garbage(chance))

    def _garbage_after(
        self, client: socket.socket, exchange: Exchange, chance: random.Random
    ) -> None:
        self._forward(exchange)
        client.sendall(_garbage(chance))


def _read(client: socket.socket) -> Exchange | None:
    """Read a request whole; None if the client leaves before its end."""
    with client.makefile("rb") as incoming:
        lines: list[bytes] = []
        while (line := incoming.readline().rstrip(b"\r\n")) or not lines:
            if not line:
                return None
            lines.append(line)
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        if fields.get(b"transfer-encoding") == b"chunked":
            body = b""
            while size := int(incoming.readline(), 16):
                body += incoming.read(size)
                incoming.readline()
            incoming.readline()
        else:
            length = int(fields.get(b"content-length", 0))
            body = incoming.read(length)
            if len(body) < length:
                return None
    dropped = (b"connection:", b"transfer-encoding:", b"content-length:")
    kept = [line for line in lines if not line.lower().startswith(dropped)]
    kept += [b"Connection: close", b"Content-Length: %d" % len(body), b"", b""]
    return Exchange(lines[0].decode("latin-1"), b"\r\n".join(kept), body)


def _garbage(chance: random.Random) -> bytes:
    kind, body = chance.choice(
        [
            ("text/html; charset=utf-8", _HTML),
            ("application/json", b'{"id": "j'),
            ("application/json", b""),
            ("text/plain", b"It works!"),
            ("application/octet-stream", chance.randbytes(40)),
        ]
    )
    return _answer("200 OK", kind, body, {})


def _answer(status: str, kind: str, body: bytes, headers: dict[str, str]) -> bytes:
    told = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in (told | headers).items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    client.close()
