"""One local hub for all tests of the command that need one, and what is on it."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.command import Outcome, Run
from support.compiled_models import PHONE, compile_affine, target_of
from support.tiny_models import affine
from support.users import COLLEAGUE, ME

from qai_hub.cli.main import main
from qai_hub.client import (
    Client,
    CompileJob,
    Dataset,
    Device,
    InferenceJob,
    Model,
    QuantizeJob,
)
from qai_hub.config import save_config
from qai_hub.local import LocalHub


@pytest.fixture(scope="session")
def lh() -> Iterator[LocalHub]:
    with LocalHub(users=[ME, COLLEAGUE], validate_responses=True) as running:
        yield running


@pytest.fixture(scope="session")
def client(lh: LocalHub) -> Client:
    return lh.client(ME)


@pytest.fixture(scope="session")
def home(lh: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user with profiles and models."""
    folder = tmp_path_factory.mktemp("home")
    save_config(lh.config(ME), home=folder)
    save_config(lh.config(COLLEAGUE), "colleague", home=folder)
    onnx.save(affine(batch="n"), folder / "open.onnx")
    onnx.save(affine(), folder / "affine.onnx")
    (folder / "broken.onnx").write_bytes(b"no model")
    (folder / "net.dlc").write_bytes(b"as good as any")
    return folder


@pytest.fixture(scope="session")
def data(client: Client, home: Path) -> Dataset:
    """A dataset, which is at data.h5 as well."""
    uploaded = client.upload_dataset({"x": [np.ones((1, 4), np.float32)]}, "data")
    uploaded.download(str(home / "data.h5"))
    return uploaded


@pytest.fixture(scope="session")
def compiled(client: Client) -> CompileJob:
    return compile_affine(client, "compiled")


@pytest.fixture(scope="session")
def target(compiled: CompileJob) -> Model:
    return target_of(compiled)


@pytest.fixture(scope="session")
def quantized(client: Client) -> QuantizeJob:
    noise = np.random.default_rng(0).normal(size=(4, 1, 4)).astype(np.float32)
    job = client.submit_quantize_job(affine(), {"x": list(noise)}, name="quantized")
    assert job.wait(60).success
    return job


@pytest.fixture(scope="session")
def profiled(client: Client, target: Model) -> InferenceJob:
    """A job that only profiles, and has succeeded."""
    job = client.submit_inference_job(target, Device(PHONE), name="profiled")
    assert isinstance(job, InferenceJob)
    assert job.wait(60).success
    return job


@pytest.fixture(scope="session")
def inferred(client: Client, target: Model, data: Dataset) -> InferenceJob:
    """A job that profiles and has inputs, and has succeeded."""
    job = client.submit_inference_job(target, Device(PHONE), data, name="inferred")
    assert isinstance(job, InferenceJob)
    assert job.wait(60).success
    return job


@pytest.fixture(scope="session")
def failed(client: Client, home: Path) -> CompileJob:
    job = client.submit_compile_job(str(home / "broken.onnx"), Device(PHONE), "broken")
    assert job.wait(60).failure
    return job


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process."""

    def run(*arguments: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = main([*arguments])
        output = capsys.readouterr()
        return Outcome(status, output.out, output.err)

    return run


@pytest.fixture
def run(command: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command for the user of the hub, in a folder of the test."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(tmp_path)
    return command
