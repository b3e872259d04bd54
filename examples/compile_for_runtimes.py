"""Compile one ONNX model for every runtime, and download what comes out.

    python examples/compile_for_runtimes.py

Uploads model.onnx (see make_model.py) once, and submits all jobs before it waits for any. A
runtime that the hub cannot compile for fails its own job only, with the reason. A local hub needs
the extra `qnn` for three of them, and the engine `tflite` for the last.
"""

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
RUNTIMES = ("onnx", "precompiled_qnn_onnx", "qnn_dlc", "qnn_context_binary", "tflite")


def main() -> None:
    """Compiles the model, and prints a line for each runtime."""
    model = hub.upload_model("model.onnx")
    jobs = {
        runtime: hub.submit_compile_job(
            model, DEVICE, name=f"for {runtime}", options=f"--target_runtime {runtime}"
        )
        for runtime in RUNTIMES
    }
    for runtime, job in jobs.items():
        path = job.download_target_model(f"compiled/{runtime}")
        print(f"{runtime:<22}{path or job.get_status().message}")


if __name__ == "__main__":
    main()
