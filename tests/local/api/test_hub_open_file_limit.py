"""A hub that may have few files open: it refuses and goes on, and says so in a few lines."""

import resource
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

FILES = 128
HUB = f"""
import logging, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
logging.basicConfig(level="WARNING")
from qai_hub.local import LocalHub
hub = LocalHub(users={{"ada@example.com": "tok"}}, max_parallel_jobs=2).start()
print(hub.url, flush=True)
sys.stdin.read()
hub.stop()
"""


def test_more_connections_than_files_are_refused_and_served_again_later(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1024:
        pytest.skip("the test itself needs some hundred files")
    errors = tmp_path / "stderr"
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", HUB],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        statuses = Counter(ask_on_many_connections(url, 60))
        later = httpx.get(f"{url}/healthz", timeout=20).status_code
        process.communicate(timeout=20)
    assert later == 200
    assert statuses["200"] > 0
    assert set(statuses) <= {"200", "503", "closed"}
    lines = errors.read_text().splitlines()
    assert len(lines) < 10
    assert not any("Traceback" in line for line in lines)


def ask_on_many_connections(url: str, number: int) -> list[str]:
    """Open connections and ask on each, before any is read from; return the statuses."""
    address = urlsplit(url)
    request = f"GET /api/v1/devices/ HTTP/1.1\r\nHost: {address.netloc}\r\n"
    request += "Authorization: token tok\r\n\r\n"
    with ExitStack() as stack:
        made = []
        for _ in range(number):
            place = (address.hostname or "", address.port or 0)
            made.append(stack.enter_context(socket.create_connection(place, timeout=20)))
            try:
                made[-1].sendall(request.encode())
            except OSError:
                continue
        return [status(each) for each in made]


def status(connection: socket.socket) -> str:
    try:
        return connection.recv(1 << 16)[9:12].decode() or "closed"
    except ConnectionError:
        return "closed"
