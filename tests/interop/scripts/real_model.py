"""A model as it is used: it tells whether a line of text is upside down."""

import functools

import numpy as np

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
MODEL = "text_direction.onnx"


@functools.cache
def _compiled():
    job = hub.submit_compile_job(
        MODEL, DEVICE, "text direction", {"x": (1, 3, 48, 192)}, "--target_runtime onnx"
    )
    job.wait()
    return job


def compile_it() -> None:
    job = _compiled()
    print(job.get_status().success, job.shapes, job.get_target_shapes())
    model = hub.get_model(job.get_target_model().model_id)
    print(model.input_spec, model.output_spec)


def run_it() -> None:
    pixels = np.random.default_rng(0).random((2, 1, 3, 48, 192), np.float32)
    run = hub.submit_inference_job(_compiled().get_target_model(), DEVICE, {"x": list(pixels)})
    outputs = run.download_output_data()
    for name, batches in outputs.items():
        print(name, [(batch.shape, str(batch.dtype), batch.argmax(axis=-1)) for batch in batches])


def profile_it() -> None:
    few = "--max_profiler_iterations 5"
    job = hub.submit_profile_job(_compiled().get_target_model(), DEVICE, options=few)
    profile = job.download_profile()
    # Not the list itself: ONNX Runtime doesn't fuse the same operators each time that it loads.
    layers = profile["execution_detail"]
    print(
        {layer["compute_unit"] for layer in layers}, {"Conv", "Gemm"} <= {x["type"] for x in layers}
    )
    summary = profile["execution_summary"]
    print(summary["estimated_inference_time"] > 0, len(summary["all_inference_times"]))
