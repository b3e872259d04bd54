"""The verbs of the official command, with its options; tests/interop compares both commands."""

import json
import re
from pathlib import Path

import pytest
from support.command import Run

from qai_hub.client import Client, CompileJob, Dataset, InferenceJob, LinkJob, Model

PHONE = "Samsung Galaxy S24"
DEVICE = ["--device", PHONE]


def submit(run: Run, client: Client, *arguments: str) -> CompileJob:
    """Submits a compile job, and returns it."""
    submitted = run("submit-compile-job", *arguments)
    assert submitted.status == 0, submitted.err
    job_id, url = submitted.out.split()
    job = client.get_job(job_id)
    assert url == job.url
    assert isinstance(job, CompileJob)
    return job


@pytest.fixture
def model(compiled: CompileJob) -> list[str]:
    return ["--model", compiled.model.model_id, "--input_specs", "{'x': (1, 4)}"]


def test_list_devices(run: Run, client: Client) -> None:
    listed = run("list-devices")
    assert (listed.status, listed.err) == (0, "")
    assert len(listed.lines) == 1 + len(client.get_devices())
    chosen = ["--device-attr", "vendor:samsung", "--device-attr=os:android", "--device-os", "14"]
    few = run("list-devices", *DEVICE, *chosen)
    assert f'--device "{PHONE}" --device-os 14' in few.out
    assert len(few.lines) == 2
    details = run("list-devices", *DEVICE, "--format=details").out
    assert "chipset:qualcomm-snapdragon-8gen3" in details
    assert run("list-devices", "--device", "No Such Phone").lines == []


def test_list_frameworks(run: Run, client: Client) -> None:
    told = json.loads(run("list-frameworks", "--json").out)
    assert [each["framework"] for each in told] == [each.name for each in client.get_frameworks()]
    assert set(told[0]) == {"framework", "api_version", "api_tags", "full_version"}
    assert all(each["framework"] in run("list-frameworks").out for each in told)


def test_upload_model(run: Run, client: Client, home: Path) -> None:
    uploaded = run("upload-model", "--mod", str(home / "affine.onnx"), "--name=by verb")
    assert (uploaded.status, uploaded.err) == (0, "")
    pairs = dict(re.findall(r"^(\w+) +: (.*)$", uploaded.out, re.MULTILINE))
    assert (pairs["name"], pairs["model_type"]) == ("by verb", "ONNX")
    assert client.get_model(pairs["model_id"]).url == pairs["url"]
    assert run("upload-model", "--model", "absent.onnx").status == 1
    assert run("upload-model").status == 2


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--compile_options", " --target_runtime onnx"], "--target_runtime onnx"),
        (["--compile_options", "--target_runtime onnx"], "--target_runtime onnx"),
        (["--compile_options=--target_runtime onnx"], "--target_runtime onnx"),
        (["--compile_o=--target_runtime onnx"], "--target_runtime onnx"),
        (["--com", "--verbose"], "--verbose"),
        (["--compile_options", ""], ""),
        ([], ""),
    ],
)
def test_options(
    run: Run, client: Client, model: list[str], arguments: list[str], options: str
) -> None:
    assert submit(run, client, *DEVICE, *model, *arguments).options.strip() == options


def test_a_device_may_be_left_to_the_service(run: Run, client: Client, model: list[str]) -> None:
    assert submit(run, client, *model).device.name
    android = submit(
        run, client, *model, "--device-attr", "os:android", "--device-attr=hexagon:v75"
    )
    assert {"os:android", "hexagon:v75"} <= set(android.device.attributes)


@pytest.mark.parametrize("beginning", ["--pro", "--proj", "--project"])
def test_beginnings_of_options(
    run: Run, client: Client, model: list[str], compiled: CompileJob, beginning: str
) -> None:
    assert compiled.project_id
    job = submit(run, client, *DEVICE, *model, beginning, compiled.project_id, "--na", "short")
    assert (job.project_id, job.name) == (compiled.project_id, "short")


def test_a_beginning_of_several_options(run: Run, model: list[str]) -> None:
    refused = run("submit-compile-job", *model, "--de", PHONE)
    assert (refused.status, refused.out) == (2, "")
    assert "--de is ambiguous: --device, --device-attr, --device-os." in refused.err


