"""Compile, profile and run a text direction classifier on a device; share and fetch the results.

Draws lines of text, half of them upside down, and lets the model classify them. It uses only the
public API of `qai_hub`, so it runs unchanged against the official service and a local hub:

    python examples/quickstart.py --model ch_ppocr_mobile_v2.0_cls_mobile.onnx

Exit status 0 means that every job succeeded and every prediction was right.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import qai_hub as hub

WORDS = ("bridge", "camera", "garden", "kitchen", "market", "Monday", "railway", "station")
HEIGHT, WIDTH = 48, 192
LABELS = ("upright", "turned")


@dataclass(frozen=True)
class Sample:
    """A drawn line of text and the index of its label."""

    text: str
    label: int
    image: Image.Image

    def tensor(self) -> np.ndarray:
        """Returns the image as the model takes it: float32[1, 3, 48, 192], each value in [-1, 1].

        The aspect ratio is kept; the rest of the width is filled with 0, which is mid-grey.
        """
        width = min(WIDTH, round(self.image.width * HEIGHT / self.image.height))
        pixels = self.image.resize((width, HEIGHT), Image.Resampling.BILINEAR)
        tensor = np.zeros((1, 3, HEIGHT, WIDTH), dtype=np.float32)
        tensor[..., :width] = np.asarray(pixels, dtype=np.float32) / 127.5 - 1
        return tensor


def draw_samples(count: int, seed: int = 0) -> list[Sample]:
    """Draws `count` lines of two words in varied sizes and shades; every other one is turned."""
    rng = np.random.default_rng(seed)
    return [draw_sample(rng, label=index % 2) for index in range(count)]


def draw_sample(rng: np.random.Generator, label: int) -> Sample:
    """Draws one line of two words, turned by 180 degrees if `label` says so."""
    text = " ".join(rng.choice(WORDS, 2, replace=False))
    font = ImageFont.load_default(size=int(rng.integers(24, 48)))
    margin = int(rng.integers(4, 10))
    left, top, right, bottom = font.getbbox(text)
    size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
    image = Image.new("L", size, color=int(rng.integers(200, 256)))
    ink = int(rng.integers(0, 90))
    ImageDraw.Draw(image).text((margin - left, margin - top), text, fill=ink, font=font)
    return Sample(text, label, image.rotate(180) if label else image)


class JobFailedError(Exception):
    """A job ended without success."""


def run_jobs(
    client: hub.Client, model_file: str, device: hub.Device, samples: list[Sample]
) -> tuple[hub.CompileJob, hub.InferenceJob, hub.InferenceJob]:
    """Compiles the model for the device, then profiles it there and runs it on the samples."""
    print(f"Compiling {Path(model_file).name} for {device.name}")
    model = client.upload_model(model_file, name="text direction")
    compile_job = client.submit_compile_job(
        model,
        device=device,
        name="text direction: compile",
        input_specs={"x": (1, 3, HEIGHT, WIDTH)},
        options="--target_runtime onnx",
    )
    finish(compile_job)
    target_model = compile_job.get_target_model()

    print(f"Profiling it, and running it on {len(samples)} images")
    profile_job = client.submit_inference_job(
        target_model, device=device, name="text direction: profile"
    )
    inference_job = client.submit_inference_job(
        target_model,
        device=device,
        name="text direction: inference",
        inputs={"x": [sample.tensor() for sample in samples]},
    )
    finish(profile_job)
    finish(inference_job)
    return compile_job, profile_job, inference_job


def finish(job: hub.Job) -> None:
    """Waits for a job, and raises an error with the reason if it failed."""
    status = job.wait()
    if not status.success:
        raise JobFailedError(f"{job.name} failed: {status.message}\nSee {job.url}")


def share(job: hub.InferenceJob, email: str, colleague: hub.Client | None) -> None:
    """Shares a job; prints what the colleague sees of it and its model before and after."""
    print(f"\nSharing {job.name} with {email}")
    if colleague:
        print("  before, they find")
        show_visible(colleague, job)
    job.modify_sharing(add_emails=[email])
    print(f"  shared with {', '.join(job.get_sharing())}")
    if colleague:
        print("  now they find")
        show_visible(colleague, job)


def show_visible(client: hub.Client, job: hub.InferenceJob) -> None:
    """Prints what a client sees of a job and of the model that it ran."""
    for find, wanted in ((client.get_job, job.job_id), (client.get_model, job.model.model_id)):
        try:
            print(f"    {find(wanted)}")
        except hub.UserError as error:
            print(f"    nothing: {error}")


def show_predictions(samples: list[Sample], scores: np.ndarray) -> bool:
    """Prints predictions against the truth; returns whether all of them are right."""
    print("\nPredictions")
    print(f"  {'text':<22}{'truth':<10}{'predicted':<11}confidence")
    predicted = scores.argmax(axis=1)
    for sample, label, row in zip(samples, predicted, scores, strict=True):
        mark = "" if label == sample.label else "   WRONG"
        truth = LABELS[sample.label]
        print(f"  {sample.text:<22}{truth:<10}{LABELS[label]:<11}{row[label]:.3f}{mark}")
    right = int(sum(predicted == [sample.label for sample in samples]))
    print(f"  {right} of {len(samples)} right")
    return right == len(samples)


def show_profile(profile: dict[str, Any], layers: int = 5) -> None:
    """Prints the estimated time of one inference and the layers that take most of it."""
    total = profile["execution_summary"]["estimated_inference_time"]
    timed = [layer for layer in profile["execution_detail"] if layer.get("execution_time")]
    timed.sort(key=lambda layer: layer["execution_time"], reverse=True)
    print(f"\nOne inference: {total / 1000:.2f} ms. The slowest of {len(timed)} timed layers:")
    for layer in timed[:layers]:
        where = layer.get("compute_unit", "")
        print(f"  {layer['execution_time']:>7} µs  {where:<4} {layer['type']:<20} {layer['name']}")


def download(
    folder: Path, compile_job: hub.CompileJob, profile_job: hub.InferenceJob, job: hub.InferenceJob
) -> list[str]:
    """Downloads what the jobs made; returns the paths of the files."""
    results = [
        compile_job.download_target_model(str(folder / "target_model")),
        profile_job.download_profile(str(folder / "profile.json")),
        job.download_output_data(str(folder / "outputs.h5")),
    ]
    files = [file for file in results if file]
    for one in (compile_job, profile_job, job):
        files += one.download_job_logs(str(folder / "logs" / one.job_id))
    return files


def run(args: argparse.Namespace) -> bool:
    """Does the whole job; returns whether the predictions were right."""
    folder = Path(args.output_dir)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    samples = draw_samples(args.images)
    for index, sample in enumerate(samples):
        sample.image.save(folder / "images" / f"{index:02}_{LABELS[sample.label]}.png")

    client = hub.Client(profile=args.profile)
    jobs = run_jobs(client, args.model, hub.Device(args.device), samples)
    compile_job, profile_job, inference_job = jobs
    if args.share_with:
        colleague = hub.Client(profile=args.colleague_profile) if args.colleague_profile else None
        share(inference_job, args.share_with, colleague)
    files = download(folder, compile_job, profile_job, inference_job)
    outputs, profile = inference_job.download_output_data(), profile_job.download_profile()
    if not outputs or not profile:
        raise JobFailedError("The jobs succeeded, but left no results.")

    (scores,) = outputs.values()
    all_right = show_predictions(samples, np.concatenate(scores))
    show_profile(profile)
    print("\nFiles", *files, folder / "images", sep="\n  ")
    print("\nJobs", *(f"{job.name:<28}{job.url}" for job in jobs), sep="\n  ")
    return all_right


def main() -> int:
    """Runs the example from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True, help="PP-OCR's text direction model, as .onnx")
    parser.add_argument("--images", type=int, default=12, help="how many to draw (%(default)s)")
    parser.add_argument("--device", default="Samsung Galaxy S24", help="its name (%(default)s)")
    parser.add_argument("--profile", metavar="NAME", help="configuration profile to use")
    parser.add_argument(
        "--share-with", metavar="EMAIL", help="whom to share the inference job with"
    )
    parser.add_argument(
        "--colleague-profile", metavar="NAME", help="their profile: shows what they can see"
    )
    parser.add_argument("--output-dir", default="quickstart-results", help="(%(default)s)")
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
