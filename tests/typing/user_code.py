"""What users write, checked by mypy (strict) and pyright (basic), and run by nobody.

The first half is as scripts for the official client are; the second uses what is only here.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type, cast

import numpy as np

import qai_hub as hub
import qai_hub.hub
from qai_hub import public_rest_api
from qai_hub.client import (
    Client,
    CompileJob,
    DatasetEntries,
    Device,
    JobStatus,
    JobType,
    Project,
    SourceModel,
    SourceModelType,
)

PHONE = hub.Device("Samsung Galaxy S24")
SHAPE = (1, 3, 224, 224)

# -- as for the official client ------------------------------------------------------------------


def compile_profile_and_run(image: "np.ndarray[Any, np.dtype[np.float32]]") -> float:
    compile_job = hub.submit_compile_job(
        model="mobilenet_v2.pt",
        device=PHONE,
        name="MobileNet V2",
        input_specs={"image": SHAPE},
        options="--target_runtime tflite",
    )
    assert_type(compile_job, hub.CompileJob)
    assert isinstance(compile_job, hub.CompileJob)

    profile_job = hub.submit_profile_job(model=compile_job.get_target_model(), device=PHONE)
    assert_type(profile_job, hub.InferenceJob)
    assert isinstance(profile_job, hub.ProfileJob)

    target_model = compile_job.get_target_model()
    assert isinstance(target_model, hub.Model)
    inference_job = hub.submit_inference_job(
        model=target_model, device=PHONE, inputs={"image": [image]}
    )
    output = inference_job.download_output_data()
    assert isinstance(output, dict)
    probabilities = np.exp(output["class_logits"][0])
    target_model.download("mobilenet_v2.tflite")

    profile = profile_job.download_profile()
    assert isinstance(profile, dict)
    time: float = profile["execution_summary"]["estimated_inference_time"] / 1000
    return time + float(probabilities.max())


def compile_for_two_phones() -> list[str | None]:
    phones = [PHONE, Device(name="Google Pixel 8", os="14", attributes=["vendor:google"])]
    jobs = hub.submit_compile_job("model.onnx", phones, single_compile=False)
    if not isinstance(jobs, list):
        jobs = [jobs]
    return [job.download_target_model(f"{job.device.name}.tflite") for job in jobs]


def compile_for_all_phones() -> None:
    phones = hub.get_devices(attributes="os:android")
    one_for_all = hub.submit_compile_job("model.onnx", phones)
    assert_type(one_for_all, hub.CompileJob)
    profiles = hub.submit_profile_job(one_for_all.get_target_model(), phones)
    for job in profiles if isinstance(profiles, list) else [profiles]:
        print(job.wait().success, job.url)


def quantize_and_link(calibration_images: "list[np.ndarray[Any, Any]]") -> str | None:
    quantize_job = hub.submit_quantize_job(
        model=hub.upload_model("model.onnx"),
        calibration_data={"image": calibration_images},
        weights_dtype=hub.QuantizeDtype.INT8,
        activations_dtype=hub.QuantizeDtype.INT16,
    )
    assert_type(quantize_job, hub.QuantizeJob)
    specs: hub.InputSpecs = {"image": (SHAPE, "float32"), "mask": (1, 1)}
    compile_job = hub.submit_compile_job(quantize_job.get_target_model(), PHONE, input_specs=specs)
    link_job = hub.submit_link_job([compile_job.get_target_model(), "other.dlc"], PHONE)
    assert_type(link_job, hub.LinkJob)
    assert_type(link_job.download_target_model(), bytes | None)
    return link_job.download_target_model("linked.bin")


def compile_and_link() -> None:
    compiled, linked = hub.submit_compile_and_link_jobs(
        ["encoder.onnx", "decoder.onnx"], PHONE, graph_names=["encoder", "decoder"]
    )
    assert_type(compiled, list[hub.CompileJob])
    assert_type(linked, hub.LinkJob | None)


def wait_and_tell(job: hub.Job) -> bool:
    try:
        status = job.wait(timeout=60)
    except TimeoutError:
        status = job.get_status()
    if status.state == JobStatus.State.SUCCESS or status == "SUCCESS" or status.success:
        return True
    message = status.message
    return message is not None and "timed out" in message and job.date < datetime.now()


def find_jobs() -> list[str]:
    listed = hub.get_job_summaries(
        limit=10,
        state=[hub.JobStatus.State.SUCCESS, *JobStatus.all_running_states()],
        type=JobType.PROFILE,
        creator="ada@example.com",
    )
    assert_type(listed, list[hub.JobSummary])
    fast = [
        summary
        for summary in listed
        if isinstance(summary, hub.ProfileJobSummary)
        and summary.estimated_inference_time is not None
        and summary.estimated_inference_time < 1000
    ]
    return [summary.job_id for summary in sorted(fast, key=lambda summary: summary.date)]


def fetch_a_job(job_id: str) -> hub.Model | None:
    job = cast(hub.CompileJob, hub.get_job(job_id))
    for kind in job.get_available_artifacts():
        job.download_artifacts_for_type("artifacts", kind)
    job.download_job_logs("logs")
    if job.wait(0).failure or job.job_type != "compile":
        return None
    shapes = job.get_target_shapes()
    return job.get_target_model() if shapes else None


def look_at_a_model(model: hub.Model, dataset: hub.Dataset) -> None:
    version = model.metadata.get(hub.ModelMetadataKey.QAIRT_SDK_VERSION)
    for graph, tensors in model.input_spec.items():
        for tensor in tensors:
            print(graph, tensor.name, tensor.dtype, tensor.shape, version)
    if model.model_type == SourceModelType.ONNX:
        producer = model.get_producer()
        print(producer.url if producer else "uploaded")
    model.modify_sharing(add_emails=["bob@example.com"])
    dataset.disable_sharing()
    print(model.get_sharing(), dataset.get_expiration_status())


def upload(path: str) -> tuple[hub.Model, hub.Dataset]:
    samples = [np.random.default_rng(0).random(SHAPE).astype(np.float32) for _ in range(3)]
    inputs = {"image": samples}
    return hub.upload_model(path, name="mine"), hub.upload_dataset(inputs, "three images")


def fetch_data(dataset_id: str, path: str) -> str:
    data = hub.get_dataset(dataset_id).download()
    assert isinstance(data, dict)
    return hub.get_dataset(dataset_id).download(path)


def of_one_profile(profile: str) -> list[str]:
    client = Client(profile=profile)
    client.set_verbose(False)
    functions: list[Callable[..., Any]] = [
        getattr(client, name) for name in qai_hub.hub.__all__ if hasattr(client, name)
    ]
    frameworks = [f"{one.name} {one.full_version}" for one in client.get_frameworks()]
    return [*frameworks, *client.get_device_attributes(), client.config.api_url, str(functions)]


def handle_errors(job_id: str) -> str:
    try:
        return hub.get_job(job_id).name
    except hub.UserError as error:
        return f"my fault: {error}"
    except hub.InternalError as error:
        return f"not my fault: {error}"


def as_model_zoos_do(
    model: SourceModel, name: str | None, project: Project | str | None, data: DatasetEntries
) -> hub.Model:
    client = qai_hub.hub._global_client
    if "staging" in client.config.api_url:
        qai_hub.hub._global_client = hub.Client(profile="staging")
    frameworks = public_rest_api.get_framework_list(client.config).frameworks
    versions = [framework.full_version for framework in frameworks if framework.name == "QAIRT"]
    entries: public_rest_api.DatasetEntries = {**data}
    hub.upload_dataset(entries, ", ".join(versions))
    return hub.upload_model(model, name, project)


# -- only here -----------------------------------------------------------------------------------


def wait_for_many(jobs: list[hub.CompileJob]) -> Iterator[Path]:
    assert_type(hub.wait_all(jobs, timeout=3600), list[hub.JobStatus])
    for job in hub.as_completed(jobs):
        assert_type(job, CompileJob)
        path = job.download_target_model("models")
        if path is not None:
            yield Path(path)


async def wait_in_an_event_loop(jobs: list[hub.CompileJob]) -> None:
    assert_type(await jobs[0].wait_async(timeout=60), hub.JobStatus)
    assert_type(await hub.aio.wait_all(jobs, 60), list[hub.JobStatus])
    async for job in hub.aio.as_completed(jobs):
        assert_type(job, CompileJob)


def tidy_up(job: hub.InferenceJob, model: hub.Model, dataset: hub.Dataset) -> str:
    assert_type(job.cancel(), hub.JobStatus)
    assert_type(hub.cancel_job(job.job_id), hub.JobStatus)
    model.delete()
    dataset.delete()
    return hub.Client().cancel_job(job.job_id).code


def larger_than_memory(dataset: hub.Dataset, paths: list[str]) -> list[float]:
    with dataset.open() as data:
        assert_type(data, hub.DatasetReader)
        hub.upload_dataset({"x": (np.load(path) for path in paths)})
        hub.submit_inference_job(hub.get_model("m"), PHONE, inputs=data)
        return [float(sample.max()) for samples in data.values() for sample in samples]


def fetch_by_type(job_id: str) -> None:
    assert_type(hub.get_job(job_id, JobType.COMPILE), hub.CompileJob)
    assert_type(hub.get_job(job_id, JobType.PROFILE), hub.InferenceJob)
    assert_type(hub.get_job(job_id, job_type=hub.JobType.INFERENCE), hub.InferenceJob)
    assert_type(hub.get_job(job_id, JobType.LINK), hub.LinkJob)
    assert_type(hub.get_job(job_id, JobType.QUANTIZE), hub.QuantizeJob)
    assert_type(hub.get_job(job_id, JobType.UNSPECIFIED), hub.Job)


def slowest_layers(job: hub.InferenceJob) -> dict[str, float]:
    profile = job.get_profile()
    assert_type(profile, hub.Profile | None)
    if profile is None:
        return {}
    assert_type(profile.inference.peak_memory_range, hub.MemoryRange | None)
    assert_type(job.get_tool_versions(), dict[str, str])
    layers: tuple[hub.Layer, ...] = profile.layers
    return {layer.name: layer.execution_time or 0.0 for layer in layers}


async def the_same_in_an_event_loop(image: "np.ndarray[Any, np.dtype[np.float32]]") -> None:
    async with hub.aio.AsyncClient(profile="local") as client:
        assert_type(client, hub.aio.AsyncClient)
        compile_job = await client.submit_compile_job("mobilenet_v2.onnx", PHONE)
        assert_type(compile_job, hub.CompileJob)
        target = await client.get_target_model(compile_job)
        assert_type(target, hub.Model | None)
        job = await client.submit_inference_job(target, PHONE, {"image": [image]})
        assert_type(job, hub.InferenceJob)
        several = await client.submit_inference_job(target, [PHONE, PHONE])
        assert_type(several, hub.InferenceJob | list[hub.InferenceJob])
        assert_type(await client.wait(job, timeout=600), JobStatus)
        assert_type(await client.download_output_data(job), DatasetEntries | None)
        assert_type(await client.download_output_data(job, "outputs.h5"), str | None)
        assert_type(await client.download_target_model(compile_job), bytes | None)
        assert_type(await client.download_profile(job), dict[str, Any] | None)
        assert_type(await client.get_job("jabc", JobType.LINK), hub.LinkJob)
        assert_type([one async for one in client.iter_jobs()], list[hub.Job])
        quantized = await client.submit_quantize_job("model.onnx", {"image": [image]})
        assert_type(quantized, hub.QuantizeJob)
        assert_type(await client.submit_link_job([target], PHONE), hub.LinkJob)


def look_through_everything() -> Iterator[str]:
    for job in hub.iter_jobs(state=hub.JobStatus.State.FAILED):
        assert_type(job, hub.Job)
        if isinstance(job, hub.CompileJob):
            yield from (device.name for device in job.compatible_devices)
    for model in hub.iter_models():
        yield model.model_id
    for summary in hub.iter_job_summaries(type=hub.JobType.PROFILE):
        yield summary.owner.email if summary.owner else summary.username


def times(job: hub.Job) -> tuple[float | None, str | None]:
    asyncio.run(wait_in_an_event_loop([]))
    if job.started_at is None or job.completed_at is None:
        return None, job.failure_type
    return (job.completed_at - job.started_at).total_seconds(), None


def by_hand(token: str) -> hub.Client:
    config = hub.ClientConfig(token, "http://127.0.0.1:8642", wire="json")
    with hub.Client(config=config) as client:
        assert_type(client, hub.Client)
        return client


def how_long_to_wait(model: hub.Model) -> float:
    try:
        hub.submit_profile_job(model, PHONE, retry=False)
    except hub.RateLimitedError as error:
        return error.retry_after or 0.0
    return 0.0
