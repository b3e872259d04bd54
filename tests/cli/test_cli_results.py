"""What the command tells of what jobs have made and measured, and how that is used further."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.command import Run, run_process
from support.compiled_models import PHONE, target_of
from support.execution_models import endless_model
from support.job_hub import DONE, RUNNING, JobHub, compile_job
from support.scripted_server import Request, Step, json_reply
from support.users import ME

from qai_hub.client import (
    Client,
    ClientConfig,
    CompileJob,
    Device,
    InferenceJob,
    Model,
    QuantizeJob,
)
from qai_hub.config import save_config
from qai_hub.local import LocalHub

DEVICE = ["--device", PHONE]
MEASURED = ("measured_on", "inference_time", "peak_memory", "layers", "psnr", "output_dataset")
HEADLINE = (
    r"CPU of the hub's host \(.+\), not measured on a device: [\d.]+ ms an inference, "
    r"[\d.]+( to [\d.]+)? MiB peak memory, layers: 2 on CPU \([\d.]+ ms\)"
)


def show(run: Run, job_id: str) -> dict[str, object]:
    shown: dict[str, object] = json.loads(run("job", "show", job_id, "--format", "json").out)
    return shown


def test_target_models(
    run: Run, compiled: CompileJob, quantized: QuantizeJob, failed: CompileJob
) -> None:
    target = target_of(compiled).model_id
    assert show(run, compiled.job_id)["target_model"] == target
    made = quantized.get_target_model()
    assert made is not None
    assert show(run, quantized.job_id)["target_model"] == made.model_id
    assert show(run, failed.job_id)["target_model"] is None
    # In a pipe, without its name.
    assert run("job", "show", compiled.job_id, "--fields", "target_model").out == f"{target}\n"
    told = f"{compiled.job_id}: target model {target}\n"
    assert run("job", "wait", compiled.job_id) == (0, "", told)
    again = ["submit", "compile", "--clone", compiled.job_id, "--wait", "--fields", "target_model"]
    assert re.fullmatch(r"m\w+\n", run(*again, "--format", "tsv").out)


@pytest.mark.parametrize(("state", "told"), [(RUNNING, None), (DONE, "mabcdefg1")])
def test_a_target_model_is_told_once_it_exists(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, told: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    job = compile_job("jabcdefg1", state, target_model={"model_id": "mabcdefg1", "name": "net"})
    with JobHub() as hub:
        hub.override = lambda _: json_reply(job)
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        assert show(command, "jabcdefg1")["target_model"] == told


def test_many_results_are_not_all_told(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What jobs have measured takes a request for each."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def answer(request: Request) -> Step:
        job_id = request.path.rstrip("/").rpartition("/")[2]
        target = {"model_id": f"m{job_id[1:]}", "name": "net"}
        return json_reply(compile_job(job_id, DONE, target_model=target))

    with JobHub() as hub:
        hub.override = answer
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        waited = command("job", "wait", *(f"jabcdef{number}" for number in range(10, 32)))
    assert waited.status == 0
    assert waited.err.splitlines() == [
        *(f"jabcdef{number}: target model mabcdef{number}" for number in range(10, 30)),
        "`qai-hub job show` tells what the other 2 jobs have made.",
    ]


def test_tensors_that_lose_many_values_are_told(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    job = {"quantize_job_id": "jabcdefg1", "user_id": 1, "name": "net", "job_state": DONE}
    job |= {"options": "", "creation_time": "2026-01-02T03:04:05Z"}
    job |= {f"{of}_dtype": "QUANTIZE_DTYPE_INT8" for of in ("weights", "activations")}
    tensor = {"kind": "QUANTIZED_TENSOR_KIND_ACTIVATION", "dtype": "uint8", "channels": 1}
    numbers = ("min_scale", "max_scale", "seen_min", "seen_max", "range_min", "range_max")
    tensor |= dict.fromkeys(numbers, 1.0)
    shares = {"a": 0.25, "b": 0.0312, "c": 0.009}
    tensors = [{**tensor, "tensor": name, "saturation": share} for name, share in shares.items()]
    ranges = {"tensors": tensors, "total": 3, "samples": 4}
    detail = {"tool_versions": [], "psnr": {"y": 51.25}, "tensor_ranges": ranges}
    result = {"quantize_job_id": "jabcdefg1", "quantize_detail": detail}

    def answer(request: Request) -> Step:
        if request.path.rstrip("/").endswith("result"):
            return json_reply({"quantize_job_result": result})
        answered = compile_job("jabcdefg1", DONE)
        del answered["compile_job"]
        return json_reply({**answered, "quantize_job": job})

    with JobHub() as hub:
        hub.override = answer
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        waited = command("job", "wait", "jabcdefg1")
    assert waited.err == "jabcdefg1: PSNR y 51.2 dB; saturated a 25.0 %, b 3.1 %\n"


def test_what_a_profile_has_measured(run: Run, profiled: InferenceJob) -> None:
    profile = profiled.get_profile()
    assert profile is not None
    memory = profile.inference.peak_memory_range
    told = show(run, profiled.job_id)
    assert {name: told[name] for name in MEASURED} == {
        "measured_on": "host CPU",
        "inference_time": profile.inference.time,
        "peak_memory": memory.upper if memory else profile.inference.peak_memory,
        "layers": {"CPU": 2},
        "psnr": None,
        "output_dataset": None,
    }
    text = run("job", "show", profiled.job_id).out
    rows = [r"measured on +CPU of the hub's host .+", r"inference time +[\d.]+ ms"]
    rows += [r"peak memory +[\d.]+( to [\d.]+)? MiB", r"layers +2 on CPU \([\d.]+ ms\)"]
    assert re.search("\n" + "\n".join(rows) + "\n", text)
    waited = run("job", "wait", profiled.job_id)
    assert waited[:2] == (0, "")
    assert re.fullmatch(f"{profiled.job_id}: {HEADLINE}\n", waited.err)


def test_a_simulation_is_told_to_scripts_and_people(run: Run, home: Path) -> None:
    options = ["--options", "--target_runtime qnn_dlc"]
    dlc = run("submit", "compile", str(home / "affine.onnx"), *DEVICE, *options, "-q").out.strip()
    measured = run("submit", "profile", dlc, *DEVICE, "--wait")
    assert ": simulation of an HTP (Hexagon v75 of qualcomm-snapdragon-8gen3), not" in measured.err
    assert show(run, measured.out.strip())["measured_on"] == "HTP simulation"


def test_what_a_submission_has_measured(run: Run, compiled: CompileJob) -> None:
    submit = ["submit", "profile", compiled.job_id, *DEVICE, "--wait"]
    submitted = run(*submit)
    assert re.fullmatch(f"{submitted.out.strip()}: {HEADLINE}\n", submitted.err)
    assert run(*submit, "-q").err == ""


def test_progress_names_profile_jobs(lh: LocalHub, tmp_path: Path, target: Model) -> None:
    save_config(replace(lh.config(ME), verbose=True), home=tmp_path)
    submit = ["submit", "profile", target.model_id, *DEVICE, "--wait"]
    submitted = run_process(tmp_path, *submit, QAI_HUB_PROGRESS="plain")
    job_id = submitted.out.strip()
    first, *_, last = submitted.err.splitlines()
    assert first.startswith(f"Submitted profile job {job_id} ")
    assert re.search(f"^Profile job {job_id} .*: SUCCESS", submitted.err, re.MULTILINE)
    assert re.fullmatch(f"{job_id}: {HEADLINE}", last)


def test_what_has_ended_before_is_not_told_again(
    lh: LocalHub, tmp_path: Path, compiled: CompileJob, inferred: InferenceJob, failed: CompileJob
) -> None:
    save_config(replace(lh.config(ME), verbose=True), home=tmp_path)
    target = target_of(compiled).model_id
    for words in (
        ["job", "download", compiled.job_id, "-o", "results"],
        ["job", "logs", inferred.job_id],
        ["model", "download", compiled.job_id, "-o", "of_job"],
        ["model", "download", target, "-o", "itself"],
        ["dataset", "download", inferred.job_id, "-o", "outputs.h5"],
    ):
        done = run_process(tmp_path, *words, QAI_HUB_PROGRESS="plain")
        assert (done.status, done.err, bool(done.out)) == (0, "", True)
    words = ["job", "download", failed.job_id, "-o", "failed"]
    done = run_process(tmp_path, *words, QAI_HUB_PROGRESS="plain")
    assert done.status == 1
    assert re.fullmatch(f"qai-hub: {failed.job_id} has failed: .+\n", done.err)
    # Who waits for it asks how it has ended.
    waited = run_process(tmp_path, "job", "wait", compiled.job_id, QAI_HUB_PROGRESS="plain")
    assert "SUCCESS" in waited.err


def test_results_of_several_jobs(
    run: Run, client: Client, compiled: CompileJob, quantized: QuantizeJob, inferred: InferenceJob
) -> None:
    jobs = [compiled, quantized, inferred]
    names = "id,target_model,inference_time,psnr"
    told = [show(run, job.job_id) for job in jobs]
    wanted = [{name: each[name] for name in names.split(",")} for each in told]
    piped = "".join(f"{job.job_id}\n" for job in jobs)
    assert json.loads(run("job", "show", "-", "--json", names, stdin=piped).out) == wanted
    listed = json.loads(run("job", "list", "--all", "--json", names).out)
    assert [each for each in listed if each in wanted]
    assert len([each for each in listed if each in wanted]) == len(jobs)
    text = run("job", "list", "--all", "--fields", names, "--format", "human").out
    (row,) = (line for line in text.splitlines() if line.startswith(inferred.job_id))
    assert row.endswith(" ms")
    # What takes a request for each is left out unless it is asked for.
    assert "psnr" not in json.loads(run("job", "list", "-n", "1", "--json").out)[0]
    data = inferred.inputs
    assert data is not None
    assert told[2]["inputs"] == data.dataset_id


def test_outputs(run: Run, inferred: InferenceJob, tmp_path: Path) -> None:
    told = show(run, inferred.job_id)
    downloaded = run("dataset", "download", str(told["output_dataset"]), "-o", "outputs.h5")
    assert downloaded.status == 0
    assert (tmp_path / "outputs.h5").is_file()
    assert run("job", "wait", inferred.job_id).err.endswith(
        f"; output dataset {told['output_dataset']}\n"
    )


def test_accuracy(run: Run, quantized: QuantizeJob) -> None:
    told = show(run, quantized.job_id)
    assert told["psnr"] == quantized.get_psnr()
    decibels = told["psnr"]["y"]  # type: ignore[index]
    text = run("job", "show", quantized.job_id).out
    assert re.search(rf"^psnr +y {decibels:.1f} dB$", text, re.MULTILINE)
    waited = run("job", "wait", quantized.job_id)
    headline = f"target model {told['target_model']}; PSNR y {decibels:.1f} dB"
    assert waited == (0, "", f"{quantized.job_id}: {headline}\n")


def test_results_that_are_missing_hide_nothing_else(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    details = compile_job("jabcdefg1", DONE)["compile_job"]
    model = {"model_id": "mabcdefg1", "name": "net"}
    details |= {"inference_job_id": details.pop("compile_job_id"), "is_profiling_on": True}
    details |= {"model": model, "device": {"name": PHONE, "os": "14", "attributes": []}}
    payload = {**compile_job("", DONE), "compile_job": None, "inference_job": details}

    def answer(request: Request) -> Step:
        if "result" in request.path:
            return json_reply({"detail": "The result is gone."}, 404)
        return json_reply(payload)

    with JobHub() as hub:
        hub.override = answer
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        shown = command("job", "show", "jabcdefg1", "--format", "json")
        state = command("job", "show", "jabcdefg1", "--fields", "state", "--format", "tsv")
    told = json.loads(shown.out)
    assert (shown.status, told["type"], told["inference_time"]) == (0, "profile", None)
    assert shown.err.startswith("The results of jabcdefg1 are missing: ")
    assert shown.err.count("\n") == 1
    assert state == (0, "SUCCESS\n", "")


def test_jobs_stand_for_their_target_models(
    run: Run, client: Client, compiled: CompileJob, quantized: QuantizeJob, home: Path
) -> None:
    begun = run("submit", "compile", "--clone", compiled.job_id, "-q").out.strip()
    for verb in ("profile", "inference"):
        job = client.get_job(run("submit", verb, begun, *DEVICE, "-q").out.strip())
        first = client.get_job(begun)
        assert isinstance(job, InferenceJob)
        assert isinstance(first, CompileJob)
        assert job.model.model_id == target_of(first).model_id
    again = client.get_job(run("submit", "compile", quantized.job_id, *DEVICE, "-q").out.strip())
    assert isinstance(again, CompileJob)
    assert again.model.model_id == show(run, quantized.job_id)["target_model"]
    refused = run("submit", "link", compiled.job_id, *DEVICE)
    assert (
        f"Only QNN DLC models can be linked: Model {target_of(compiled).model_id} (" in refused.err
    )


def test_a_chain_of_jobs_is_queued_at_once(run: Run, client: Client) -> None:
    endless = client.submit_compile_job(endless_model(), Device(PHONE))
    queued = run("submit", "profile", endless.job_id, *DEVICE, "--timeout", "0.1")
    again = run("submit", "compile", endless.job_id, *DEVICE, "-q")
    endless.cancel()
    assert queued.status == 124
    for submitted in (queued, again):
        job = client.get_job(submitted.out.strip())
        assert isinstance(job, InferenceJob | CompileJob)
        assert job.model.model_id == target_of(endless).model_id
        assert job.wait(60).failure


def test_models_of_jobs(run: Run, compiled: CompileJob, target: Model, tmp_path: Path) -> None:
    told = json.loads(run("model", "show", compiled.job_id, "--format", "json").out)
    assert (told["id"], told["inputs"]) == (target.model_id, ["x: float32[1, 4]"])
    downloaded = run("model", "download", compiled.job_id, "-o", "mine")
    assert (downloaded.status, downloaded.out) == (0, "mine.onnx\n")
    assert (tmp_path / "mine.onnx").is_file()


@pytest.mark.parametrize("which", ["job", "model"])
def test_a_model_on_the_hub_is_checked(
    run: Run, compiled: CompileJob, target: Model, which: str
) -> None:
    meant = compiled.job_id if which == "job" else target.model_id
    checked = run("check", meant, *DEVICE, "--format", "json")
    assert (checked.status, json.loads(checked.out)["inputs"]) == (0, ["x: float32[1, 4]"])


@pytest.mark.parametrize(
    "words",
    [
        ["submit", "profile", "JOB", *DEVICE],
        ["submit", "inference", "JOB", *DEVICE],
        ["submit", "compile", "JOB", *DEVICE],
        ["submit", "link", "JOB", *DEVICE],
        ["check", "JOB", *DEVICE],
        ["model", "show", "JOB"],
        ["model", "download", "JOB"],
    ],
)
def test_jobs_without_target_models(
    run: Run, words: list[str], failed: CompileJob, profiled: InferenceJob
) -> None:
    for job_id, reason in (
        (failed.job_id, "has made no model, since it has failed: The file is not an ONNX model"),
        (profiled.job_id, "is a job of the type profile, which makes no model"),
        ("jzzzzzzzz", "There is no job jzzzzzzzz"),
    ):
        refused = run(*(job_id if word == "JOB" else word for word in words))
        assert (refused.status, refused.out) == (1, "")
        assert reason in refused.err


def test_models_that_are_not_compiled(
    run: Run, compiled: CompileJob, quantized: QuantizeJob, target: Model, home: Path
) -> None:
    source = str(home / "affine.onnx")
    for verb, model, told in (
        ("profile", source, "was uploaded, not compiled: it runs as it is."),
        ("inference", source, "was uploaded, not compiled"),
        ("profile", quantized.job_id, "was quantized, not compiled"),
    ):
        submitted = run("submit", verb, model, *DEVICE)
        assert (submitted.status, submitted.err.count("\n")) == (0, 1)
        assert told in submitted.err
        assert f"--device '{PHONE}'" in submitted.err
    for model in (target.model_id, compiled.job_id):
        assert run("submit", "profile", model, *DEVICE).err == ""
    assert run("submit", "profile", source, *DEVICE, "-q").err == ""
