"""Our client on the protobuf wire, against a server made of the official package's own messages."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, CompileJob, Device

SERVER = Path(__file__).with_name("official_server.py")
PHONE = Device("Phone")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [os.environ["OFFICIAL_PYTHON"], str(SERVER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def config(url: str, token: str = "of-the-official-server") -> ClientConfig:
    return ClientConfig(api_token=token, api_url=url, web_url=url, verbose=False, wire="protobuf")


@pytest.fixture(scope="module")
def client(url: str) -> Client:
    return Client(config(url))


@pytest.fixture(scope="module")
def compiled(client: Client) -> CompileJob:
    specs = {"x": (1, 4)}
    return client.submit_compile_job(affine(), PHONE, "a compile job", specs, "--some options")


def test_devices_and_frameworks(client: Client) -> None:
    assert client.get_devices() == [Device("Phone", "14", ["os:android", "hexagon:v75"])]
    (framework,) = client.get_frameworks()
    assert (framework.name, framework.full_version) == ("QAIRT", "")


def test_a_model_goes_up_in_parts_and_down_again(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "big.onnx"
    large = affine()
    large.doc_string = "x" * 2500
    onnx.save(large, path)
    model = client.upload_model(str(path))
    assert (model.name, model.model_type) == ("big.onnx", hub.SourceModelType.ONNX)
    again = model.download(str(tmp_path / "again"))
    assert Path(again).read_bytes() == path.read_bytes()
    assert model.model_id in [found.model_id for found in client.get_models()]


def test_a_dataset_goes_up_and_down_again(client: Client) -> None:
    data = {"x": [np.arange(4, dtype=np.float32).reshape(1, 4)]}
    dataset = client.upload_dataset(data, name="numbers")
    assert dataset.name == "numbers"
    assert dataset.get_expiration_status() == "Not Expired"
    np.testing.assert_array_equal(dataset.download()["x"][0], data["x"][0])


def test_a_job_passes_a_state_that_nobody_knows(compiled: CompileJob, tmp_path: Path) -> None:
    assert compiled.wait(30).success
    assert compiled.created_at == datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert compiled.shapes == {"x": ((1, 4), "float32")}
    assert (compiled.name, compiled.options) == ("a compile job", "--some options")
    assert (compiled.hub_version, compiled.started_at) == ("2026.11", None)
    (notice,) = compiled.notices
    assert (notice.severity, notice.message) == ("INFO", "a notice")
    assert compiled.get_available_artifacts() == [hub.JobArtifactType.HUB_LOG]
    (log,) = compiled.download_job_logs(str(tmp_path))
    assert Path(log).read_text() == "a log"
    target = compiled.download_target_model(str(tmp_path / "target"))
    assert target is not None
    onnx.checker.check_model(target)


def test_a_failed_job_tells_why(client: Client) -> None:
    job = client.submit_compile_job(affine(), PHONE, "to fail")
    status = job.wait(30)
    assert (status.code, status.message) == ("FAILED", "It was to fail.")
    assert job.failure_type == "77"


def test_inference_and_its_profile(client: Client, compiled: CompileJob) -> None:
    inputs = {"x": [np.ones((1, 4), np.float32)]}
    job = client.submit_inference_job(compiled.get_target_model(), PHONE, inputs)
    assert job.wait(30).success
    outputs = job.download_output_data()
    assert outputs is not None
    np.testing.assert_array_equal(outputs["x"][0], inputs["x"][0])
    profile = job.download_profile()
    assert profile is not None
    summary = profile["execution_summary"]
    assert summary["estimated_inference_peak_memory"] == 2**40
    assert summary["inference_memory_peak_range"] == (3, 2**63)
    first, second = profile["execution_detail"]
    assert (first["compute_unit"], first["execution_time"]) == ("NPU", 0)
    assert "execution_time" not in second
    assert job.get_tool_versions() == {"QAIRT": "2.40"}
    assert job.owner is not None
    assert job.owner.email == "me@example.com"


def test_names_sharing_and_summaries(client: Client, compiled: CompileJob) -> None:
    compiled.set_name("renamed")
    assert client.get_job(compiled.job_id).name == "renamed"
    compiled.modify_sharing(add_emails=["a@example.com", "b@example.com"])
    compiled.modify_sharing(delete_emails=["a@example.com"])
    assert compiled.get_sharing() == ["b@example.com"]
    compiled.disable_sharing()
    assert compiled.get_sharing() == []
    states = [hub.JobStatus.State.SUCCESS, hub.JobStatus.State.FAILED]
    summaries = client.get_job_summaries(state=states)
    assert "renamed" in [summary.name for summary in summaries]


def test_errors_come_in_json_and_in_html(client: Client, url: str) -> None:
    with pytest.raises(hub.UserError, match=r"There is no j00000000\.") as caught:
        client.get_job("j00000000")
    assert caught.value.status_code == 404
    with pytest.raises(hub.UserError, match="404 Not Found"):
        client.get_datasets()
    with pytest.raises(hub.UserError, match="refused the API token"):
        Client(config(url, "another")).get_devices()


def test_waiting_in_an_event_loop(client: Client) -> None:
    import asyncio

    job = client.submit_compile_job(affine(), PHONE)
    assert asyncio.run(job.wait_async(30)).success
