"""A hub in a subprocess, as the command line runs it, that tests kill and restart."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from support.users import ME

TOKEN = "of-a-hub-that-is-killed"
_TIMEOUT = 30


class HubSubprocess:
    """A hub on a port and a data folder that stay the same.

    Args:
        home: Folder of its own, which takes its data and its profile.
        port: TCP port.

    Attributes:
        worker_pids: Processes of jobs that were seen so far.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.data = home / "data"
        self.url = f"http://127.0.0.1:{port}"
        self.worker_pids: set[int] = set()
        self._command = [sys.executable, "-m", "qai_hub", "serve", "--port", str(port)]
        self._command += ["--data-dir", str(self.data), "--user", f"{ME}={TOKEN}"]
        self._command += ["--max-parallel-jobs", "2"]
        self._home = home
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Process of the hub, which is running."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        environment = {**os.environ, "HOME": str(self._home), "USERPROFILE": str(self._home)}
        with (self._home / "stderr").open("a") as errors:
            self._process = subprocess.Popen(
                self._command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("Ctrl+C"):
                return
        raise AssertionError((self._home / "stderr").read_text())

    def stop(self, number: signal.Signals) -> int:
        """Send it a signal, and see that its jobs end with it; return its exit status."""
        process, workers = self._process, list(self.iter_running_workers())
        assert process is not None
        process.send_signal(number)
        status = process.wait(_TIMEOUT)
        assert process.stdout is not None
        process.stdout.close()
        self._process = None
        deadline = time.monotonic() + _TIMEOUT
        while any(map(is_running, workers)):
            assert time.monotonic() < deadline, "a job outlived its hub"
            time.sleep(0.01)
        return status

    def iter_running_workers(self) -> Iterator[int]:
        """Yield the processes of the jobs that run now."""
        assert self._process is not None
        for pid in _iter_descendants(self._process.pid):
            if _read(Path(f"/proc/{pid}/comm")).strip() == b"qai-hub worker":
                self.worker_pids.add(pid)
                yield pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.stop(signal.SIGKILL)

    def damaged_files(self) -> list[str]:
        """Return the files on the disk that are not as the database has them."""
        return [
            name
            for name, (size, sha256) in self._known().items()
            if not _is_whole(self.data / "files" / name, size, sha256)
        ]

    def orphaned_files(self) -> list[str]:
        """Return what lies in the data folder of a hub that has ended, and has no place there."""
        files = {path.name for path in (self.data / "files").iterdir()} - self._known().keys()
        work = {path.name for path in (self.data / "work").iterdir()}
        return sorted(files | work)

    def _known(self) -> dict[str, tuple[int, str | None]]:
        with sqlite3.connect(self.data / "hub.db") as db:
            rows = db.execute("SELECT id, size, sha256 FROM files").fetchall()
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.close()
        return {name: (size, sha256) for name, size, sha256 in rows}


def is_running(pid: int) -> bool:
    """Tell whether a process has not ended; one that nobody has waited for yet has."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return bool(fields) and fields[0] != b"Z"


def _iter_descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _read(children).split()):
            yield child
            yield from _iter_descendants(child)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _is_whole(path: Path, size: int, sha256: str | None) -> bool:
    content = path.read_bytes() if path.exists() else None
    if content is None or len(content) != size:
        return False
    return sha256 in (None, hashlib.sha256(content).hexdigest())
