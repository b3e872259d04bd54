"""Jobs that are submitted together, and what other parts of the hub may refuse."""

import os

import numpy as np

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
DEVICES = [DEVICE, hub.Device("Samsung Galaxy S23")]
ONNX = "--target_runtime onnx"
SHAPES = {"x": (1, 4)}
DATA = {"x": [np.ones((1, 4), np.float32)]}


def _told(job) -> str:
    status = job.wait()
    return f"{type(job).__name__} {job.name} {status.code} {bool(status.message)} {job.options}"


def compile_and_profile() -> None:
    compiled, profiled = hub.submit_compile_and_profile_jobs(
        "affine.onnx",
        DEVICE,
        name="both",
        input_specs=SHAPES,
        compile_options=ONNX,
        profile_options="--max_profiler_iterations 5",
    )
    print(_told(compiled), _told(profiled))
    print(profiled.model.model_id == compiled.get_target_model().model_id)


def compile_and_profile_on_two_devices() -> None:
    pairs = hub.submit_compile_and_profile_jobs(
        "affine.onnx", DEVICES, input_specs=SHAPES, compile_options=ONNX
    )
    print(isinstance(pairs, list), [type(pair).__name__ for pair in pairs])
    print([(_told(compiled), _told(profiled)) for compiled, profiled in pairs])


def compile_and_profile_what_cannot_be_compiled() -> None:
    compiled, profiled = hub.submit_compile_and_profile_jobs("broken.onnx", DEVICE)
    print(compiled.wait().code, profiled is None or profiled.wait().code)


def compile_and_link() -> None:
    jobs, linked = hub.submit_compile_and_link_jobs(
        ["affine.onnx", "affine.onnx"],
        DEVICE,
        name="linked",
        input_specs=[SHAPES, SHAPES],
        graph_names=["first", "second"],
    )
    print([_told(job) for job in jobs], linked is None or _told(linked))


def compile_and_link_for_two_devices() -> None:
    made = hub.submit_compile_and_link_jobs(["affine.onnx"], DEVICES, input_specs=SHAPES)
    print(type(made).__name__, [len(jobs) for jobs, _ in made])
    print([linked is None or linked.wait().code for _, linked in made])


def compile_link_and_embed() -> None:
    made = hub.submit_compile_and_link_jobs(
        "affine.onnx", DEVICE, input_specs=SHAPES, embed_in_onnx=True
    )
    print(len(made), [job and job.wait().code for job in made[1:]])


def link() -> None:
    job = hub.submit_link_job(hub.upload_model("net.dlc"), DEVICE, "a link job", "--an_option 1")
    print(_told(job), [model.name for model in job.models], job.device.name)
    print(repr(job) != "", job.job_id in str(job))
    print(job.get_target_model().name, job.get_target_model().model_type, job.get_sharing())


def link_for_two_devices() -> None:
    jobs = hub.submit_link_job([hub.upload_model("net.dlc") for _ in range(2)], DEVICES)
    print([(_told(job), len(job.models), job.device.name) for job in jobs])


def results_of_a_link_job_that_failed() -> None:
    job = hub.submit_link_job("net.dlc", DEVICE)
    print(job.download_target_model("linked.dlc"))
    result = job.download_results("linked")
    print(type(result).__name__, result.status.code, len(os.listdir(result.artifacts_dir)))


def quantize() -> None:
    dtypes = (hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT16)
    job = hub.submit_quantize_job("affine.onnx", DATA, *dtypes, name="a quantize job")
    print(_told(job), job.weights_dtype, job.activations_dtype)
    print(job.model.name, list(job.calibration_dataset.download()))
    print(repr(job) != "", job.job_id in str(job))
    print(job.get_target_model().name, job.get_target_model().model_type)


def results_of_a_quantize_job_that_failed() -> None:
    job = hub.submit_quantize_job("broken.onnx", DATA)
    print(job.download_target_model("quantized.onnx"))
    result = job.download_results("quantized")
    print(type(result).__name__, result.status.code, len(os.listdir(result.artifacts_dir)))


def results_of_a_compile_job_that_failed() -> None:
    job = hub.submit_compile_job("broken.onnx", DEVICE)
    print(
        job.wait().code, job.get_target_model().name, job.get_target_model().get_producer() is None
    )
    print(job.download_target_model("broken_target"))
    result = job.download_results("broken")
    print(type(result).__name__, result.status.code, len(os.listdir(result.artifacts_dir)))


def results_of_an_inference_job_that_failed() -> None:
    job = hub.submit_inference_job(hub.upload_model("broken.onnx"), DEVICE, DATA)
    status = job.wait()
    print(status.code, bool(status.message), job.inputs.dataset_id.startswith("d"))
    print(job.download_output_data(), job.get_output_dataset(), job.download_output_data("none"))
    result = job.download_results("failed_inference")
    print(type(result).__name__, result.status.code, len(os.listdir(result.artifacts_dir)))


def models_that_a_failed_job_made() -> None:
    job = hub.submit_compile_job("broken.onnx", DEVICE)
    job.wait()
    model = hub.get_model(job.model.model_id)
    print(model.wait(), model.producer, model.get_producer())
    target = job.get_target_model()
    print(target.wait(), target.producer.job_id == job.job_id)


def what_builds_on_a_failure_fails() -> None:
    compiled = hub.submit_compile_job("broken.onnx", DEVICE)
    run = hub.submit_inference_job(compiled.get_target_model(), DEVICE, DATA)
    status = run.wait()
    print(status.code, compiled.job_id in status.message, run.download_output_data())


def the_summaries_of_each_type() -> None:
    data = hub.upload_dataset(DATA)
    model = hub.upload_model("affine.onnx")
    compiled = hub.submit_compile_job(model, DEVICE, "c", SHAPES, ONNX)
    target = compiled.get_target_model()
    jobs = [
        compiled,
        hub.submit_profile_job(target, DEVICE, "p"),
        hub.submit_inference_job(target, DEVICE, data, "i", profile=False),
        hub.submit_quantize_job(model, data, name="q"),
        hub.submit_link_job(hub.upload_model("net.dlc"), DEVICE, "l"),
    ]
    for job in jobs:
        job.wait()
    found = {summary.job_id: summary for summary in hub.get_job_summaries(limit=5)}
    for job in jobs:
        summary = found[job.job_id]
        again = next(s for s in hub.get_job_summaries(limit=9) if s.job_id == job.job_id)
        print(type(summary).__name__, summary.name, summary.job_type, summary.status.code)
        print(summary.device_name, summary.username, summary.url == job.url)
        print(summary == again, hash(summary) == hash(again), {summary, again} == {summary})
        print(repr(summary) != "", isinstance(str(summary), str), abs(summary.date - job.date))
        if isinstance(summary, hub.InferenceJobSummary):
            print(summary.profiling, (summary.estimated_inference_time or 0) > 0)
            print(type(summary.inference_memory_peak_range).__name__)
    for kind in hub.JobType.__members__.values():
        print(kind.display_name, len(hub.get_job_summaries(limit=2, type=kind)))
