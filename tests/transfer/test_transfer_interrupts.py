"""Ctrl+C ends any transfer, whatever the server does."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.scripted_server import LoopbackServer, Reply, Request, ScriptedServer, Step
from support.transfer_fixtures import CONTENT, TRUST, PartStore, file, part_urls

from qai_hub.transfer.download import download
from qai_hub.transfer.s3_upload import upload_object
from qai_hub.transfer.upload import upload_form, upload_parts
from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.session import Session

__all__ = ["file"]

# Far below the time limits of transfers, which are minutes, and far above what it takes.
SOON = 10.0


class StallingServer(LoopbackServer):
    """Stops at some point of each exchange, until its context ends."""

    def __init__(self, how: str) -> None:
        super().__init__(self._stall)
        self.how = how
        self.reached = threading.Event()

    def _stall(self, connection: socket.socket) -> None:
        if self.how == "reads nothing":
            self.reached.set()
            self.stopped.wait(60)
            return
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        if self.how == "drips":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        self.reached.set()
        while not self.stopped.wait(0.05):
            if self.how == "drips":
                connection.sendall(b"x")


@pytest.fixture
def plain_session() -> Iterator[Session]:
    with Session(verify=TRUST, policy=RetryPolicy(max_attempts=8)) as made:
        yield made


def interrupted(transfer: Callable[[], object], reached: threading.Event) -> None:
    """Presses Ctrl+C in a transfer when the server has got so far; it ends soon."""
    main = threading.main_thread().ident
    assert main is not None
    pressed: list[float] = []

    def press() -> None:
        reached.wait(30)
        time.sleep(0.1)
        pressed.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        transfer()
    assert time.monotonic() - pressed[0] < SOON
    presser.join()


def carriers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "qai_hub transfer"]


def one_part(session: Session, url: str, path: Path) -> None:
    upload_parts(session, path, [f"{url}/p"], 10**9)


def parts(session: Session, url: str, path: Path) -> None:
    upload_parts(session, path, [f"{url}/p{number}" for number in range(6)], 500_000)


def form(session: Session, url: str, path: Path) -> None:
    upload_form(session, path, f"{url}/form", "file", {"key": "k"})


def fetch(session: Session, url: str, path: Path) -> None:
    download(session, f"{url}/f", path.with_name("fetched"))


Transfer = Callable[[Session, str, Path], None]


@pytest.mark.parametrize("how", ["reads nothing", "never answers", "drips"])
@pytest.mark.parametrize("transfer", [one_part, parts, form, fetch])
@pytest.mark.parametrize("tls", [False, True])
def test_whatever_the_server_does(
    plain_session: Session, file: Path, how: str, transfer: Transfer, *, tls: bool
) -> None:
    with StallingServer("reads nothing" if tls else how) as server:
        url = server.url.replace("http:", "https:") if tls else server.url
        interrupted(lambda: transfer(plain_session, url, file), server.reached)
        assert [path.name for path in file.parent.iterdir()] == [file.name]
    # Whoever catches it can go on.
    store = PartStore()
    with ScriptedServer(store) as sound:
        upload_parts(plain_session, file, part_urls(sound, 4), 750_000)
    assert store.content() == CONTENT
    for thread in carriers():
        thread.join(SOON)
        assert not thread.is_alive()


@pytest.mark.parametrize("transfer", [one_part, parts, form, fetch])
def test_in_a_pause_between_tries(file: Path, transfer: Transfer) -> None:
    pausing, go_on = threading.Event(), threading.Event()

    def pause(_: float) -> None:
        pausing.set()
        go_on.wait(30)

    with Session(verify=TRUST, sleep=pause) as session, ScriptedServer([Reply(503)]) as server:
        interrupted(lambda: transfer(session, server.url, file), pausing)
        go_on.set()
        for thread in carriers():
            thread.join(SOON)
        assert len(server.requests) <= 4


def test_while_a_name_is_looked_up(
    plain_session: Session, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, release = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> None:
        asked.set()
        # As the system's own look-up, this is not interrupted by signals in the main thread.
        release.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        interrupted(lambda: one_part(plain_session, "http://store.invalid", file), asked)
    finally:
        release.set()
    for thread in carriers():
        thread.join(SOON)


class _Stored:
    """An object of a store that signs nothing."""

    def __init__(self, url: str) -> None:
        self._url = url

    def sign(self, method: str, **query: str) -> str:
        return f"{self._url}/{method}?{'&'.join(query)}"


@pytest.mark.parametrize("held", ["uploads", "PUT", "uploadId"])
def test_uploads_to_a_store_are_called_off_without_waiting(
    plain_session: Session, tmp_path: Path, held: str
) -> None:
    """The store answers nothing any more, to what calls the upload off neither."""
    path = tmp_path / "m"
    with path.open("wb") as stream:
        stream.truncate(17 * 1024 * 1024)
    reached = threading.Event()

    def serve(request: Request) -> Step:
        method, _, query = request.target[1:].partition("?")
        if reached.is_set() or held in {method, query}:
            reached.set()
            return Reply(200, delay=60)
        if query == "uploads":
            return Reply(200, b"<UploadId>u</UploadId>")
        return Reply(200, headers={"ETag": '"t"'})

    with ScriptedServer(serve) as server:
        stored = _Stored(server.url)
        interrupted(lambda: upload_object(plain_session, path, stored), reached)  # type: ignore[arg-type]


PROGRAM = """
import sys, pathlib
import qai_hub as hub
url, path = sys.argv[1:]
client = hub.Client(hub.ClientConfig("token", url, url))
client.upload_model(path)
"""


def hub_that_holds(part_size: int, reached: threading.Event) -> Callable[[Request], Step]:
    """A hub that takes each part of a model, and answers none."""

    def json(text: str) -> Reply:
        return Reply(200, text.encode(), {"Content-Type": "application/json"})

    def serve(request: Request) -> Step:
        if request.method == "PUT":
            reached.set()
            return Reply(200, delay=60)
        if request.path.endswith("/multipart_upload/"):
            size = int(request.target.partition("file_size=")[2].partition("&")[0])
            urls = [f"http://{request.headers['host']}/p{n}" for n in range(-(-size // part_size))]
            listed = ", ".join(f'"{url}"' for url in urls)
            return json(
                f'{{"multipart_url": {{"urls": [{listed}], "upload_id": "u", '
                f'"max_part_size": {part_size}}}}}'
            )
        return json('{"id": "m1", "status": "", "creation_time": "2026-01-02T03:04:05Z"}')

    return serve


@pytest.mark.parametrize("part_size", [10**9, 100_000])
def test_the_process_ends(tmp_path: Path, part_size: int) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(450_000))
    reached = threading.Event()
    with ScriptedServer(hub_that_holds(part_size, reached)) as server:
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, server.url, str(path)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )
        assert reached.wait(60)
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=SOON)
    assert child.returncode == -signal.SIGINT
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert told.count("Traceback") == 1
    assert "Exception" not in told
