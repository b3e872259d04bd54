"""A session that never really sleeps, and a file to move."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.scripted_server import Reply, Request, ScriptedServer, Step

from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.session import Session

TRUST = httpx.create_ssl_context()
CONTENT = random.Random(1).randbytes(3_000_000)
SECRET = "?signature=s3cret"


@pytest.fixture
def session() -> Iterator[Session]:
    slept: list[float] = []
    with Session(
        verify=TRUST, policy=RetryPolicy(max_attempts=8), sleep=slept.append, rng=random.Random(1)
    ) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(CONTENT)
    return path


def part_urls(server: ScriptedServer, count: int) -> list[str]:
    return [f"{server.url}/parts/{number}/{SECRET}" for number in range(count)]


class PartStore:
    """Keeps parts; each part fails as often as it is told to."""

    def __init__(self, faults: dict[int, list[Step]] | None = None) -> None:
        self.faults = faults or {}
        self.parts: dict[int, bytes] = {}

    def __call__(self, request: Request) -> Step:
        number = int(request.path.split("/")[2])
        if faults := self.faults.get(number):
            return faults.pop(0)
        self.parts[number] = request.body
        return Reply(200, headers={"ETag": f'"tag-{number}"'})

    def content(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))


class FileServer:
    """Serves one file with ranges, and breaks off at given offsets."""

    def __init__(
        self,
        content: bytes = CONTENT,
        *,
        breaks: list[int] | None = None,
        headers: dict[str, str] | None = None,
        ranges: bool = True,
    ) -> None:
        self.content = content
        self.breaks = breaks or []
        self.headers = {"ETag": '"v1"'} if headers is None else headers
        self.ranges = ranges

    def __call__(self, request: Request) -> Step:
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        fresh = request.headers.get("if-range") == self.headers.get("ETag")
        start = int(asked[1]) if asked and fresh and self.ranges else 0
        cut = self.breaks.pop(0) - start if self.breaks else None
        headers = dict(self.headers)
        if start:
            size = len(self.content)
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        return Reply(206 if start else 200, self.content[start:], headers, cut=cut)
