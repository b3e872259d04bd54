"""A TCP proxy that breaks connections where a test says so."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

# Decides on a request line such as "POST /api/v1/jobs/ HTTP/1.1" and its headers.
Rule = Callable[[str], bool]


class BreakingProxy:
    """Forwards one HTTP exchange a connection to a server on loopback.

    Args:
        port: Port of the server.
        drop_answer: For requests whose answer is read from the server and then thrown away, and the
            connection with it: the server has done its work, and the client does not know.
        drop_request: For requests that are read and thrown away before the server sees them.
    """

    def __init__(
        self, port: int, *, drop_answer: Rule | None = None, drop_request: Rule | None = None
    ) -> None:
        self._port = port
        self._drop_answer = drop_answer or (lambda _: False)
        self._drop_request = drop_request or (lambda _: False)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.requests: list[str] = []

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
        traceback: TracebackType | None,
    ) -> None:
        # Closing alone does not wake a thread that is in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        workers: list[threading.Thread] = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            worker = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            worker.start()
            workers.append(worker)
        for worker in workers:
            worker.join(5)

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as incoming:
            client.settimeout(10)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = incoming.readline()
                if not line:
                    return
                head += line
            lines = head.decode("latin-1").split("\r\n")
            length = next(
                (int(v.split(":")[1]) for v in lines if v.lower().startswith("content-length:")), 0
            )
            body = incoming.read(length)
            self.requests.append(lines[0])
            if self._drop_request(lines[0]) or len(body) < length:
                return
            kept = [v for v in lines[:-2] if not v.lower().startswith(("connection:", "host:"))]
            kept += [f"Host: 127.0.0.1:{self._port}", "Connection: close", "", ""]
            with socket.create_connection(("127.0.0.1", self._port), timeout=30) as server:
                server.sendall("\r\n".join(kept).encode("latin-1") + body)
                answer = b""
                while block := server.recv(65536):
                    answer += block
            if not self._drop_answer(lines[0]):
                client.sendall(answer)
