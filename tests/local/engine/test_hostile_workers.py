"""What the hub takes from a worker that a model has taken over: nothing but files of its own."""

import json
import sys
import threading
from pathlib import Path

import pytest

from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest, InputModel, run_attempt
from qai_hub.local.engine.packages import WorkerPackages
from qai_hub.local.engine.process import StartedProgram, WorkerProcess
from qai_hub.local.engine.workers import ColdWorkers
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.left_files import LeftFileError, read_left_file

REPORT = {"files": {"target_model": "made.onnx"}, "result": {"kind": "report"}}


class TakenOver(ColdWorkers):
    """Starts a program of the attacker's in place of the worker."""

    def __init__(self, script: str) -> None:
        self._script = script

    def start(
        self,
        folder: Path,
        memory_limit: int | None,
        cancelled: threading.Event,
        packages: WorkerPackages,
    ) -> WorkerProcess:
        return StartedProgram([sys.executable, "-S", "-c", self._script], folder, {})


def attempt(folder: Path, *lines: str, report: object = REPORT) -> AttemptOutcome:
    script = "\n".join(
        (
            "import json, os",
            f"open('result.json', 'w').write({json.dumps(report)!r})",
            "open('made.onnx', 'w').write('made')",
            *lines,
        )
    )
    (folder / "attempt").mkdir()
    return run_attempt(
        AttemptRequest(
            kind="run",
            inputs=(InputModel(path=folder / "model", model_type="MODEL_TYPE_ONNX"),),
            options="",
            profile=True,
        ),
        folder / "attempt",
        time_limit=60,
        memory_limit=None,
        cancelled=threading.Event(),
        workers=TakenOver(script),
    )


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the hub, beside the folder of the attempt."""
    path = tmp_path / "secret"
    path.write_text(json.dumps(REPORT))
    return path


def test_files_of_its_own_are_taken(tmp_path: Path) -> None:
    outcome = attempt(tmp_path)
    assert outcome.succeeded
    assert outcome.files["target_model"].read_text() == "made"
    assert outcome.result == {"kind": "report"}


@pytest.mark.parametrize("name", ["../secret", "{secret}", "a/../../secret", "..", ".", "", "a/b"])
def test_files_elsewhere_are_not(tmp_path: Path, secret: Path, name: str) -> None:
    report = {"files": {"target_model": name.format(secret=secret)}}
    with pytest.raises(LeftFileError, match="no name of a file"):
        attempt(tmp_path, "os.mkdir('a'); open('a/b', 'w')", report=report)


@pytest.mark.parametrize("name", ["result.json", "made.onnx", "hub.log", "runtime.log"])
@pytest.mark.parametrize("how", ["os.symlink({secret!r}, {name!r})", "os.mkfifo({name!r})"])
def test_links_and_pipes_are_not(tmp_path: Path, secret: Path, name: str, how: str) -> None:
    made = how.format(secret=str(secret), name=name)
    with pytest.raises(LeftFileError, match="not a file of its own"):
        attempt(tmp_path, f"os.unlink({name!r})", made)


def test_reports_that_fill_the_memory_are_not(tmp_path: Path) -> None:
    with pytest.raises(LeftFileError, match="more than"):
        attempt(tmp_path, "os.truncate('result.json', 1 << 40)")


def test_no_reason_quotes_a_file_of_the_hub(tmp_path: Path, secret: Path) -> None:
    outcome = attempt(
        tmp_path, "os.unlink('result.json')", f"os.symlink({str(secret)!r}, 'work/step.txt')"
    )
    assert "while starting" in outcome.reason
    assert "report" not in outcome.reason


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError):
        read_left_file(path, 4)
    path.write_bytes(b"1234")
    assert read_left_file(path, 4) == b"1234"
    with pytest.raises(LeftFileError, match="more than 3 bytes"):
        read_left_file(path, 3)


def test_no_log_of_a_running_job_is_a_link(tmp_path: Path, secret: Path) -> None:
    work = WorkFolders(tmp_path, durable=False)
    log = work.create("j1", 1) / "hub.log"
    log.write_text("begun")
    assert work.read_log("j1", 1) == "begun"
    log.unlink()
    log.symlink_to(secret)
    with pytest.raises(LeftFileError):
        work.read_log("j1", 1)
