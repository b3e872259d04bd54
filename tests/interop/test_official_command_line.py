"""The official client's own command line, against a local hub: all of its commands."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
from interop.official_calls import OfficialCall, official_calls
from support.compiled_models import PHONE, compile_affine, target_of
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import CompileJob, Dataset, InferenceJob, LinkJob, Model
from qai_hub.config import load_config, save_config
from qai_hub.local import LocalHub

DEVICE = ["--device", PHONE]
ME, COLLEAGUE = "me@example.com", "colleague@example.com"
ONNX = " --target_runtime onnx"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def lh() -> Iterator[LocalHub]:
    with LocalHub(users=[ME, COLLEAGUE], validate_responses=True) as running:
        yield running


@pytest.fixture(scope="module")
def client(lh: LocalHub) -> hub.Client:
    return lh.client(ME)


@pytest.fixture(scope="module")
def compiled(client: hub.Client) -> CompileJob:
    return compile_affine(client, "compiled")


@pytest.fixture(scope="module")
def target(compiled: CompileJob) -> Model:
    return target_of(compiled)


@pytest.fixture(scope="module")
def data(client: hub.Client) -> Dataset:
    return client.upload_dataset({"x": [np.ones((1, 4), np.float32)]}, "data")


@pytest.fixture(scope="module")
def official() -> Iterator[OfficialCall]:
    with official_calls() as call:
        yield call


@pytest.fixture
def run(lh: LocalHub, tmp_path: Path, official: OfficialCall) -> Run:
    save_config(lh.config(ME), home=tmp_path)
    save_config(lh.config(COLLEAGUE), "colleague", home=tmp_path)
    onnx.save(affine(batch="n"), tmp_path / "affine.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    (tmp_path / "net.dlc").write_bytes(b"as good as any")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

    def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = official(arguments, tmp_path, environment)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


def latest(client: hub.Client) -> hub.Job:
    (summary,) = client.get_job_summaries(limit=1)
    return client.get_job(summary.job_id)


def test_list_devices(run: Run) -> None:
    assert "Snapdragon X Elite CRD" in run("list-devices").stdout
    chosen = ["--device-os", "14", "--device-attr", "vendor:samsung", "--device-attr", "os:android"]
    listed = run("list-devices", *DEVICE, *chosen, "--format", "details").stdout
    assert PHONE in listed
    assert "qualcomm-snapdragon-8gen3" in listed
    assert "X Elite" not in listed
    assert PHONE not in run("list-devices", "--device", "No Such Phone").stdout


def test_list_frameworks(run: Run, client: hub.Client) -> None:
    names = {framework.name for framework in client.get_frameworks()}
    assert all(name in run("list-frameworks").stdout for name in names)
    listed = json.dumps(json.loads(run("list-frameworks", "--json").stdout))
    assert all(f'"{name}"' in listed for name in names)


def test_upload_model(run: Run, client: hub.Client, compiled: CompileJob, lh: LocalHub) -> None:
    model = ["--model", "affine.onnx"]
    said = run("upload-model", *model, "--name", "by command", "--project", compiled.project_id)
    (found,) = client.get_models(limit=1)
    assert found.name == "by command"
    assert found.model_id in said.stdout
    run("--profile", "colleague", "upload-model", *model, "--name", "theirs")
    assert lh.client(COLLEAGUE).get_models(limit=1)[0].name == "theirs"
    assert client.get_models(limit=1)[0].name == "by command"
    run("upload-model", "--model", "absent.onnx", status=1)
    run("upload-model", status=2)


def test_submit_compile_job(run: Run, client: hub.Client, data: Dataset) -> None:
    options = ["--compile_options", ONNX, "--input_specs", "{'x': (2, 4)}", "--name", "first"]
    run("submit-compile-job", "--model", "affine.onnx", *DEVICE, *options, "--wait")
    job = latest(client)
    assert isinstance(job, CompileJob)
    assert (job.name, job.options.strip()) == ("first", ONNX.strip())
    assert job.shapes == {"x": ((2, 4), "float32")}
    assert job.get_status().success
    run("submit-compile-job", "--clone", job.job_id, "--input_specs", "{'x': (3, 4)}")
    again = latest(client)
    assert isinstance(again, CompileJob)
    assert (again.name, again.options) == ("first", job.options)
    assert (again.shapes, again.model.model_id) == ({"x": ((3, 4), "float32")}, job.model.model_id)
    calibrated = ["--calibration_data", data.dataset_id]
    run("submit-compile-job", "--clone", job.job_id, *calibrated)
    third = latest(client)
    assert isinstance(third, CompileJob)
    assert third.calibration_dataset is not None
    assert third.calibration_dataset.dataset_id == data.dataset_id


def test_what_is_wrong_with_a_compile_job(run: Run, client: hub.Client) -> None:
    # Its own status is 0 even where it waits for a job that fails.
    run("submit-compile-job", "--model", "broken.onnx", *DEVICE, "--wait")
    assert latest(client).get_status().failure
    before = latest(client).job_id
    run("submit-compile-job", "--model", "affine.onnx", "--device", "No Such Phone", status=1)
    run("submit-compile-job", "--clone", "jzzzzzzzz", status=1)
    run("--profile", "absent", "submit-compile-job", "--model", "affine.onnx", *DEVICE, status=1)
    run("submit-compile-job", "--no-such-argument", status=2)
    assert latest(client).job_id == before


def test_submit_profile_job(run: Run, client: hub.Client, target: Model) -> None:
    options = ["--profile_options", " --max_profiler_iterations 3"]
    run("submit-profile-job", "--model", target.model_id, *DEVICE, *options, "--wait")
    job = latest(client)
    assert isinstance(job, InferenceJob)
    assert (job.profiling, job.inputs, job.options.strip()) == (True, None, options[1].strip())
    assert (job.device.name, job.get_status().success) == (PHONE, True)


@pytest.mark.parametrize("form", ["an identifier", "a file"])
def test_submit_inference_job(
    run: Run, client: hub.Client, target: Model, data: Dataset, tmp_path: Path, form: str
) -> None:
    inputs = data.dataset_id if form == "an identifier" else str(data.download(str(tmp_path / "d")))
    arguments = ["--inputs", inputs, "--no-profiling", "--name", "a run", "--wait"]
    run("submit-inference-job", "--model", target.model_id, *DEVICE, *arguments)
    job = latest(client)
    assert isinstance(job, InferenceJob)
    assert (job.name, job.profiling) == ("a run", False)
    assert job.inputs is not None
    assert (job.inputs.dataset_id == data.dataset_id) == (form == "an identifier")
    outputs = job.download_output_data(str(tmp_path / "outputs"))
    assert outputs is not None
    with h5py.File(str(outputs)) as file:
        np.testing.assert_array_equal(file["data/0/batch_0"], np.full((1, 4), 3, np.float32))
    run("submit-inference-job", "--clone", job.job_id, "--profiling", "--name", "again")
    again = latest(client)
    assert isinstance(again, InferenceJob)
    assert again.inputs is not None
    assert (again.name, again.profiling) == ("again", True)
    assert again.inputs.dataset_id == job.inputs.dataset_id
    assert again.model.model_id == target.model_id


def test_submit_link_job(run: Run, client: hub.Client, tmp_path: Path) -> None:
    stored = tmp_path / "stored.dlc"
    stored.write_bytes(b"as good as any")
    first = client.upload_model(str(stored))
    options = ["--link_options", " --an_option 1", "--name", "linked", "--wait"]
    run("submit-link-job", "--models", first.model_id, "net.dlc", *DEVICE, *options)
    job = latest(client)
    assert isinstance(job, LinkJob)
    assert [model.name for model in job.models] == ["stored.dlc", "net.dlc"]
    assert (job.name, job.options.strip(), job.get_status().finished) == (
        *("linked", "--an_option 1"),
        True,
    )
    run("submit-link-job", "--clone", job.job_id)
    again = latest(client)
    assert isinstance(again, LinkJob)
    assert again.models[0].model_id == first.model_id


def test_submit_compile_and_profile_jobs(run: Run, client: hub.Client) -> None:
    options = ["--compile_options", ONNX, "--input_specs", "{'x': (1, 4)}", "--name", "both"]
    profiled = ["--profile_options", " --max_profiler_iterations 3", "--wait"]
    model = ["--model", "affine.onnx"]
    run("submit-compile-and-profile-jobs", *model, *DEVICE, *options, *profiled)
    second, first = (client.get_job(found.job_id) for found in client.get_job_summaries(limit=2))
    assert isinstance(first, CompileJob)
    assert isinstance(second, InferenceJob)
    assert (first.name, first.wait(30).success) == ("both", True)
    assert (second.profiling, second.wait(30).success) == (True, True)
    target = first.get_target_model()
    assert target is not None
    assert second.model.model_id == target.model_id


def test_configure(run: Run, tmp_path: Path) -> None:
    run("--profile", "other", "configure", "--api_token", "a-new-token")
    written = load_config(home=tmp_path, environ={})
    assert (written.api_token, written.verbose) == ("a-new-token", True)
    run("configure", "--api_token", "a-third-token", "--profile", "third", "--no-verbose")
    third = load_config("third", home=tmp_path, environ={})
    assert (third.api_token, third.verbose) == ("a-third-token", False)


def test_a_wrong_token(run: Run, tmp_path: Path, lh: LocalHub) -> None:
    save_config(hub.client.ClientConfig("of-nobody", lh.url, lh.url), home=tmp_path)
    said = run("list-devices", status=1)
    assert re.search("token", said.stdout + said.stderr, re.IGNORECASE)
