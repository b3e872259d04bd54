"""Compile the text direction classifier for a Snapdragon, simulate it, and compare with the CPU.

For a local hub with the extra `qnn`. The model becomes a context binary, once in 16-bit floats and
once quantized to 8-bit weights and 16-bit activations (w8a16), and each runs in QNN's simulation
of the chip. The results are compared with ONNX Runtime on the CPU of the hub's machine:

    python examples/snapdragon.py --model ch_ppocr_mobile_v2.0_cls_mobile.onnx

Exit status 0 means that every job succeeded and every simulated prediction matches the CPU's.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from quickstart import HEIGHT, WIDTH, JobFailedError, draw_samples, finish

import qai_hub as hub

SPECS = {"x": (1, 3, HEIGHT, WIDTH)}
CALIBRATION_SEED = 1


class Comparison:
    """Runs target models on the same images, and compares their outputs with the first one's."""

    def __init__(self, client: hub.Client, device: hub.Device, images: list[np.ndarray]) -> None:
        self._client = client
        self._device = device
        self._data = client.upload_dataset({"x": images}, "lines of text")
        self._expected: np.ndarray | None = None

    def compile(self, model: hub.Model, runtime: str) -> hub.Model:
        """Compiles a model and waits for it."""
        options = f"--target_runtime {runtime}"
        job = self._client.submit_compile_job(
            model, self._device, input_specs=SPECS, options=options
        )
        finish(job)
        return target_of(job)

    def run(self, what: str, target: hub.Model, file: Path) -> bool:
        """Runs a target model, prints a line on it, and returns whether the predictions agree."""
        started = time.monotonic()
        job = self._client.submit_inference_job(target, self._device, self._data, profile=False)
        finish(job)
        outputs = job.download_output_data()
        if not outputs:
            raise JobFailedError(f"{job.name} succeeded, but left no results.")
        (scores,) = (np.concatenate(values) for values in outputs.values())
        size = Path(target.download(str(file))).stat().st_size
        line = f"  {what:<34}{size / 1000:>5.0f} kB{time.monotonic() - started:>7.1f} s"
        if self._expected is None:
            self._expected = scores
            print(line, flush=True)
            return True
        same = int(np.sum(scores.argmax(axis=1) == self._expected.argmax(axis=1)))
        decibels = psnr(self._expected, scores)
        print(f"{line}{decibels:>9.1f} dB{same:>8} of {len(scores)}", flush=True)
        return same == len(scores)


def target_of(job: hub.CompileJob | hub.QuantizeJob) -> hub.Model:
    """Returns the target model of a job that has succeeded."""
    model = job.get_target_model()
    if model is None:
        raise JobFailedError(f"{job.name} succeeded, but left no model.")
    return model


def psnr(expected: np.ndarray, actual: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio of probabilities, whose peak is 1, in decibels."""
    error = float(np.mean((expected.astype(np.float64) - actual) ** 2))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def run(args: argparse.Namespace) -> bool:
    """Runs all steps; returns whether the simulated predictions match the CPU's."""
    client, device = hub.Client(profile=args.profile), hub.Device(args.device)
    folder = Path(args.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    comparison = Comparison(client, device, [one.tensor() for one in draw_samples(args.images)])
    model = client.upload_model(args.model, name="text direction")

    print(f"\nThe same model for {device.name}, in HTP simulation on this machine")
    print("  The results are the simulation's; its times say nothing about a device's.")
    print(f"  {'target':<34}{'size':>8}{'run':>9}{'PSNR':>12}{'same top-1':>14}", flush=True)
    target = comparison.compile(model, "onnx")
    comparison.run("ONNX, float32, on the CPU", target, folder / "float32")
    target = comparison.compile(model, "qnn_context_binary")
    agrees = comparison.run("context binary, float16", target, folder / "float16")

    print("  quantizing, w8a16 ...", flush=True)
    calibration = {"x": [one.tensor() for one in draw_samples(32, CALIBRATION_SEED)]}
    job = client.submit_quantize_job(
        model, calibration, hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT16
    )
    finish(job)
    target = comparison.compile(target_of(job), "qnn_context_binary")
    return comparison.run("context binary, w8a16", target, folder / "w8a16") and agrees


def main() -> int:
    """Runs the example from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True, help="PP-OCR's text direction model, as .onnx")
    parser.add_argument("--images", type=int, default=8, help="how many to draw (%(default)s)")
    parser.add_argument("--device", default="Samsung Galaxy S24", help="its name (%(default)s)")
    parser.add_argument("--profile", metavar="NAME", help="configuration profile to use")
    parser.add_argument("--output-dir", default="snapdragon-results", help="(%(default)s)")
    args = parser.parse_args()
    if args.images < 1:
        parser.error("--images must be at least 1")
    try:
        return 0 if run(args) else 1
    except (JobFailedError, OSError, hub.Error) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
