"""A store with S3's interface, and a network on which it is Amazon's."""

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import pytest
from moto.server import ThreadedMotoServer

PEM = Path(__file__).parent.parent / "data/s3.pem"
SECRETS = ("AKIA-s3cret", "key+s3cret/x", "token+s3cret/==")
BUCKET = "bucket"
# The store refuses those who tell no name, and believes any.
_SOMEBODY = "AWS4-HMAC-SHA256 Credential=me/20260102/us-east-1/s3/aws4_request, Signature=0"


def credentials(key: str = "models/m.onnx", **changes: Any) -> dict[str, Any]:
    """What a hub gives for an object."""
    return {
        "access_key_id": SECRETS[0],
        "secret_access_key": SECRETS[1],
        "session_token": SECRETS[2],
        "expiration": "2046-01-02T03:04:05Z",
        "bucket": BUCKET,
        "key": key,
        "region": "us-west-2",
        "use_transfer_acceleration": False,
        "filename": "classifier.onnx",
        **changes,
    }


class Store:
    """A store on a socket, and a look into it."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)

    @property
    def port(self) -> int:
        return int(self._server.get_host_and_port()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server.start()
        headers = {"Authorization": _SOMEBODY}
        self._client = httpx.Client(base_url=self.url, headers=headers, trust_env=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self._server.stop()

    def clear(self) -> None:
        """Empties the store but for a bucket."""
        self._client.post("/moto-api/reset").raise_for_status()
        self._client.put(f"/{BUCKET}").raise_for_status()

    def put(self, key: str, content: bytes) -> None:
        self._client.put(f"/{BUCKET}/{quote(key)}", content=content).raise_for_status()

    def get(self, key: str) -> bytes | None:
        response = self._client.get(f"/{BUCKET}/{quote(key)}")
        return None if response.status_code == 404 else response.raise_for_status().content

    def unfinished(self) -> int:
        """Uploads in parts that were neither finished nor called off."""
        return self._client.get(f"/{BUCKET}?uploads").raise_for_status().text.count("<UploadId>")


class Internet:
    """A proxy behind which each host is a store, with a certificate of its own.

    Args:
        port: Port of the store.

    Attributes:
        hosts: Where connections were asked for, in order.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(PEM)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._sockets: list[socket.socket] = []
        self.hosts: list[str] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for ended in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                ended.shutdown(socket.SHUT_RDWR)
            ended.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            self._start(self._serve, client)

    def _start(self, target: Any, *args: object) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        self.hosts.append(head.decode().split()[1])
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            inside = self._tls.wrap_socket(client, server_side=True)
            store = socket.create_connection(("127.0.0.1", self._port))
            self._sockets += [inside, store]
            self._start(_pipe, store, inside)
            _pipe(inside, store)


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    for ended in (source, sink):
        with contextlib.suppress(OSError):
            ended.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def _running() -> Iterator[Store]:
    with Store() as store:
        yield store


@pytest.fixture
def store(_running: Store) -> Store:
    _running.clear()
    return _running
