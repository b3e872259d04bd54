"""Compiles the model beside this file, runs it on a local hub, and prints what comes out."""

from pathlib import Path

import numpy as np

import qai_hub as hub

MODEL = Path(__file__).with_name("model.onnx")
DEVICE = hub.Device("Samsung Galaxy S24")


def main() -> None:
    """Runs the example."""
    compile_job = hub.submit_compile_job(str(MODEL), DEVICE, options="--target_runtime onnx")
    target_model = compile_job.get_target_model()

    image = np.random.default_rng(0).random((1, 3, 48, 192), np.float32)
    inference_job = hub.submit_inference_job(target_model, DEVICE, {"x": [image]})
    outputs = inference_job.download_output_data()
    if outputs is None:
        raise SystemExit(inference_job.get_status().message)
    for name, (values,) in outputs.items():
        print(f"{name} = {np.round(values, 3)}")
    print(f"The jobs are at {compile_job.url} and {inference_job.url}.")


if __name__ == "__main__":
    main()
