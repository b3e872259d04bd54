"""Profile and run a file that was compiled before, on several devices, and upload it only once.

    python examples/use_compiled_file.py compiled/onnx.onnx

The file is a target model of any runtime: .onnx, .tflite, .dlc, .bin, or the .onnx.zip of a
precompiled_qnn_onnx, such as those that compile_for_runtimes.py downloads. Run this again, and the
model that is on the hub already is used; the official service, which cannot look files up by their
content, gets it anew.
"""

import sys

import qai_hub as hub

DEVICES = [hub.Device("Samsung Galaxy S24"), hub.Device("Samsung Galaxy S24 Ultra")]


def main() -> None:
    """Uploads the file unless it is there, and profiles it on each device."""
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} FILE")
    model = hub.upload_model(sys.argv[1], name="compiled before", reuse=True)
    print(f"{model.model_id} was uploaded at {model.date:%H:%M:%S}")
    jobs = [hub.submit_inference_job(model, device) for device in DEVICES]
    for job, status in zip(jobs, hub.wait_all(jobs), strict=True):
        profile = job.get_profile()
        time = f"{profile.inference.time} µs" if profile else status.message
        print(f"{job.device.name}: {time}")


if __name__ == "__main__":
    main()
