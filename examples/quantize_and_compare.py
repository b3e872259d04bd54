"""Quantize a model in each way, compile the results, and compare accuracy and size.

    python examples/quantize_and_compare.py

w8a16 means weights of 8 bits and activations of 16. The samples for calibration are noise here:
take a hundred of what your model will run on. The official service measures no PSNR.
"""

from pathlib import Path

import numpy as np

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
INT4, INT8, INT16 = hub.QuantizeDtype.INT4, hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT16
SCHEMES = {"w8a8": (INT8, INT8), "w8a16": (INT8, INT16), "w4a16": (INT4, INT16)}


def main() -> None:
    """Quantizes and compiles, and prints a line for each scheme."""
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=(1, 3, 48, 192)).astype(np.float32) for _ in range(8)]
    model, data = hub.upload_model("model.onnx"), hub.upload_dataset({"x": samples})
    quantize_jobs = {
        scheme: hub.submit_quantize_job(model, data, weights, activations, name=scheme)
        for scheme, (weights, activations) in SCHEMES.items()
    }
    compile_jobs = {
        scheme: hub.submit_compile_job(
            job.get_target_model(), DEVICE, name=scheme, options="--target_runtime onnx"
        )
        for scheme, job in quantize_jobs.items()
    }
    print(f"{'':<8}{'size':>10}   PSNR of each output")
    for scheme, job in compile_jobs.items():
        path = job.download_target_model(f"quantized/{scheme}")
        if path is None:
            raise SystemExit(f"{scheme}: {job.get_status().message}")
        size = Path(path).stat().st_size
        psnr = quantize_jobs[scheme].get_psnr() or {}
        decibels = ", ".join(f"{name}: {value:.1f} dB" for name, value in psnr.items())
        print(f"{scheme:<8}{size / 1000:>7.1f} kB   {decibels or 'not measured'}")


if __name__ == "__main__":
    main()
