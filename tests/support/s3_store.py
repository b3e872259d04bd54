"""A store with S3's interface, and a network on which it is Amazon's."""

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import pytest
from moto.server import ThreadedMotoServer
from support.scripted_server import OpenTunnel, ScriptedServer

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


def amazon_proxy(store: Store) -> ScriptedServer:
    """Return a proxy behind which each host is a store, with a certificate of its own."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(PEM)
    return ScriptedServer([OpenTunnel(store.port, tls)])


@pytest.fixture(scope="session")
def _running() -> Iterator[Store]:
    with Store() as store:
        yield store


@pytest.fixture
def store(_running: Store) -> Store:
    _running.clear()
    return _running
