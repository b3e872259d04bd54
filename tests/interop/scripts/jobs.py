"""Jobs that run: compile, inference, profile."""

import functools
import os
from datetime import datetime, timedelta

import numpy as np

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
ONNX = "--target_runtime onnx"
SHAPES = {"x": (2, 4)}


@functools.cache
def _compiled() -> hub.CompileJob:
    job = hub.submit_compile_job("affine.onnx", DEVICE, input_specs=SHAPES, options=ONNX)
    job.wait()
    return job


def compile_a_model() -> None:
    job = hub.submit_compile_job(
        "affine.onnx", device=DEVICE, name="compiled", input_specs=SHAPES, options=ONNX
    )
    status = job.wait()
    print(status.code, status.success, status.finished, status.running, status.pending)
    print(job.name, job.options, job.job_type, job.shapes, job.device.name)
    print(job.get_target_shapes(), job.target_shapes)
    print(job.model.name, job.calibration_dataset)
    print(abs(datetime.now() - job.date) < timedelta(minutes=1))
    print(job.url.endswith(f"/jobs/{job.job_id}/"))
    target = job.get_target_model()
    print(target.model_type, target.get_producer().job_id == job.job_id)
    print(os.path.basename(job.download_target_model("target")))


def compile_an_uploaded_model_with_dtypes() -> None:
    model = hub.upload_model("affine.onnx")
    specs = {"x": ((2, 4), "float32")}
    job = hub.submit_compile_job(model, DEVICE, input_specs=specs, options=ONNX)
    print(
        job.wait().success,
        job.shapes,
        job.get_target_shapes(),
        job.model.model_id == model.model_id,
    )


def compile_for_two_devices_at_once() -> None:
    devices = [DEVICE, hub.Device("Samsung Galaxy S23")]
    job = hub.submit_compile_job("affine.onnx", devices, input_specs=SHAPES, options=ONNX)
    print(type(job).__name__, sorted(device.name for device in job.compatible_devices))
    print(job.wait().success)


def compile_for_two_devices_apart() -> None:
    devices = [DEVICE, hub.Device("Samsung Galaxy S23")]
    jobs = hub.submit_compile_job(
        "affine.onnx", devices, input_specs=SHAPES, options=ONNX, single_compile=False
    )
    print(isinstance(jobs, list), [job.device.name for job in jobs])
    print([job.wait().success for job in jobs])


def compile_for_a_list_of_one() -> None:
    job = hub.submit_compile_job("affine.onnx", [DEVICE], input_specs=SHAPES, options=ONNX)
    print(type(job).__name__)


def compile_what_cannot_be_compiled() -> None:
    job = hub.submit_compile_job("broken.onnx", DEVICE, input_specs=SHAPES, options=ONNX)
    status = job.wait()
    print(status.code, status.failure, status.success, bool(status.message))
    print(job.get_target_shapes())


def compile_with_an_unknown_option() -> None:
    job = hub.submit_compile_job("affine.onnx", DEVICE, options="--no_such_option 1")
    print(job.wait().code)


def run_inference() -> None:
    target = _compiled().get_target_model()
    inputs = {"x": [np.arange(8, dtype=np.float32).reshape(2, 4) + i for i in range(2)]}
    job = hub.submit_inference_job(target, DEVICE, inputs, name="inference")
    print(job.wait().success, job.name, job.job_type, job.shapes, job.device.name)
    print(job.model.model_id == target.model_id, job.inputs is not None)
    outputs = job.download_output_data()
    print({name: [batch.tolist() for batch in batches] for name, batches in outputs.items()})
    print(list(job.get_output_dataset().download()))
    print(os.path.basename(job.download_output_data("outputs")))


def run_inference_on_an_uploaded_dataset() -> None:
    dataset = hub.upload_dataset({"x": [np.ones((2, 4), np.float32)]})
    job = hub.submit_inference_job(_compiled().get_target_model(), DEVICE, dataset)
    outputs = job.download_output_data()
    print({name: [batch.tolist() for batch in batches] for name, batches in outputs.items()})
    print(job.inputs.dataset_id == dataset.dataset_id)


def run_inference_without_waiting_for_the_compile_job() -> None:
    job = hub.submit_compile_job("affine.onnx", DEVICE, input_specs=SHAPES, options=ONNX)
    inputs = {"x": [np.ones((2, 4), np.float32)]}
    run = hub.submit_inference_job(job.get_target_model(), DEVICE, inputs)
    print(run.wait().success)


def run_inference_on_the_wrong_shape() -> None:
    inputs = {"x": [np.ones((3, 5), np.float32)]}
    job = hub.submit_inference_job(_compiled().get_target_model(), DEVICE, inputs)
    print(job.wait().code, job.download_output_data())


def profile_a_model() -> None:
    job = hub.submit_profile_job(_compiled().get_target_model(), DEVICE, name="profiled")
    print(job.wait().success, job.name, job.profiling, isinstance(job, hub.ProfileJob))
    profile = job.download_profile()
    print(sorted(profile))
    summary = profile["execution_summary"]
    print({key: type(value).__name__ for key, value in sorted(summary.items())})
    print(summary["estimated_inference_time"] > 0)
    layers = profile["execution_detail"]
    print([(layer["type"], layer["compute_unit"]) for layer in layers])
    print(sorted({key for layer in layers for key in layer}))
    print(os.path.basename(job.download_profile("profile")))


def profile_on_two_devices() -> None:
    devices = [DEVICE, hub.Device("Samsung Galaxy S23")]
    jobs = hub.submit_profile_job(_compiled().get_target_model(), devices)
    print([(job.device.name, job.wait().success) for job in jobs])


def download_all_results() -> None:
    compiled = _compiled()
    inputs = {"x": [np.ones((2, 4), np.float32)]}
    run = hub.submit_inference_job(compiled.get_target_model(), DEVICE, inputs)
    for job in (compiled, run):
        result = job.download_results(f"results_{job.job_type}")
        print(type(result).__name__, result.status.code)
        print(sorted(os.path.splitext(name)[1] for name in os.listdir(result.artifacts_dir)))


def the_files_of_results() -> None:
    job = hub.submit_profile_job(_compiled().get_target_model(), DEVICE)
    result = job.download_results("results of a profile job")
    print(f"{job.job_id}_profile.json" in os.listdir(result.artifacts_dir))


def download_logs() -> None:
    job = _compiled()
    print([artifact.name for artifact in job.get_available_artifacts()])
    paths = job.download_job_logs("logs")
    print(len(paths), all(os.path.getsize(path) > 0 for path in paths))
    kind = hub.JobArtifactType.HUB_LOG
    print(len(job.download_artifacts_for_type("logs_again", kind)))
    print(job.download_artifacts_for_type("nothing", hub.JobArtifactType.PROFILE_TRACE))


def quantize_a_model() -> None:
    data = {"x": [np.ones((1, 4), np.float32)]}
    job = hub.submit_quantize_job("affine.onnx", data)
    print(type(job).__name__, job.job_type, job.weights_dtype, job.activations_dtype)
    print(job.wait().code)


def rename_a_job() -> None:
    job = _compiled()
    job.set_name("another name")
    print(job.name, hub.get_job(job.job_id).name)


def fetch_a_job_again() -> None:
    job = _compiled()
    again = hub.get_job(job.job_id)
    print(type(again).__name__, again.name, again.options, again.shapes, again.date == job.date)
    print(again.get_status() == job.get_status(), again.get_status() == hub.JobStatus.State.SUCCESS)
    print(type(hub.get_job(job.job_id, hub.JobType.COMPILE)).__name__)
