"""URLs of files that expire before or during a download: the service is asked for fresh ones."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.range_server import RangeServer
from support.scripted_server import Reply, Request, ScriptedServer, Step, json_reply

import qai_hub as hub
from qai_hub.client import Client, ClientConfig
from qai_hub.dataset_file import dataset_entries_to_h5

MEBIBYTE = 1 << 20
EXPIRED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
DATASET = {
    "dataset_id": "dabc12345",
    "name": "n",
    "creation_time": "2026-01-02T03:04:05Z",
    "permanent": True,
    "file_upload_complete": True,
}


class ExpiringFiles:
    """A hub with one dataset, and a file server for which each signature is good once.

    Args:
        content: The file.
        breaks: After how many bytes of a response a signature ends; None for at once.
    """

    def __init__(self, content: bytes, breaks: list[int]) -> None:
        self.files = RangeServer(content, rate=64e6)
        self.files.cut = lambda number: breaks[number // 2] if number // 2 < len(breaks) else None
        # Each response that breaks off is followed by one for which the URL has expired.
        self.files.refuse = lambda number: (
            EXPIRED if number % 2 and number < 2 * len(breaks) else None
        )
        self.hub = ScriptedServer(self._answer)
        self.asked = 0

    def _answer(self, request: Request) -> Step:
        if request.path.endswith("/download_data/"):
            self.asked += 1
            url = f"{self.files.url}/f?signature=s3cret{self.asked}"
            return json_reply({"url": {"url": url, "filename": "n.h5"}})
        return json_reply(DATASET) if request.path.endswith("/dabc12345/") else Reply(404)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    noise = np.frombuffer(random.Random(3).randbytes(6 * MEBIBYTE), np.uint8)
    path = tmp_path_factory.mktemp("data") / "n.h5"
    return Path(dataset_entries_to_h5({"x": [noise]}, path)).read_bytes()


@pytest.fixture
def expiring(content: bytes) -> Iterator[ExpiringFiles]:
    made = ExpiringFiles(content, [4 * MEBIBYTE])
    with made.files, made.hub:
        yield made


def client_of(expiring: ExpiringFiles) -> ClientConfig:
    return ClientConfig("token", expiring.hub.url, expiring.hub.url, verbose=False)


def test_a_download_goes_on_with_a_fresh_url(
    expiring: ExpiringFiles, tmp_path: Path, content: bytes
) -> None:
    dataset = Client(client_of(expiring)).get_dataset("dabc12345")
    assert dataset.download(str(tmp_path / "n")) == str(tmp_path / "n.h5")
    assert (tmp_path / "n.h5").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["n.h5"]
    assert expiring.asked == 2
    resumed = expiring.files.ranges[-1]
    assert resumed is not None
    assert int(resumed.removeprefix("bytes=").removesuffix("-")) > 3 * MEBIBYTE


def test_so_does_one_into_memory(expiring: ExpiringFiles) -> None:
    entries = Client(client_of(expiring)).get_dataset("dabc12345").download()
    assert entries["x"][0].nbytes == 6 * MEBIBYTE
    assert expiring.files.ranges[-1] is not None


def test_so_does_one_in_an_event_loop(
    expiring: ExpiringFiles, tmp_path: Path, content: bytes
) -> None:
    async def run() -> object:
        async with hub.aio.AsyncClient(client_of(expiring)) as client:
            dataset = await client.get_dataset("dabc12345")
            return await client.download_dataset(dataset, str(tmp_path / "n"))

    assert asyncio.run(run()) == str(tmp_path / "n.h5")
    assert (tmp_path / "n.h5").read_bytes() == content
    assert expiring.asked == 2


def test_a_url_that_is_refused_at_once_is_renewed_once(
    expiring: ExpiringFiles, tmp_path: Path
) -> None:
    expiring.files.refuse = lambda number: EXPIRED
    dataset = Client(client_of(expiring)).get_dataset("dabc12345")
    with pytest.raises(hub.UserError, match="may have expired") as refused:
        dataset.download(str(tmp_path / "n"))
    assert "s3cret" not in str(refused.value)
    assert (expiring.asked, len(expiring.files.ranges)) == (2, 2)


def test_a_file_that_does_not_exist_is_not_asked_for_again(
    expiring: ExpiringFiles, tmp_path: Path
) -> None:
    gone = EXPIRED.replace(b"403 Forbidden", b"404 Not Found")
    expiring.files.refuse = lambda number: gone
    dataset = Client(client_of(expiring)).get_dataset("dabc12345")
    with pytest.raises(hub.UserError):
        dataset.download(str(tmp_path / "n"))
    assert (expiring.asked, len(expiring.files.ranges)) == (1, 1)
