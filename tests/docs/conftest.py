"""The world that the examples of the docs and docstrings run in."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.page_blocks import commands_folder
from support.tiny_models import averaging
from support.users import COLLEAGUE

import qai_hub
import qai_hub.hub
from qai_hub.config import save_config
from qai_hub.local import LocalHub
from qai_hub.local.engine.example import build_example_model

YOU = "you@example.com"
ENVIRONMENT = ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL")


@pytest.fixture(scope="session")
def local_hub() -> Iterator[LocalHub]:
    with LocalHub(users=[YOU, COLLEAGUE]) as running:
        yield running


@pytest.fixture
def reader(local_hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who tries an example: with a configuration, in a folder that holds a model."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    for profile, email in ((None, YOU), ("local", YOU), ("colleague", COLLEAGUE)):
        save_config(local_hub.config(email), profile, environ={}, home=home)
    folder.mkdir()
    onnx.save(build_example_model(), folder / "model.onnx")
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(qai_hub.hub, "_global_client", None)


@pytest.fixture(scope="session")
def names(local_hub: LocalHub) -> dict[str, Any]:
    """The names that examples in docstrings begin with: jobs, and what they were made of.

    All jobs have ended.
    """
    client, device = local_hub.client(YOU), qai_hub.Device("Samsung Galaxy S24")
    model = client.upload_model(averaging(), "model")
    dataset = client.upload_dataset({"x": [np.zeros((1, 3, 48, 192), np.float32)]}, "inputs")
    compile_job = client.submit_compile_job(model, device, options="--target_runtime onnx")
    target_model = compile_job.get_target_model()
    inference_job = client.submit_inference_job(target_model, device, dataset)
    noise = np.random.default_rng(0).normal(size=(4, 1, 3, 48, 192)).astype(np.float32)
    calibration = client.upload_dataset({"x": list(noise)}, "calibration")
    quantize_job = client.submit_quantize_job(model, calibration)
    dlc_job = client.submit_compile_job(model, device, options="--target_runtime qnn_dlc")
    link_job = client.submit_link_job(dlc_job.get_target_model(), device)
    target_check = dlc_job.get_target_check()
    # Some examples list failed jobs: whether there is one must not depend on the order of tests.
    assert (
        client.submit_compile_job(model, device, options="--target_runtime tflite").wait().failure
    )
    jobs = [compile_job, inference_job]
    assert all(status.success for status in qai_hub.wait_all([*jobs, quantize_job, link_job]))
    return {
        "hub": qai_hub,
        "np": np,
        "client": client,
        "device": device,
        "model": model,
        "dataset": dataset,
        "compile_job": compile_job,
        "dlc_job": dlc_job,
        "target_check": target_check,
        "target_model": target_model,
        "inference_job": inference_job,
        "quantize_job": quantize_job,
        "link_job": link_job,
        "job": inference_job,
        "jobs": jobs,
        "profile": inference_job.get_profile(),
        "local_hub": local_hub,
    }


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of somebody who has started a hub as the README says, for a page."""
    home = tmp_path_factory.mktemp("newcomer")
    path = commands_folder(home / "bin", sys.executable)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QAI")}
    environment = kept | {"HOME": str(home), "PATH": f"{path}:{os.environ['PATH']}"}
    with subprocess.Popen(
        ["qai-hub", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        executable=path / "qai-hub",
    ) as hub:
        assert hub.stdout is not None
        assert any(line.startswith("Ctrl+C") for line in hub.stdout)
        yield environment | {"QAIHUB_CLIENT_INI": str(home / ".qai_hub/local.ini")}
        hub.terminate()
