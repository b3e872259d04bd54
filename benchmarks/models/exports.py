"""Runs `qai-hub-models export` for a cell."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from models.cells import Cell, Outcome
from models.output import Printed, read_output
from qai_hub.client import Client
from qai_hub.errors import Error

_STAND_INS: Final = Path(__file__).parent / "stand_ins"
_WARM_CLIENT: Final = Path(__file__).parent / "warm_client.py"
_DEVICE: Final = "Samsung Galaxy S24"
# One inference in simulation is enough to time it, and takes up to a minute.
_PROFILE_OPTIONS: Final = "--max_profiler_iterations 1"
_MAX_REASON: Final = 1500


class _WarmClient:
    """Runs `qai-hub-models` in forks of one process.

    Args:
        program: The command of that process.
        folder: Where it works.
        environ: Its environment variables.
    """

    def __init__(self, program: list[str], folder: Path, environ: Mapping[str, str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            program, cwd=folder, env=environ, stdin=pipe, stdout=pipe, text=True
        )
        self._answers: dict[str, queue.Queue[dict[str, Any]]] = {}
        self._pids: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._read, daemon=True).start()

    def run(self, arguments: list[str], log: Path, seconds: float) -> int | None:
        """Runs it.

        Args:
            arguments: What follows `qai-hub-models`.
            log: File for its output.
            seconds: How long it may take.

        Returns:
            The exit status; None if it did not end in time.

        Raises:
            InterruptedError: It was ended by `close`.
        """
        assert self._process.stdin is not None
        answers = self._answers[str(log)] = queue.Queue()
        with self._lock:
            self._process.stdin.write(json.dumps({"arguments": arguments, "log": str(log)}) + "\n")
            self._process.stdin.flush()
        pid = answers.get().get("pid")
        if pid is None:
            raise InterruptedError("The process that starts exports has ended.")
        self._pids.add(pid)
        in_time = True
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            in_time = False
            os.kill(pid, signal.SIGKILL)
            answer = answers.get()
        self._pids.discard(pid)
        if self._closed:
            raise InterruptedError("The export was ended.")
        return answer["status"] if in_time else None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            self._answers[answer["log"]].put(answer)
        self._closed = True
        for answers in self._answers.values():
            answers.put({})

    def close(self) -> None:
        """Ends what is running."""
        self._closed = True
        for pid in list(self._pids):
            os.kill(pid, signal.SIGKILL)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True)
class Exporter:
    """Exports cells to a hub, as a user would who has qai_hub_models.

    Attributes:
        client: "ours" or "official": which client the environment has.
        environment: Folder of the environment with qai_hub_models.
        folder: Folder for homes, logs and target models.
        address: Address of the hub.
        token: Token of a user of it.
        hub: Client of the hub, to ask for the reasons of failed jobs.
        git_config: Settings of git for the repositories that models come from; None for none.
        time_limit: Seconds that an export may take.
        versions: Versions that are noted with the outcomes.
    """

    client: str
    environment: Path
    folder: Path
    address: str
    token: str
    hub: Client
    git_config: Path | None
    time_limit: float
    versions: Mapping[str, str]
    _warm: "_WarmClient" = field(init=False)

    def __enter__(self) -> Self:
        """Starts what exports run in."""
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        program = [str(self.environment / "bin" / "python"), str(_WARM_CLIENT)]
        object.__setattr__(self, "_warm", _WarmClient(program, work, self.make_environ()))
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the exports that are running, which then have no outcome."""
        self._warm.close()

    def export(self, cell: Cell) -> Outcome:
        """Exports a cell.

        Args:
            cell: The cell.

        Returns:
            What came of it.

        Raises:
            InterruptedError: It was ended from outside.
        """
        name = f"{cell.model}-{cell.runtime}-{cell.precision}"
        log = self.folder / "logs" / self.client / f"{name}.log"
        assets = self.folder / "assets" / self.client / name
        log.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(assets, ignore_errors=True)
        began = time.monotonic()
        status = self._run(cell, log, assets)
        seconds = time.monotonic() - began
        printed = read_output(log.read_text("utf-8", "replace"))
        size = sum(path.stat().st_size for path in _list_targets(assets))
        shutil.rmtree(assets, ignore_errors=True)
        reason = "" if status == 0 else self._find_reason(printed, status)
        return Outcome(
            cell=cell,
            client=self.client,
            psnr=printed.psnr,
            milliseconds=printed.milliseconds,
            size=size or None,
            seconds=round(seconds),
            reason=reason[:_MAX_REASON],
            notices=printed.notices,
            versions=self.versions,
        )

    def _run(self, cell: Cell, log: Path, assets: Path) -> int | None:
        """Run the export; return its exit status, None if it did not end in time."""
        arguments = [
            *("export", cell.model),
            *("--target-runtime", cell.runtime),
            *("--precision", cell.precision),
            *("--device", _DEVICE),
            *("--profile-options", _PROFILE_OPTIONS),
            *("--output-dir", str(assets)),
        ]
        return self._warm.run(arguments, log, self.time_limit)

    def make_environ(self) -> dict[str, str]:
        """Returns the environment variables for programs of the client's environment."""
        home = self.folder / "home"
        settings = home / ".qai_hub" / "client.ini"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.touch(mode=0o600)
        settings.write_text(
            f"[api]\napi_token = {self.token}\napi_url = {self.address}\n"
            f"web_url = {self.address}\nverbose = true\n",
            "utf-8",
        )
        environ = {
            **os.environ,
            "HOME": str(home),
            "PYTHONPATH": str(_STAND_INS),
            "QAIHM_CI": "1",  # it asks nothing
            "OMP_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",  # the same files, so that the hub knows them again
        }
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        if self.git_config is not None:
            environ["GIT_CONFIG_GLOBAL"] = str(self.git_config)
        return environ

    def _find_reason(self, printed: Printed, exit_status: int | None) -> str:
        """Return why an export failed: the reason of its first failed job, or its exception."""
        for each in printed.jobs:
            try:
                job = self.hub.get_job(each)
            except Error:
                continue
            status = job.get_status()
            if status.failure:
                return f"{job.job_type.removesuffix('_job').lower()}: {status.message}"
        if exit_status is None:
            for each in printed.jobs:
                self.hub.cancel_job(each)
            return f"It took longer than {self.time_limit:g} s."
        return printed.error or f"It ended with exit status {exit_status}."


def _list_targets(assets: Path) -> list[Path]:
    """Return the files of target models in a folder, without what describes them."""
    described = {".json", ".yaml", ".md", ".txt"}
    return [path for path in assets.rglob("*") if path.is_file() and path.suffix not in described]
