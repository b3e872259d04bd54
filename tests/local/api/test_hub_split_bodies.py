"""Parts of uploads arrive as they were sent, however the network cuts them."""

import hashlib
import itertools
import random
import socket
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import h11
import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api

from qai_hub.local import LocalHub

PART = 2_000_000
PARTS = [random.Random(number).randbytes(PART) for number in range(4)]


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with LocalHub(part_size=PART, run_attempt=FakeWorker()) as hub:
        found = Api(hub)
        yield found
        found.close()


def start(api: Api) -> list[str]:
    """Begin an upload; returns the URL of each part."""
    path = f"models/{api.create_model()}/multipart_upload/"
    urls: list[str] = api.get(path, file_size=PART * len(PARTS))["multipart_url"]["urls"]
    return urls


def request(url: str, content: bytes) -> bytes:
    found = urlsplit(url)
    head = f"PUT {found.path}?{found.query} HTTP/1.1\r\nHost: {found.netloc}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def send(url: str, pieces: Sequence[bytes], count: int) -> list[str]:
    """Send requests on one connection, cut into pieces; returns the entity tags in the answers."""
    found, answers = urlsplit(url), h11.Connection(h11.CLIENT)
    tags: list[str] = []
    with socket.create_connection((found.hostname, found.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        while len(tags) < count:
            answers.send(h11.Request(method="GET", target="/", headers=[("Host", "hub")]))
            answers.send(h11.EndOfMessage())
            while not isinstance(event := answers.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    answers.receive_data(connection.recv(1 << 16))
                elif isinstance(event, h11.Response):
                    assert event.status_code == 200
                    tags.append(dict(event.headers)[b"etag"].decode().strip('"'))
            answers.start_next_cycle()
    return tags


@pytest.mark.parametrize("seed", range(8))
def test_requests_on_one_connection_may_be_cut_anywhere(api: Api, seed: int) -> None:
    chance, urls = random.Random(seed), start(api)
    requests = [request(url, content) for url, content in zip(urls, PARTS, strict=True)]
    stream, ends = b"".join(requests), [0]
    for each in requests:
        ends.append(ends[-1] + len(each))
    # Around the ends of the requests, where bodies end and heads begin, and anywhere.
    near = [end + chance.randint(-3, 3) for end in ends[1:-1] if chance.random() < 0.7]
    cuts = sorted({0, len(stream), *near, *chance.sample(range(len(stream)), 30)})
    pieces = [stream[cut:end] for cut, end in itertools.pairwise(cuts)]
    assert send(urls[0], pieces, len(PARTS)) == [hashlib.sha256(part).hexdigest() for part in PARTS]


def test_the_bytes_of_a_part_do_not_pass_through_the_parser(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would copy each of them several times."""
    parsed, real = [0], h11.Connection.receive_data

    def receive(self: h11.Connection, data: bytes) -> None:
        parsed[0] += len(data) * (self.our_role is h11.SERVER)
        real(self, data)

    urls = start(api)
    monkeypatch.setattr(h11.Connection, "receive_data", receive)
    # The head first, so that the body does not arrive with it.
    head = request(urls[0], PARTS[0])[:-PART]
    pieces = [head, *(PARTS[0][at : at + 10_000] for at in range(0, PART, 10_000))]
    assert send(urls[0], pieces, 1) == [hashlib.sha256(PARTS[0]).hexdigest()]
    # The first and the last piece that the hub reads do, each of 256 KiB at most.
    assert parsed[0] < PART // 2


def test_a_body_of_unknown_length_is_received_too(api: Api) -> None:
    url = start(api)[1]
    content = (PARTS[1][at : at + 70_000] for at in range(0, PART, 70_000))
    response = httpx.put(url, content=content)
    assert response.headers["ETag"] == f'"{hashlib.sha256(PARTS[1]).hexdigest()}"'
