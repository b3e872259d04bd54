"""`make team-hub`: a hub of several processes, started and stopped by one command."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command import make_environment
from support.tiny_models import affine

from qai_hub.client import Client, CompileJob, Device
from qai_hub.config import load_config

TESTS = Path(__file__).parents[1]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of the database server can reach, which is another than root."""
    with tempfile.TemporaryDirectory(prefix="team-hub-") as name:
        path = Path(name)
        path.chmod(0o711)
        yield path


@contextmanager
def running_hub(folder: Path, home: Path) -> Iterator[Client]:
    """Run the command until the block ends; yields a client by the profile that it wrote."""
    command = [sys.executable, "-m", "support.team_hub", "--folder", str(folder)]
    environment = make_environment(home, PYTHONPATH=str(TESTS))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ctrl+C"):
                break
        try:
            assert sum(line.startswith("Worker ") for line in said) == 2
            yield Client(load_config("team-hub", home=home))
        finally:
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate()
    assert process.returncode == 0
    assert rest.splitlines()[-1].startswith("Stopped.")


def test_it_runs_a_job_and_finds_it_again_at_the_next_start(folder: Path, tmp_path: Path) -> None:
    with running_hub(folder, tmp_path) as client:
        job = client.submit_compile_job(affine(), Device("Samsung Galaxy S24"))
        assert job.wait(120).success
    with running_hub(folder, tmp_path) as client:
        found = client.get_job(job.job_id)
        assert isinstance(found, CompileJob)
        assert found.get_status().success
        target = found.download_target_model(str(tmp_path / "target.onnx"))
        assert target is not None
        assert Path(target).stat().st_size > 0
