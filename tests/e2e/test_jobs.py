"""Jobs through the facade, on a hub that really runs them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import pytest
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, InferenceJob, JobStatus, JobType, Model


def test_compile_job_pins_shapes_and_gives_a_model(
    compiled: CompileJob, client: Client, tmp_path: Path
) -> None:
    assert compiled.get_status() == JobStatus.State.SUCCESS
    assert compiled.shapes == {"x": ((2, 4), "float32")}
    assert compiled.get_target_shapes() == {"x": ((2, 4), "float32")}
    assert (compiled.name, compiled.options) == ("affine", "--target_runtime onnx")
    assert (compiled.job_type, compiled.failure_type) == ("compile", None)
    assert compiled.device == client.get_devices("Samsung Galaxy S24")[0]
    assert compiled.url == f"{client.config.web_url}/jobs/{compiled.job_id}/"
    path = compiled.download_target_model(str(tmp_path / "target"))
    assert path == str(tmp_path / "target.onnx")
    onnx.checker.check_model(path, full_check=True)
    shape = onnx.load(path).graph.input[0].type.tensor_type.shape
    assert [d.dim_value for d in shape.dim] == [2, 4]


def test_times_are_in_order_and_in_both_forms(compiled: CompileJob) -> None:
    times = [compiled.created_at, compiled.started_at, compiled.completed_at]
    known = [time for time in times if time is not None]
    assert len(known) == 3
    assert known == sorted(known)
    assert {time.tzinfo for time in known} == {UTC}
    assert compiled.date.tzinfo is None
    assert abs(compiled.date.astimezone(UTC) - known[0]) < timedelta(milliseconds=1)
    assert datetime.now() - compiled.date < timedelta(minutes=10)
    assert compiled.owner == hub.User("me@example.com")


def test_inference_gives_the_right_numbers(client: Client, target: Model, device: Device) -> None:
    batches = [np.arange(8, dtype=np.float32).reshape(2, 4) + i for i in range(3)]
    job = client.submit_inference_job(target, device, {"x": batches}, profile=False)
    assert job.wait(60).success
    outputs = job.download_output_data()
    assert outputs is not None
    assert list(outputs) == ["y"]
    for given, got in zip(batches, outputs["y"], strict=True):
        np.testing.assert_allclose(got, 2 * given + 1)
    with pytest.raises(hub.UserError, match="profile=True"):
        job.download_profile()


def test_profile_has_layers_times_and_memory(
    client: Client, target: Model, device: Device, tmp_path: Path
) -> None:
    job = client.submit_inference_job(target, device, options="--max_profiler_iterations 5")
    assert isinstance(job, hub.ProfileJob)
    assert job.profiling
    assert job.wait(60).success
    profile = job.download_profile()
    assert profile is not None
    summary = profile["execution_summary"]
    assert summary["estimated_inference_time"] > 0
    assert len(summary["all_inference_times"]) == 5
    assert summary["estimated_inference_peak_memory"] > 1_000_000
    assert [layer["type"] for layer in profile["execution_detail"]] == ["Mul", "Add"]
    assert {layer["compute_unit"] for layer in profile["execution_detail"]} == {"CPU"}
    path = job.download_profile(str(tmp_path / "made/profile"))
    assert path == str(tmp_path / "made/profile.json")
    assert json.loads(Path(path).read_text()).keys() == profile.keys()
    assert job.get_output_dataset() is None
    assert job.download_output_data() is None


def test_job_on_a_model_in_the_making_waits_for_it(client: Client, device: Device) -> None:
    compile_job = client.submit_compile_job(affine(), device, input_specs={"x": (1, 4)})
    model = compile_job.get_target_model()
    assert model is not None
    assert "blocks" not in repr(model)
    job = client.submit_inference_job(model, device, {"x": [np.ones((1, 4), np.float32)]})
    assert job.wait(60).success
    assert compile_job.completed_at is None or job.started_at is not None
    assert compile_job.wait(60).success
    assert compile_job.completed_at is not None
    assert job.started_at is not None
    assert compile_job.completed_at <= job.started_at


def test_failed_job_is_returned_with_a_reason_and_a_log(
    client: Client, device: Device, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"this is not a model")
    job = client.submit_compile_job(str(broken), device)
    status = job.wait(60)
    assert (status.failure, status.code, bool(status)) == (True, "FAILED", True)
    assert status.message
    assert job.failure_type in {"MODEL_CORRUPT", "MODEL_INVALID"}
    assert job.download_target_model(str(tmp_path / "target")) is None
    assert job.get_target_shapes() is None
    result = job.download_results(str(tmp_path / "results"))
    assert result.status.failure
    assert status.message in repr(result)
    logs = job.download_job_logs(str(tmp_path / "logs"))
    assert len(logs) == 1
    assert Path(logs[0]).stat().st_size > 0
    target = job.get_target_model()
    assert target is not None
    assert target.wait(1) is False
    with pytest.raises(hub.UserError, match="job failed"):
        target.download(str(tmp_path / "target"))
    follower = client.submit_inference_job(target, device)
    assert follower.wait(60).failure
    assert follower.failure_type == "RUNTIME_FAILED_DEPENDENCY"
    assert follower.download_profile() is None
    assert follower.download_results(str(tmp_path / "results")).profile is None


def test_wait_zero_looks_once_and_says_how_to_go_on(client: Client, device: Device) -> None:
    # Of a shape of its own: the cache would answer too soon.
    job = client.submit_compile_job(affine(batch="n"), device, input_specs={"x": (97, 4)})
    with pytest.raises(TimeoutError, match=f'hub.get_job\\("{job.job_id}"\\)'):
        job.wait(0)
    assert job.wait(60).success
    assert job.wait(0).success


def test_set_name(compiled: CompileJob, client: Client) -> None:
    compiled.set_name("bètter näme ☃")
    assert compiled.name == "bètter näme ☃"
    assert client.get_job(compiled.job_id).name == "bètter näme ☃"
    compiled.set_name("affine")


@pytest.mark.parametrize("name", ["", None, 7, "x" * 256, "nul\0"])
def test_names_that_are_not_names(compiled: CompileJob, name: str) -> None:
    with pytest.raises(hub.UserError):
        compiled.set_name(name)
    assert compiled.name == "affine"


def test_get_job_checks_the_type(compiled: CompileJob, client: Client) -> None:
    assert isinstance(client.get_job(compiled.job_id, JobType.COMPILE), CompileJob)
    with pytest.raises(hub.UserError, match="has the type compile, not inference"):
        client.get_job(compiled.job_id, JobType.PROFILE)


@pytest.mark.parametrize("job_id", ["jnothing1", "", "../users", "j" * 500, "J1", "j☃", "j/x"])
def test_jobs_that_are_not_there(client: Client, job_id: str) -> None:
    with pytest.raises(hub.UserError):
        client.get_job(job_id)


def test_summaries_are_filtered(compiled: CompileJob, client: Client, stranger: Client) -> None:
    state, kind = JobStatus.State.SUCCESS, JobType.COMPILE
    listed = client.get_job_summaries(limit=1000, state=state, type=kind)
    assert compiled.job_id in {summary.job_id for summary in listed}
    assert {summary.status.code for summary in listed} == {"SUCCESS"}
    assert {summary.job_type for summary in listed} == {JobType.COMPILE}
    mine = next(summary for summary in listed if summary.job_id == compiled.job_id)
    assert (mine.date, mine.url, mine.username) == (compiled.date, compiled.url, "me@example.com")
    assert mine.completed_at == compiled.completed_at
    assert client.get_job_summaries(creator="nobody@example.com") == []
    assert client.get_job_summaries(limit=0) == []
    first_two = client.get_job_summaries(limit=2)
    assert client.get_job_summaries(offset=1, limit=1) == first_two[1:]
    assert stranger.get_job_summaries() == []
    wrong: list[dict[str, Any]] = [{"limit": -1}, {"offset": 1.5}, {"state": "SUCCESS"}]
    for arguments in wrong:
        with pytest.raises(hub.UserError):
            client.get_job_summaries(**arguments)


def test_results_of_an_inference_job(
    client: Client,
    target: Model,
    device: Device,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    job = client.submit_inference_job(
        target,
        device,
        {"x": [np.zeros((2, 4), np.float32)]},
        name="both",
        options="--max_profiler_iterations 2",
    )
    result = job.download_results("~/out")
    assert result.status.success
    assert result.profile is not None
    assert {p.suffix for p in (tmp_path / "out").iterdir()} == {".h5", ".json", ".log"}
    assert repr(result.typed_profile) in repr(result)
    fetched = client.get_job(job.job_id)
    assert isinstance(fetched, InferenceJob)
    assert fetched.inputs is not None
    assert fetched.model.model_id == target.model_id


@pytest.mark.parametrize(
    "arguments",
    [
        {"device": "Samsung Galaxy S24"},
        {"device": []},
        {"device": Device("Nokia 3310")},
        {"device": Device(attributes="no-colon")},
        {"input_specs": {"x": (0, 4)}},
        {"input_specs": [("x", (1, 4))]},
        {"options": None, "name": 5},
        {"model": None},
        {"model": 7},
    ],
)
def test_submissions_that_are_refused(
    client: Client, device: Device, arguments: dict[str, object]
) -> None:
    before = len(client.get_job_summaries(limit=1000))
    complete = {"model": affine(), "device": device, **arguments}
    with pytest.raises(hub.UserError):
        client.submit_compile_job(**complete)  # type: ignore[call-overload]
    assert len(client.get_job_summaries(limit=1000)) == before


def test_inference_needs_something_to_do(client: Client, target: Model, device: Device) -> None:
    with pytest.raises(hub.UserError, match="profile=True"):
        client.submit_inference_job(target, device, profile=False)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"z": [np.zeros((2, 4), np.float32)]}, "z"),
        ({"x": [np.zeros((3, 4), np.float32)]}, "3"),
        ({"x": [np.zeros((2, 4), np.int32)]}, "int32"),
    ],
)
def test_inputs_that_do_not_fit_fail_with_what_was_expected(
    client: Client,
    target: Model,
    device: Device,
    inputs: dict[str, list[np.ndarray]],
    said: str,
) -> None:
    job = client.submit_inference_job(target, device, inputs)
    status = job.wait(60)
    assert status.failure
    assert job.failure_type == "INVALID_INPUTS"
    assert status.message is not None
    assert said in status.message
    assert "x" in status.message


def test_several_devices(client: Client, device: Device) -> None:
    other = Device("Snapdragon X Elite CRD")
    one = client.submit_compile_job(affine(), [device, other])
    assert isinstance(one, CompileJob)
    assert [d.name for d in one.compatible_devices] == [device.name, other.name]
    two = client.submit_compile_job(affine(), [device, other], single_compile=False)
    assert isinstance(two, list)
    assert [job.device.name for job in two] == [device.name, other.name]
    alone = client.submit_compile_job(affine(), [device], single_compile=False)
    assert isinstance(alone, CompileJob)
    assert all(job.wait(60).success for job in [one, *two, alone])


def test_a_dataset_is_any_mapping(client: Client) -> None:
    entries = MappingProxyType({"x": [np.ones((1, 4), np.float32)]})
    assert client.upload_dataset(entries).download().keys() == {"x"}


def test_a_name_that_nobody_chose_is_cut_to_what_a_hub_takes(client: Client) -> None:
    model = affine()
    model.graph.name = "g" * 300
    assert client.upload_model(model).name == "g" * 255
