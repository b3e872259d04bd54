"""Profile a model: print which operators take the time, and keep the whole profile as JSON.

    python examples/profile_to_json.py

Writes profile.json, in the form of the official client, for other programs. On a local hub, the
first lines say that no device was measured.
"""

import json
from collections import Counter
from pathlib import Path

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")


def main() -> None:
    """Profiles the model."""
    compile_job = hub.submit_compile_job("model.onnx", DEVICE, options="--target_runtime onnx")
    # Without inputs, a job profiles on random ones.
    job = hub.submit_inference_job(
        compile_job.get_target_model(), DEVICE, options="--max_profiler_iterations 20"
    )
    path = job.download_profile("profile.json")
    profile = job.get_profile()
    if path is None or profile is None:
        raise SystemExit(job.get_status().message)

    print(profile)
    times = Counter[str]()
    for layer in profile.layers:
        times[f"{layer.type} on {layer.compute_unit}"] += layer.execution_time or 0
    for kind, time in times.most_common():
        print(f"{time:>8} µs  {kind}")
    summary = json.loads(Path(path).read_text("utf-8"))["execution_summary"]
    print(f"{path}: {summary['estimated_inference_time']} µs for an inference")


if __name__ == "__main__":
    main()
