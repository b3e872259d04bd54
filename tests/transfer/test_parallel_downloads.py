"""Large files, which several streams fetch, from servers that do not help."""

import random
import time
import tracemalloc
from pathlib import Path

import pytest
from support.range_server import RangeServer
from support.transfer_fixtures import session

from qai_hub.errors import InternalError, UserError
from qai_hub.transfer import assembly
from qai_hub.transfer import download as download_module
from qai_hub.transfer.download import download
from qai_hub.transport.session import Session

__all__ = ["session"]

KIBIBYTE = 1 << 10
PIECE = 128 * KIBIBYTE
FILE = random.Random(8).randbytes(11 * PIECE + 777)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a file of a megabyte count as large, and this machine as far away."""
    monkeypatch.setattr(download_module, "is_loopback", lambda host: False)
    monkeypatch.setattr(assembly, "_LARGE", 2 * PIECE)
    monkeypatch.setattr(assembly, "_PIECE", PIECE)


def plain(status: str, body: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def test_several_streams_fetch_each_byte_once(session: Session, tmp_path: Path) -> None:
    with RangeServer(FILE, rate=1e6) as server:
        download(session, server.url, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == FILE
    # The first response goes on until the server notices that it was closed.
    assert server.most_open in {4, 5}
    asked = [each for each in server.ranges if each is not None]
    assert len(set(asked)) == len(asked)
    starts = {int(each.removeprefix("bytes=").partition("-")[0]) for each in asked}
    assert all(start % PIECE == 0 for start in starts)


def test_one_stream_fetches_files_within_this_machine(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(assembly, "_LARGE", PIECE)
    with RangeServer(FILE) as server:
        download(session, server.url, tmp_path / "m")
    assert server.ranges == [None]


@pytest.mark.parametrize(
    "refusal",
    [
        plain("429 Too Many Requests"),
        plain("503 Slow Down"),
        plain("403 Forbidden"),
        plain("416 Range Not Satisfiable"),
        plain("206 Partial Content", b"x" * 100),
        plain("200 OK", b"<html>Sign in</html>"),
        b"",
        b"HTTP/1.1 2",
        b"no HTTP at all\r\n\r\n",
    ],
)
def test_servers_that_refuse_a_second_connection(
    session: Session, tmp_path: Path, refusal: bytes
) -> None:
    """One stream then fetches what is missing."""
    with RangeServer(FILE, rate=8e6) as server:
        server.refuse = lambda _: refusal if server.open > 1 else None
        download(session, server.url, tmp_path / "m")
        assert server.sent < len(FILE) + 2 * PIECE
    assert (tmp_path / "m").read_bytes() == FILE


def test_streams_that_send_nothing_are_not_waited_for(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "_PATIENCE", 0.2)
    with RangeServer(FILE, rate=2e6) as server:
        held: list[int] = []

        def hold(number: int) -> bytes | None:
            if server.open > 1 and len(held) < 3:
                held.append(number)
                server.stopped.wait(60)
            return None

        server.refuse = hold
        began = time.monotonic()
        download(session, server.url, tmp_path / "m")
        assert time.monotonic() - began < 20
        assert len(held) == 3
    assert (tmp_path / "m").read_bytes() == FILE


def test_a_file_that_is_replaced_on_the_way(session: Session, tmp_path: Path) -> None:
    other = FILE[::-1][:-PIECE]
    with RangeServer(FILE, rate=2e6) as server:

        def replace(number: int) -> int | None:
            if number == 5:
                server.content = other
            return None

        server.cut = replace
        download(session, server.url, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == other


def test_a_range_with_the_bytes_of_another_file(session: Session, tmp_path: Path) -> None:
    """A server that has two versions under one tag: the digest tells, and it begins anew."""
    with RangeServer(FILE, rate=4e6) as server:
        head = (
            f"HTTP/1.1 206 Partial Content\r\nETag: {server.tag}\r\nContent-Length: {PIECE}\r\n"
            f"Content-Range: bytes {PIECE}-{2 * PIECE - 1}/{len(FILE)}\r\nConnection: close\r\n\r\n"
        )
        damaged = head.encode() + bytes(PIECE)
        spoilt: list[int] = []

        def spoil(number: int) -> bytes | None:
            if server.ranges[number] == f"bytes={PIECE}-{2 * PIECE - 1}" and not spoilt:
                spoilt.append(number)
                return damaged
            return None

        server.refuse = spoil
        download(session, server.url, tmp_path / "m")
        assert spoilt
    assert (tmp_path / "m").read_bytes() == FILE


def test_an_address_that_expires_for_all_streams(session: Session, tmp_path: Path) -> None:
    with RangeServer(FILE, rate=2e6) as server:
        server.refuse = lambda number: plain("403 Expired") if number > 5 else None
        with pytest.raises(UserError, match=r"403.*expired"):
            download(session, server.url, tmp_path / "m")
        server.refuse = lambda number: None
        download(session, server.url, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == FILE


# Of the response: its head begins, is half there, is there; of the file: its first byte, blocks
# that are read at a time, pieces, its last byte.
HEAD = 300
OFFSETS = [
    *(0, 1, 20, HEAD, HEAD + 1, HEAD + 100),
    *(HEAD + 64 * KIBIBYTE + each for each in (-1, 0, 1)),
    *(HEAD + PIECE + each for each in (-1, 0, 1)),
    *(HEAD + 3 * PIECE - 1, HEAD + len(FILE) - 1, HEAD + len(FILE)),
]


@pytest.mark.parametrize("is_large", [True, False])
@pytest.mark.parametrize("offset", OFFSETS)
def test_breaks_at_each_kind_of_offset(
    session: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    offset: int,
    *,
    is_large: bool,
) -> None:
    """Every other connection breaks there, also those of the streams that are begun anew."""
    if not is_large:
        monkeypatch.setattr(assembly, "_LARGE", 1 << 40)
    with RangeServer(FILE) as server:
        server.cut = lambda number: None if number % 2 else offset
        download(session, server.url, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == FILE
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("seed", range(4))
def test_breaks_at_random_offsets(session: Session, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with RangeServer(FILE) as server:
        server.cut = lambda _: chance.choice([None, chance.randrange(HEAD + 2 * PIECE)])
        for _ in range(20):
            try:
                download(session, server.url, tmp_path / "m")
            except InternalError:
                continue
            break
    assert (tmp_path / "m").read_bytes() == FILE


def test_memory_is_constant(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "_PIECE", 4 << 20)
    with RangeServer(bytes(32 << 20)) as server:
        tracemalloc.start()
        download(session, server.url, tmp_path / "m")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (tmp_path / "m").stat().st_size == 32 << 20
    assert peak < 12_000_000
