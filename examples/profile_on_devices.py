"""Compile and profile a model on several devices at once, and compare the times.

    python examples/profile_on_devices.py

All jobs are submitted before any has ended: a profile job waits for its compile job by itself.
On a local hub the times are those of its machine, the same for all devices.
"""

import qai_hub as hub

DEVICES = [hub.Device(f"Samsung Galaxy {name}") for name in ("S23", "S24", "S25")]
COMPILE_OPTIONS = "--target_runtime onnx"
# More repetitions make the shortest time more certain.
PROFILE_OPTIONS = "--max_profiler_iterations 20 --compute_unit all"


def main() -> None:
    """Submits the jobs, and prints a line for each device when its job ends."""
    model = hub.upload_model("model.onnx")
    jobs = []
    for device in DEVICES:
        compile_job = hub.submit_compile_job(model, device, options=COMPILE_OPTIONS)
        target_model = compile_job.get_target_model()
        jobs.append(hub.submit_inference_job(target_model, device, options=PROFILE_OPTIONS))
    print(f"{'device':<22}{'inference':>12}{'memory':>12}  layers on")
    for job in hub.as_completed(jobs, timeout=3600):
        profile = job.get_profile()
        if profile is None:
            print(f"{job.device.name:<22}{job.get_status().message}")
            continue
        units = ", ".join(f"{unit} {use.layers}" for unit, use in profile.compute_units.items())
        time, memory = profile.inference.time or 0, profile.inference.peak_memory or 0
        print(f"{job.device.name:<22}{time / 1e3:>9.3f} ms{memory / 1e6:>9.1f} MB  {units}")


if __name__ == "__main__":
    main()
