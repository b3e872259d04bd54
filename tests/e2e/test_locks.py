"""Locks of jobs on a real hub: what they hold, and what comes of repeating them."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.qnn import BINARY, DLC, GEN_3
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.aio import AsyncClient
from qai_hub.client import (
    Client,
    ClientConfig,
    CompileJob,
    Device,
    InferenceJob,
    Job,
    JobLock,
    JobStatus,
    LockDifference,
    LockedFile,
    LockedJob,
)
from qai_hub.local import LocalHub
from qai_hub.waiting.progress import WaitProgress

UNCHECKED = "--skip_target_check"
DATA = {"x": [np.full((1, 4), number, np.float32) for number in (1, 2)]}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and data, among other files."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "models").mkdir()
    onnx.save(affine(batch=1), folder / "models" / "net.onnx")
    (folder / "notes.txt").write_text("nothing to run")
    (folder / "models" / "broken.onnx").write_bytes(b"no model")
    return folder


@pytest.fixture(scope="module")
def chain(client: Client, inputs: Path) -> tuple[CompileJob, InferenceJob]:
    """A compile job, and an inference job on its target model."""
    model = client.upload_model(str(inputs / "models" / "net.onnx"))
    data = client.upload_dataset(DATA, "numbers")
    data.download(str(inputs / "data.h5"))
    compiled = client.submit_compile_job(
        model, GEN_3, input_specs={"x": (1, 4)}, options="--target_runtime onnx"
    )
    run = client.submit_inference_job(compiled.get_target_model(), GEN_3, data, profile=False)
    return compiled, run


@pytest.fixture(scope="module")
def lock(client: Client, chain: tuple[CompileJob, InferenceJob]) -> JobLock:
    return client.lock_jobs([chain[1]])


@pytest.fixture(scope="module")
def empty_client() -> Iterator[Client]:
    """A client of a hub that has nothing."""
    with LocalHub(validate_responses=True) as local_hub:
        yield local_hub.client()


def told(differences: tuple[LockDifference, ...]) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in differences]


def test_a_lock_has_what_went_in_and_what_came_out(
    lock: JobLock, chain: tuple[CompileJob, InferenceJob], inputs: Path, tmp_path: Path
) -> None:
    compiled, run = chain
    first, second = lock.jobs
    (source,) = first.models
    path = inputs / "models" / "net.onnx"

    assert (first.id, first.type, first.options) == (
        compiled.job_id,
        "compile",
        "--target_runtime onnx",
    )
    assert first.input_specs == {"x": ((1, 4), "float32")}
    assert [each.name for each in first.devices] == [GEN_3.name]
    assert (source.format, source.size) == ("ONNX", path.stat().st_size)
    assert first.tools == compiled.get_tool_versions()
    assert {"ONNX Runtime", "NumPy", "qai-hub-openapi"} <= first.tools.keys()
    target = Path(compiled.download_target_model(str(tmp_path / "target")) or "")
    assert first.outputs["target_model"].size == target.stat().st_size

    assert (second.id, second.models) == (run.job_id, (LockedFile(job=compiled.job_id),))
    assert second.data is not None
    assert second.data.size == (inputs / "data.h5").stat().st_size
    # Those of a job without a profile, too.
    assert second.tools == run.get_tool_versions() == first.tools
    assert list(second.outputs) == ["output_data"]
    assert lock.jobs == JobLock.load(saved(lock, tmp_path)).jobs
    assert "@" not in lock.to_json()
    assert "http" not in lock.to_json()


def saved(lock: JobLock, folder: Path) -> Path:
    lock.save(folder / "hub.lock")
    return folder / "hub.lock"


def test_the_same_jobs_give_the_same_file(
    client: Client, lock: JobLock, chain: tuple[CompileJob, InferenceJob]
) -> None:
    again = client.lock_jobs([chain[0].job_id, chain[1], chain[0]])
    assert again.to_json() == lock.to_json()


def test_a_replay_makes_all_anew_and_gives_the_same(
    client: Client, lock: JobLock, tmp_path: Path
) -> None:
    replay = client.replay_lock(saved(lock, tmp_path))

    assert replay.differences == ()
    assert replay.is_same
    assert [job.job_type for job in replay.jobs] == ["compile", "inference"]
    assert not any("cache" in notice.message for notice in replay.jobs[0].notices)
    assert lock.compare(replay.lock) == []
    assert {each.id for each in replay.lock.jobs} == {each.job_id for each in replay.jobs}


def test_context_binaries_dlcs_and_quantized_models_are_made_again(
    quick_client: Client,
) -> None:
    model = quick_client.upload_model(affine())
    noise = np.random.default_rng(0).normal(size=(4, 1, 4)).astype(np.float32)
    quantized = quick_client.submit_quantize_job(model, {"x": list(noise)})
    binary = quick_client.submit_compile_job(
        quantized.get_target_model(), GEN_3, options=f"--target_runtime {BINARY} {UNCHECKED}"
    )
    profiled = quick_client.submit_inference_job(
        binary.get_target_model(), GEN_3, options="--max_profiler_iterations 1"
    )
    dlc = quick_client.submit_compile_job(
        model, GEN_3, options=f"--target_runtime {DLC} {UNCHECKED}"
    )
    linked = quick_client.submit_link_job([dlc.get_target_model()], GEN_3, options=UNCHECKED)
    lock = quick_client.lock_jobs([profiled, linked])
    assert [each.type for each in lock.jobs] == [
        *("quantize", "compile", "inference", "compile", "link")
    ]
    assert list(lock.jobs[0].numbers) == ["psnr y"]
    assert list(lock.jobs[2].numbers) == ["layers NPU"]
    assert {"QAIRT", "ONNX Runtime QNN"} <= lock.jobs[1].tools.keys()

    replay = quick_client.replay_lock(lock)

    assert replay.differences == ()
    # A DLC has the time of its making.
    made, remade = (each.jobs[3].outputs["target_model"] for each in (lock, replay.lock))
    assert made.sha256 != remade.sha256
    assert made.content_sha256 == remade.content_sha256 != made.sha256


def test_what_the_hub_lacks_is_taken_from_a_folder(
    empty_client: Client, lock: JobLock, inputs: Path
) -> None:
    replay = empty_client.replay_lock(lock, inputs)
    assert replay.differences == ()
    # By their content, wherever they are from.
    elsewhere = replace(lock.jobs[0], models=(replace(lock.jobs[0].models[0], id=""),))
    assert empty_client.replay_lock(JobLock((elsewhere,))).is_same


def test_what_is_missing_is_named_and_nothing_is_submitted(
    client: Client, lock: JobLock, tmp_path: Path
) -> None:
    model = tmp_path / "unknown.onnx"
    onnx.save(affine(scale=3.5), model)
    known = hashlib.sha256(model.read_bytes()).hexdigest()
    first, second = lock.jobs
    assert second.data is not None
    source = replace(first.models[0], sha256=known, size=model.stat().st_size)
    data = replace(second.data, sha256="c" * 64)
    missing = JobLock((replace(first, models=(source,)), replace(second, data=data)))
    before = len(client.get_models(limit=1000))

    with pytest.raises(hub.UserError) as caught:
        client.replay_lock(missing)
    assert f"not on the hub: the model 'net.onnx' of job {first.id} (SHA-256 {known[:16]}," in str(
        caught.value
    )
    assert f"; the data 'numbers' of job {second.id} (SHA-256 cccccccccccccccc," in str(
        caught.value
    )
    with pytest.raises(hub.UserError, match="What went into the jobs is neither on") as caught:
        client.replay_lock(missing, tmp_path)
    assert f"on the hub nor in {tmp_path}: the data 'numbers'" in str(caught.value)
    assert len(client.get_models(limit=1000)) == before
    with pytest.raises(FileNotFoundError, match="There is no folder nowhere"):
        client.replay_lock(missing, "nowhere")


def test_what_cannot_be_repeated_is_refused_before_the_first_job(
    client: Client, lock: JobLock, tmp_path: Path
) -> None:
    first, second = lock.jobs
    (tmp_path / "file").touch()
    newest = client.get_job_summaries(limit=1)[0].job_id
    refusals: list[tuple[LockedJob, Path | None, str]] = [
        (replace(second, data=None), None, "job 2 neither profiles nor has data"),
        (replace(second, devices=()), None, "job 2 has no devices"),
        (replace(second, devices=(Device(),)), None, "job 2, devices, item 1, name is empty"),
        (replace(second, devices=(Device("Phone of 1999"),)), None, "Phone of 1999"),
        (second, tmp_path / "file", "file is not a folder: give the folder that the file is in"),
        (second, tmp_path / "typo", "There is no folder .*typo"),
    ]
    for job, files, reason in refusals:
        with pytest.raises((hub.UserError, FileNotFoundError), match=reason):
            client.replay_lock(JobLock((first, job)), files)
    for wrong in (None, [lock]):
        with pytest.raises(TypeError, match="pass a lock, or the path of its file"):
            client.replay_lock(wrong)  # type: ignore[arg-type]
    assert client.get_job_summaries(limit=1)[0].job_id == newest


def test_ctrl_c_names_all_jobs_that_go_on(
    client: Client, lock: JobLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(job: Job, timeout: float | None = None) -> JobStatus:
        waited.append(job)
        if len(waited) == 1:
            return wait(job, timeout)
        with WaitProgress([job]):
            raise KeyboardInterrupt

    wait, waited = Job.wait, list[Job]()
    monkeypatch.setattr(Job, "wait", interrupt)
    first = lock.jobs[0]
    copies = [first, *(replace(first, id=f"j{number}") for number in range(2))]
    with pytest.raises(KeyboardInterrupt) as caught:
        client.replay_lock(JobLock((*copies, lock.jobs[1])))
    (note,) = caught.value.__notes__
    named = {each.job_id for each in client.get_job_summaries(limit=4)} - {waited[0].job_id}
    assert set(note.partition(" go on: ")[0].split(", ")) == named
    assert "hub.get_job" in note


def test_what_differs_is_told(client: Client, lock: JobLock) -> None:
    first, second = lock.jobs
    older = replace(first, tools={**first.tools, "NumPy": "1.0"})
    replay = client.replay_lock(JobLock((older, second)))
    assert told(replay.differences) == [("tool", "NumPy")]
    assert replay.is_same

    other = {"target_model": replace(first.outputs["target_model"], sha256="0" * 64)}
    replay = client.replay_lock(JobLock((replace(first, outputs=other), second)))
    assert told(replay.differences) == [("output", "target_model")]
    assert not replay.is_same


def test_a_job_that_fails_now_is_told(client: Client, lock: JobLock) -> None:
    first, second = lock.jobs
    failing = replace(first, options="--target_runtime onnx --output_names a,b,c")
    replay = client.replay_lock(JobLock((failing, second)))

    assert told(replay.differences) == [("outcome", "compile"), ("outcome", "inference")]
    assert "--output_names" in replay.differences[0].found
    assert not replay.is_same
    assert replay.lock.jobs == ()


def test_what_is_gone_is_a_gap(client: Client, tmp_path: Path) -> None:
    model, data = client.upload_model(affine(batch=1)), client.upload_dataset(DATA)
    run = client.submit_inference_job(model, GEN_3, data, profile=False)
    assert run.wait().success
    data.delete()

    (locked,) = client.lock_jobs([run]).jobs

    assert locked.data == LockedFile(id=data.dataset_id)
    (gap,) = locked.gaps
    assert gap.startswith("data: There is no dataset")
    with pytest.raises(hub.UserError, match="cannot be repeated, because its data could not be"):
        client.replay_lock(JobLock.load(saved(JobLock((locked,)), tmp_path)))


def test_a_job_that_cannot_be_seen_hides_what_it_made(client: Client, colleague: Client) -> None:
    compiled = client.submit_compile_job(affine(batch=1), GEN_3)
    target = compiled.get_target_model()
    assert target is not None
    assert compiled.wait().success
    target.modify_sharing(add_emails=[colleague.get_user().email])
    run = colleague.submit_inference_job(colleague.get_model(target.model_id), GEN_3)

    lock = colleague.lock_jobs([run])

    assert [each.type for each in lock.jobs] == ["inference"]
    assert lock.jobs[0].models[0].sha256 is not None
    assert colleague.replay_lock(lock).is_same


def test_only_jobs_that_have_succeeded_are_locked(
    client: Client, empty_client: Client, chain: tuple[CompileJob, InferenceJob]
) -> None:
    failed = client.submit_compile_job(affine(batch=1), GEN_3, options="--target_runtime nothing")
    with pytest.raises(hub.UserError, match=f"Job {failed.job_id} has failed, so that there is"):
        client.lock_jobs([failed])
    with pytest.raises(hub.UserError, match="There is no job j0000000"):
        client.lock_jobs(["j0000000"])
    with pytest.raises(TypeError, match="Pass a list of jobs"):
        client.lock_jobs(chain[0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is not a job"):
        client.lock_jobs([3])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="jobs is an empty list"):
        client.lock_jobs([])
    with pytest.raises(ValueError, match=f"Job {chain[0].job_id} is on http"):
        empty_client.lock_jobs([chain[0]])


def test_in_an_event_loop(client: Client, lock: JobLock) -> None:
    async def repeat() -> tuple[JobLock, bool]:
        async with AsyncClient(client.config) as asynchronous:
            locked = await asynchronous.lock_jobs([each.id for each in lock.jobs])
            return locked, (await asynchronous.replay_lock(locked)).is_same

    assert asyncio.run(repeat()) == (lock, True)


def test_where_a_service_tells_no_digests_files_are_downloaded(
    client: Client, lock: JobLock
) -> None:
    """Its wire has no place for them, as that of the official service."""
    config = client.config
    with Client(
        ClientConfig(config.api_token, config.api_url, config.web_url, wire="protobuf")
    ) as other:
        found = other.lock_jobs([lock.jobs[1].id])
        replay = other.replay_lock(found)

    assert [each.models for each in found.jobs] == [each.models for each in lock.jobs]
    assert [each.outputs for each in found.jobs] == [each.outputs for each in lock.jobs]
    assert found.jobs[0].tools == lock.jobs[0].tools
    assert found.jobs[1].gaps == ("tools: the service does not tell them",)
    assert replay.differences == ()
    assert not any("cache" in notice.message for notice in replay.jobs[0].notices)
