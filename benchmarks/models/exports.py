"""Runs `qai-hub-models export` for a cell."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from models.cells import Cell, Outcome
from models.output import Printed, read_output
from qai_hub.client import Client
from qai_hub.errors import Error

_STAND_INS: Final = Path(__file__).parent / "stand_ins"
_DEVICE: Final = "Samsung Galaxy S24"
# One inference in simulation is enough to time it, and takes up to a minute.
_PROFILE_OPTIONS: Final = "--max_profiler_iterations 1"
_MAX_REASON: Final = 1500


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
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """Ends the exports that are running, which then have no outcome."""
        self._stopped.set()
        for process in list(self._running):
            process.kill()

    def export(self, cell: Cell) -> Outcome:
        """Exports a cell.

        Args:
            cell: The cell.

        Returns:
            What came of it.

        Raises:
            InterruptedError: It was ended by `stop`.
        """
        name = f"{cell.model}-{cell.runtime}-{cell.precision}"
        log = self.folder / "logs" / self.client / f"{name}.log"
        assets = self.folder / "assets" / self.client / name
        log.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(assets, ignore_errors=True)
        began = time.monotonic()
        status = self._run(cell, log, assets)
        seconds = time.monotonic() - began
        if self._stopped.is_set():
            raise InterruptedError("The export was ended.")
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
        command = [
            str(self.environment / "bin" / "qai-hub-models"),
            *("export", cell.model),
            *("--target-runtime", cell.runtime),
            *("--precision", cell.precision),
            *("--device", _DEVICE),
            *("--profile-options", _PROFILE_OPTIONS),
            *("--output-dir", str(assets)),
        ]
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=work,
                env=self.make_environ(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            self._running.add(process)
            try:
                return process.wait(self.time_limit)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return None
            finally:
                self._running.discard(process)

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
            return f"It took longer than {self.time_limit:g} s."
        return printed.error or f"It ended with exit status {exit_status}."


def _list_targets(assets: Path) -> list[Path]:
    """Return the files of target models in a folder, without what describes them."""
    described = {".json", ".yaml", ".md", ".txt"}
    return [path for path in assets.rglob("*") if path.is_file() and path.suffix not in described]
