"""Downloads that go on where an earlier call or process stopped."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import random
import re
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from support.download_process import PARALLEL, SINGLE, start
from support.range_server import RangeServer
from support.scripted_server import Reply, ScriptedServer
from support.transfer_fixtures import SECRET, FileServer, session

from qai_hub.errors import InternalError, UserError
from qai_hub.transfer import partial_file
from qai_hub.transfer.download import download
from qai_hub.transport.session import Session

__all__ = ["session"]

MEBIBYTE = 1 << 20
FILE = random.Random(7).randbytes(8 * MEBIBYTE + 12_345)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def begin(session: Session, path: Path, *, size: int, digest: bool = True) -> str:
    """Leaves a download that stopped after so many bytes; returns the path of its URL."""
    with RangeServer(FILE, digest=digest) as server:
        server.cut = lambda _: None if server.ranges[1:] else size + 400
        server.refuse = lambda number: (
            b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" * bool(number) or None
        )
        with pytest.raises(UserError):
            download(session, f"{server.url}/f{SECRET}", path)
    return "/f"


def test_the_next_call_goes_on(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    assert names(tmp_path) == ["m.bin.part", "m.bin.part.json"]
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f?signature=another", path)
    assert path.read_bytes() == FILE
    assert names(tmp_path) == ["m.bin"]
    (asked,) = server.ranges
    assert asked is not None
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    assert 5 * MEBIBYTE - 1000 < start <= 5 * MEBIBYTE + 400
    assert server.sent == len(FILE) - start


def test_the_progress_begins_where_the_download_does(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    with RangeServer(FILE, rate=16e6) as server:
        began = time.monotonic()
        download(session, f"{server.url}/f", path, show=True)
        spent = time.monotonic() - began
    line = capsys.readouterr().err.strip()
    told = re.fullmatch(r"Downloaded m.bin: 8.4 MB in 0:0\d \((\d+\.\d) MB/s\)", line)
    assert told is not None, line
    assert float(told[1]) >= 0.9 * server.sent / spent / 1e6
    assert float(told[1]) < len(FILE) / 1e6 / (server.sent / 16e6)


def test_what_is_kept_tells_no_secret(session: Session, tmp_path: Path) -> None:
    begin(session, tmp_path / "m.bin", size=5 * MEBIBYTE)
    state = tmp_path / "m.bin.part.json"
    assert "s3cret" not in state.read_text()
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


@pytest.mark.parametrize("digest", [True, False])
def test_another_file_begins_anew(session: Session, tmp_path: Path, *, digest: bool) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE, digest=digest)
    other = FILE[::-1]
    with RangeServer(other, digest=digest) as server:
        download(session, f"{server.url}/f", path)
    assert path.read_bytes() == other
    assert server.sent == len(other)


def test_another_address_begins_anew(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/another", path)
    assert server.ranges == [None]
    assert path.read_bytes() == FILE


def test_an_announced_digest_decides(session: Session, tmp_path: Path) -> None:
    """The service may announce another digest than the store did for the bytes that are there."""
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    other = FILE[::-1]
    with RangeServer(other) as server:
        download(session, f"{server.url}/f", path, sha256=hashlib.sha256(other).hexdigest())
    assert server.ranges == [None]
    assert path.read_bytes() == other


@pytest.mark.parametrize(
    "state",
    [
        "",
        "[]",
        "{",
        "null",
        '{"version": 2}',
        '{"version": 1, "origin": {}, "there": []}',
        "[" * 5000,
        '{"version": 1, "origin": {"resource": 1, "tag": 2, "size": "3"}, "there": [[0, 1]]}',
    ],
)
def test_a_state_that_says_nothing(session: Session, tmp_path: Path, state: str) -> None:
    path = tmp_path / "m.bin"
    (tmp_path / "m.bin.part").write_bytes(b"x" * 100)
    (tmp_path / "m.bin.part.json").write_text(state)
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", path)
    assert server.ranges == [None]
    assert path.read_bytes() == FILE
    assert names(tmp_path) == ["m.bin"]


@pytest.mark.parametrize("there", [[[0, 10**9]], [[-5, 5]], [[9, 3]], [["0", None]], [[1]]])
def test_a_state_that_claims_too_much(session: Session, tmp_path: Path, there: object) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    state = tmp_path / "m.bin.part.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "there": there}))
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", path)
    assert server.ranges == [None]
    assert path.read_bytes() == FILE


def test_bytes_that_were_changed_meanwhile(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    with (tmp_path / "m.bin.part").open("r+b") as part:
        part.seek(MEBIBYTE)
        part.write(b"not these bytes")
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", path)
    assert path.read_bytes() == FILE
    assert len(server.ranges) == 2
    assert server.ranges[1] is None


def test_a_file_that_was_complete_is_asked_for_its_last_byte(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    (tmp_path / "m.bin.part").write_bytes(FILE)
    state = tmp_path / "m.bin.part.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "there": [[0, len(FILE)]]}))
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", path)
    assert server.ranges == [f"bytes={len(FILE) - 1}-"]
    assert path.read_bytes() == FILE


def test_a_file_that_stays_damaged_leaves_nothing(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    with RangeServer(FILE) as server:
        wrong = hashlib.sha256(b"another file").hexdigest()
        with pytest.raises(InternalError, match="arrived damaged"):
            download(session, f"{server.url}/f", path, sha256=wrong)
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_leaves_nothing(session: Session, tmp_path: Path, status: int) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    with ScriptedServer([Reply(status)]) as server, pytest.raises(UserError):
        download(session, f"{server.url}/f", path)
    assert names(tmp_path) == []


def test_a_server_that_is_down_leaves_what_is_there(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    begin(session, path, size=5 * MEBIBYTE)
    with ScriptedServer([Reply(503)]) as server, pytest.raises(InternalError):
        download(session, f"{server.url}/f", path)
    assert names(tmp_path) == ["m.bin.part", "m.bin.part.json"]


def test_a_few_bytes_are_not_kept(session: Session, tmp_path: Path) -> None:
    with pytest.raises(InternalError), ScriptedServer(FileServer(FILE, breaks=[9] * 99)) as server:
        download(session, server.url, tmp_path / "m.bin")
    assert names(tmp_path) == []


def test_links_are_not_followed(session: Session, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / "m.bin.part").symlink_to(precious)
    (tmp_path / "m.bin.part.json").symlink_to(precious)
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", tmp_path / "m.bin")
    assert (tmp_path / "m.bin").read_bytes() == FILE
    assert precious.read_bytes() == b"precious"


def test_the_file_of_another_program_is_left_alone(session: Session, tmp_path: Path) -> None:
    (tmp_path / "m.bin.part").write_bytes(b"what a browser has not finished")
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", tmp_path / "m.bin")
    assert (tmp_path / "m.bin").read_bytes() == FILE
    assert (tmp_path / "m.bin.part").read_bytes() == b"what a browser has not finished"


def test_a_hard_link_is_left_alone(session: Session, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / "m.bin.part").hardlink_to(precious)
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", tmp_path / "m.bin")
    assert (tmp_path / "m.bin").read_bytes() == FILE
    assert precious.read_bytes() == b"precious"


def test_a_pipe_in_place_of_the_state_is_not_waited_for(session: Session, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.bin.part.json")
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", tmp_path / "m.bin")
    assert names(tmp_path) == ["m.bin"]


def test_a_file_system_without_locks(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells there whether another process is at work, so nothing is resumed or left."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    begin(session, tmp_path / "m.bin", size=5 * MEBIBYTE)
    assert names(tmp_path) == []
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", tmp_path / "m.bin")
    assert server.ranges == [None]
    assert names(tmp_path) == ["m.bin"]


def test_partial_files_of_last_week_are_removed(session: Session, tmp_path: Path) -> None:
    begin(session, tmp_path / "old.bin", size=5 * MEBIBYTE)
    begin(session, tmp_path / "new.bin", size=5 * MEBIBYTE)
    (tmp_path / "killed.bin.0123abcd.part").write_bytes(b"x")
    (tmp_path / "of another program.part").write_bytes(b"x")
    week = time.time() - 8 * 24 * 3600
    for name in ("old.bin.part", "killed.bin.0123abcd.part", "of another program.part"):
        os.utime(tmp_path / name, (week, week))
    with RangeServer(FILE) as server:
        download(session, f"{server.url}/f", tmp_path / "m.bin")
    kept = ["m.bin", "new.bin.part", "new.bin.part.json", "of another program.part"]
    assert names(tmp_path) == kept


def await_bytes(server: RangeServer, count: int, child: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while server.sent < count and child.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.parametrize("large", [SINGLE, PARALLEL])
def test_ctrl_c_leaves_what_arrived(session: Session, tmp_path: Path, large: int) -> None:
    path = tmp_path / "m.bin"
    with RangeServer(FILE, rate=4e6 if large == SINGLE else 1e6) as server:
        child = start(f"{server.url}/f", path, large)
        await_bytes(server, 3 * MEBIBYTE, child)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=30)
        assert told.rstrip().endswith("KeyboardInterrupt")
        assert names(tmp_path) == ["m.bin.part", "m.bin.part.json"]
        there = json.loads((tmp_path / "m.bin.part.json").read_text())["there"]
        asked = len(server.ranges)
        server.rate = None
        download(session, f"{server.url}/f", path)
    assert path.read_bytes() == FILE
    assert sum(end - start for start, end in there) >= 2 * MEBIBYTE
    assert None not in server.ranges[asked:]


@pytest.mark.parametrize("large", [SINGLE, PARALLEL])
def test_two_processes_at_once(tmp_path: Path, large: int) -> None:
    path = tmp_path / "m.bin"
    with RangeServer(FILE, rate=8e6) as server:
        children = [start(f"{server.url}/f", path, large) for _ in range(3)]
        for child in children:
            _, told = child.communicate(timeout=60)
            assert child.returncode == 0, told
    assert path.read_bytes() == FILE
    assert names(tmp_path) == ["m.bin"]


def test_a_process_that_was_killed_beside_another(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    with RangeServer(FILE, rate=3e6) as server:
        first = start(f"{server.url}/f", path, SINGLE)
        await_bytes(server, 2 * MEBIBYTE, first)
        second = start(f"{server.url}/f", path, SINGLE)
        await_bytes(server, 6 * MEBIBYTE, second)
        second.kill()
        second.communicate()
        first.communicate(timeout=60)
        assert first.returncode == 0
    assert path.read_bytes() == FILE


def test_without_a_checksum_holes_of_a_power_cut_are_not_believed(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written down as there is on the disk first, as nothing would tell that it is not."""
    synced: list[int] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(partial_file, "_SYNC_INTERVAL", 2 * MEBIBYTE)
    with RangeServer(FILE, digest=False) as server:
        download(session, f"{server.url}/f", tmp_path / "m.bin")
    assert len(synced) >= 3
    synced.clear()
    with RangeServer(FILE) as server, contextlib.suppress(OSError):
        download(session, f"{server.url}/f", tmp_path / "n.bin")
    assert synced == []