def test_clone(run: Run, client: Client, compiled: CompileJob, data: Dataset) -> None:
    clone = ["--clone", compiled.job_id]
    same = submit(run, client, *clone)
    assert (same.name, same.options, same.shapes) == (
        *(compiled.name, compiled.options),
        compiled.shapes,
    )
    calibrated = submit(run, client, *clone, "--calibration_data", data.dataset_id, "--name", "new")
    assert calibrated.name == "new"
    assert calibrated.calibration_dataset is not None
    assert submit(run, client, "--clone", calibrated.job_id).calibration_dataset is not None
    without = submit(run, client, "--clone", calibrated.job_id, "--calibration_data", "none")
    assert without.calibration_dataset is None


def test_wait(run: Run, failed: CompileJob, compiled: CompileJob) -> None:
    assert run("submit-compile-job", "--clone", compiled.job_id, "--wait").status == 0
    waited = run("submit-compile-job", "--clone", failed.job_id, "--wait")
    assert waited.status == 1
    assert waited.err.startswith(f"qai-hub: {waited.out.split()[0]} has failed: ")


def test_inference(run: Run, client: Client, target: Model, data: Dataset) -> None:
    given = ["--model", target.model_id, *DEVICE, "--inputs", data.dataset_id, "--no-prof"]
    first = run("submit-inference-job", *given).out.split()[0]
    for more, profiling in (([], False), (["--profiling"], True)):
        job_id = run("submit-inference-job", "--clone", first, *more).out.split()[0]
        job = client.get_job(job_id)
        assert isinstance(job, InferenceJob)
        assert job.profiling == profiling
        assert job.inputs is not None
    profiled = run("submit-profile-job", "--model", target.model_id, *DEVICE, "--prof", "--x 1")
    job = client.get_job(profiled.out.split()[0])
    assert isinstance(job, InferenceJob)
    assert (job.profiling, job.options.strip()) == (True, "--x 1")
    assert profiled.err.startswith("qai-hub: submit-profile-job is deprecated")


@pytest.mark.parametrize("after", [True, False])
def test_several_models(run: Run, client: Client, tmp_path: Path, after: bool) -> None:
    paths = []
    for name in ("a.dlc", "b c.dlc"):
        (tmp_path / name).write_bytes(name.encode())
        paths.append(str(tmp_path / name))
    models, others = ["--models", *paths], [*DEVICE, "--name", "linked", "--link_options", " --x 1"]
    given = [*others, *models] if after else [*models, *others]
    job = client.get_job(run("submit-link-job", *given).out.split()[0])
    assert isinstance(job, LinkJob)
    assert [each.name for each in job.models] == ["a.dlc", "b c.dlc"]
    assert (job.name, job.options.strip()) == ("linked", "--x 1")


def test_compile_and_profile(run: Run, client: Client, model: list[str]) -> None:
    given = ["--compile_options", " --target_runtime onnx", "--profile_options", " --x 1"]
    submitted = run("submit-compile-and-profile-jobs", *DEVICE, *model, *given)
    first, second = (client.get_job(line.split()[0]) for line in submitted.lines)
    assert isinstance(first, CompileJob)
    assert isinstance(second, InferenceJob)
    assert (first.options.strip(), second.options.strip()) == ("--target_runtime onnx", "--x 1")
    assert second.device == first.device


def test_profile_before_and_after_the_verb(run: Run) -> None:
    verb = ["upload-model", "--model", "absent.onnx"]
    for given in (["--profile", "colleague", *verb], [*verb, "--profile", "colleague"]):
        assert "There is no model at absent.onnx" in run(*given).err
    for given in (["--profile", "absent", *verb], [*verb, "--profile", "absent"]):
        assert "There is no profile 'absent'" in run(*given).err


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["submit-compile-job", *DEVICE], 2, "A job needs a model"),
        (["submit-compile-job", "--model", "absent.onnx"], 1, "There is no file"),
        (["submit-compile-job", "--clone", "jzzzzzzzz"], 1, "There is no job"),
        (["submit-inference-job", "--clone", "COMPILED"], 1, "cannot be cloned"),
        (["submit-compile-job", "--input_specs", "__import__('os')"], 2, "not a dictionary"),
        (["submit-compile-job", "--unknown"], 2, "--unknown"),
        (["list-devices", "--format", "json"], 2, "'table', 'details'"),
        (["list-frameworks", "extra"], 2, "extra"),
    ],
)
def test_mistakes(
    run: Run, compiled: CompileJob, arguments: list[str], status: int, told: str
) -> None:
    meant = {"COMPILED": compiled.job_id}
    refused = run(*(meant.get(argument, argument) for argument in arguments))
    assert (refused.status, refused.out) == (status, "")
    assert told in refused.err
