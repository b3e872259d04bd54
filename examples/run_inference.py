"""Run a model on your data on a device, and compare what comes out with this machine.

    python examples/run_inference.py

The images are uploaded once, as a dataset that any number of jobs may use for 30 days; a job also
takes the dictionary itself, or a file. Needs onnxruntime, for the comparison.
"""

import numpy as np
import onnxruntime

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")


def main() -> None:
    """Runs model.onnx (see make_model.py) there and here, and prints how much differs."""
    rng = np.random.default_rng(0)
    # A list of samples for each input; each sample in the shape that the model takes.
    images = [rng.random((1, 3, 48, 192), np.float32) for _ in range(4)]
    dataset = hub.upload_dataset({"x": images}, name="four images")
    print(f"Uploaded {dataset.dataset_id}, which expires on {dataset.expiration_time:%d %B}")

    compile_job = hub.submit_compile_job("model.onnx", DEVICE, options="--target_runtime onnx")
    job = hub.submit_inference_job(compile_job.get_target_model(), DEVICE, inputs=dataset)
    outputs = job.download_output_data()
    if outputs is None:
        raise SystemExit(job.get_status().message)

    here = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    for image, scores in zip(images, outputs["y"], strict=True):
        expected = np.asarray(here.run(["y"], {"x": image})[0])
        error = np.abs(scores - expected).max()
        print(f"class {scores.argmax()} there, {expected.argmax()} here, differ by {error:.1g}")

    # To keep the outputs, or to use them as inputs of another job:
    print(job.download_output_data("outputs.h5"), job.get_output_dataset())


if __name__ == "__main__":
    main()
