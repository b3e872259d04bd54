"""The official client's own command line, against a local hub."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest
from support.tiny_models import affine

from qai_hub.config import save_config
from qai_hub.local import LocalHub

DEVICE = ["--device", "Samsung Galaxy S24"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def lh() -> Iterator[LocalHub]:
    with LocalHub(validate_responses=True) as hub:
        yield hub


@pytest.fixture
def run(lh: LocalHub, tmp_path: Path) -> Run:
    save_config(lh.config(), home=tmp_path)
    onnx.save(affine(batch="n"), tmp_path / "affine.onnx")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    command = Path(os.environ["OFFICIAL_PYTHON"]).with_name("qai-hub")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [command, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def test_devices_and_frameworks_are_listed(run: Run) -> None:
    assert "Snapdragon X Elite CRD" in run("list-devices").stdout
    assert "Samsung Galaxy S24" in run("list-devices", *DEVICE, "--format", "details").stdout
    assert "onnxruntime" in run("list-frameworks", "--json").stdout


def test_a_model_goes_from_upload_to_results(run: Run, lh: LocalHub) -> None:
    client = lh.client()
    run("upload-model", "--model", "affine.onnx", "--name", "by command")
    (model,) = client.get_models(limit=1)
    assert model.name == "by command"
    options = ["--compile_options", " --target_runtime onnx", "--input_specs", "{'x': (1, 4)}"]
    run("submit-compile-job", "--model", model.model_id, *DEVICE, *options, "--wait")
    (compiled,) = client.get_job_summaries(limit=1)
    assert compiled.status.success
    target = next(m for m in client.get_models() if m.get_producer())
    run("submit-profile-job", "--model", target.model_id, *DEVICE, "--wait")
    (profiled,) = client.get_job_summaries(limit=1)
    assert profiled.status.success
    assert profiled.device_name == "Samsung Galaxy S24"
