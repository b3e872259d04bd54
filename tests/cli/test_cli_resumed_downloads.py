"""Downloads of the command go on where an earlier process was interrupted or killed."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import COMMAND, Outcome, make_environment, run_process
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.polling import wait_until

from qai_hub.config import save_config
from qai_hub.local import LocalHub
from qai_hub.local.files.folder import FolderStore

MEBIBYTE = 1 << 20
CONTENT = random.Random(11).randbytes(9 * MEBIBYTE)
SENT = 6 * MEBIBYTE
# A killed process fetches again what arrived since it last wrote down what is there.
KEPT = 4 * MEBIBYTE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no partial files")


def size_of(path: Path) -> int:
    """Return the size of a file; 0 if it has just been renamed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class SlowHub:
    """A hub that stops sending files after some bytes, until it may go on.

    Attributes:
        starts: Offset of the first byte of each download of a large file.
        may_go_on: Cleared to stop.
    """

    def __init__(self, hub: LocalHub, home: Path) -> None:
        self.api = Api(hub)
        self.home = home
        self.starts: list[int] = []
        self.may_go_on = threading.Event()

    def interrupt(self, number: signal.Signals, *arguments: str) -> str:
        """Start the command and end it by a signal within a download; returns what it wrote."""
        self.starts.clear()
        self.may_go_on.clear()
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.home,
            env=make_environment(self.home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            wait_until(lambda: sum(map(size_of, self.partial_files())) >= SENT)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        self.may_go_on.set()
        assert (out, self.starts) == ("", [0])
        return err

    def run(self, *arguments: str) -> Outcome:
        self.may_go_on.set()
        return run_process(self.home, *arguments)

    def partial_files(self) -> list[Path]:
        return list(self.home.glob("**/.qai-hub-*.part/**/*.part"))

    def names(self) -> list[str]:
        return sorted(
            path.relative_to(self.home).as_posix()
            for path in self.home.rglob("*")
            if path.is_file() and ".qai_hub" not in path.parts and ".cache" not in path.parts
        )


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    with LocalHub(run_attempt=FakeWorker()) as running:
        yield running


@pytest.fixture
def slow(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowHub]:
    save_config(hub.config(), home=tmp_path)
    slow, real = SlowHub(hub, tmp_path), FolderStore.open_range

    def open_range(self: FolderStore, file_id: str, start: int, end: int) -> Iterator[bytes]:
        sent = start
        for block in real(self, file_id, start, end):
            if end >= len(CONTENT) and sent - start >= SENT:
                slow.may_go_on.wait(30)
            yield block
            sent += len(block)

    def note(self: FolderStore, file_id: str, start: int, end: int) -> Iterator[bytes]:
        if end >= len(CONTENT):
            slow.starts.append(start)
        return open_range(self, file_id, start, end)

    monkeypatch.setattr(FolderStore, "open_range", note)
    yield slow
    slow.may_go_on.set()
    slow.api.close()


@pytest.fixture(scope="module")
def model(hub: LocalHub) -> str:
    api = Api(hub)
    key = api.upload_model(CONTENT)
    api.close()
    return key


@pytest.mark.parametrize(
    ("number", "output"),
    [(signal.SIGINT, "./"), (signal.SIGTERM, "mine.onnx"), (signal.SIGKILL, "./")],
)
def test_a_model_is_continued(
    slow: SlowHub, model: str, number: signal.Signals, output: str
) -> None:
    call = ("model", "download", model, "-o", output)
    told = slow.interrupt(number, *call)
    assert ("run the same command again" in told) == (number == signal.SIGINT)
    # Nothing has a name that another program may take for the file.
    assert all("/" in name for name in slow.names())
    done = slow.run(*call)
    assert (done.status, done.err) == (0, "")
    (name,) = slow.names()
    assert done.lines == [name]
    assert (slow.home / name).read_bytes() == CONTENT
    assert slow.starts[0] == 0
    assert slow.starts[1] >= KEPT


def test_the_results_of_a_job_are_continued(slow: SlowHub, model: str) -> None:
    job, _ = slow.api.compile(model)
    slow.api.wait(job)
    call = ("job", "download", job, "-o", "results")
    slow.interrupt(signal.SIGKILL, *call)
    assert not list((slow.home / "results").glob("*.onnx"))
    done = slow.run(*call)
    assert done.status == 0
    assert slow.names() == sorted(done.lines)
    (target,) = (slow.home / "results").glob("*.onnx")
    assert target.read_bytes() == b"made from " + CONTENT
    assert slow.starts[1] >= KEPT


def test_a_second_process_meanwhile_does_without(slow: SlowHub, model: str) -> None:
    call = ("model", "download", model)
    slow.may_go_on.clear()
    first = subprocess.Popen(
        [*COMMAND, *call], cwd=slow.home, env=make_environment(slow.home), stdout=subprocess.PIPE
    )
    with first:
        wait_until(slow.partial_files)
        second = subprocess.Popen(
            [*COMMAND, *call, "-o", "second.onnx"],
            cwd=slow.home,
            env=make_environment(slow.home),
            stdout=subprocess.PIPE,
        )
        with second:
            wait_until(lambda: slow.starts == [0, 0])
            slow.may_go_on.set()
            assert (first.wait(30), second.wait(30)) == (0, 0)
    assert len(slow.names()) == 2
    assert {(slow.home / name).read_bytes() for name in slow.names()} == {CONTENT}


def test_what_nobody_came_back_to_is_removed_after_a_week(slow: SlowHub, model: str) -> None:
    other = slow.api.upload_model(b"another model")
    slow.interrupt(signal.SIGKILL, "model", "download", model)
    assert slow.run("model", "download", other, "-o", "other.onnx").status == 0
    assert slow.partial_files()
    for path in (slow.home, *slow.home.rglob("*")):
        os.utime(path, (0, 0))
    assert slow.run("model", "download", other, "-o", "again.onnx").status == 0
    assert slow.names() == ["again.onnx", "other.onnx"]
    assert not list(slow.home.glob(".qai-hub-*"))


def test_links_and_files_in_the_place_of_the_folder_are_left_alone(
    slow: SlowHub, model: str
) -> None:
    elsewhere = slow.home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("mine")
    place = slow.home / f".qai-hub-{model}.part"
    for make in (lambda: place.symlink_to(elsewhere), lambda: place.write_text("mine")):
        make()
        assert slow.run("model", "download", model, "-f").status == 0
        assert place.exists()
        assert (elsewhere / "mine").read_text() == "mine"
        place.unlink()
