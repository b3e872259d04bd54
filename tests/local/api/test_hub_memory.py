"""The memory of a hub does not depend on the size of what it receives and sends."""

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from qai_hub_api.api.models import get_model_download
from support.hub_subprocess import TOKEN, HubSubprocess

from qai_hub.client import Client, ClientConfig

MEBIBYTE = 1 << 20
SIZE = 160 * MEBIBYTE
# A few blocks of a MiB for each request; half of what would hold the file once.
ALLOWED = 48 * MEBIBYTE


def write(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.write(b"\x1c\0\0\0TFL3")
        stream.truncate(size)


def peak(pid: int) -> int:
    """The most memory that a process has had so far, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    (found,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(found) * 1024


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_large_files_pass_through_in_constant_memory(tmp_path: Path, free_port: int) -> None:
    large, small = tmp_path / "large.tflite", tmp_path / "small.tflite"
    write(small, MEBIBYTE)
    write(large, SIZE)
    with HubSubprocess(tmp_path, free_port) as hub:
        client = Client(ClientConfig(TOKEN, hub.url, hub.url, verbose=False))
        # What is imported at the first transfer does not count.
        client.upload_model(str(small)).download(str(tmp_path / "small-again"))
        before = peak(hub.pid)
        model = client.upload_model(str(large))
        received = peak(hub.pid)
        path = Path(model.download(str(tmp_path / "large-again")))
        assert path.stat().st_size == SIZE
        assert received - before < ALLOWED
        assert peak(hub.pid) - before < ALLOWED
        client.close()


def test_clients_that_do_not_read_hold_no_file_in_memory(tmp_path: Path, free_port: int) -> None:
    large = tmp_path / "large.tflite"
    write(large, SIZE)
    with HubSubprocess(tmp_path, free_port) as hub:
        client = Client(ClientConfig(TOKEN, hub.url, hub.url, verbose=False))
        model = client.upload_model(str(large))
        answer = client._connection.call(get_model_download.sync, model.model_id)
        url = urlsplit(str.__str__(answer.url.url))  # type: ignore[union-attr]
        before = peak(hub.pid)
        head = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
        waiting = [socket.create_connection(("127.0.0.1", free_port)) for _ in range(8)]
        for connection in waiting:
            connection.sendall(head)
        for connection in waiting:
            assert connection.recv(12) == b"HTTP/1.1 200"
        # A request that is answered shows that all others have been answered as far as they can.
        client.get_models(limit=1)
        assert peak(hub.pid) - before < ALLOWED
        for connection in waiting:
            connection.close()
        client.close()
