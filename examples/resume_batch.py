"""Submit a batch of 20 jobs that may be interrupted: run it again, and nothing is done twice.

    python examples/resume_batch.py

Each job has a name that says what it computes, so that the next run finds those that were
submitted, even one whose response never arrived, and submits those that are missing or failed.
Outputs that were downloaded stay in the folder `batch`.
"""

from pathlib import Path

import numpy as np

import qai_hub as hub

BATCH = "brightness-1"
COUNT = 20
DEVICE = hub.Device("Samsung Galaxy S24")
OPTIONS = "--target_runtime onnx"


def find_jobs() -> dict[str, str]:
    """Returns the identifiers of the jobs of earlier runs by name, without those that failed."""
    return {
        summary.name: summary.job_id
        for summary in hub.iter_job_summaries()
        if summary.name.startswith(f"{BATCH}/") and not summary.status.failure
    }


def main() -> None:
    """Submits what is missing, and downloads what has not been."""
    found = find_jobs()
    compiling = f"{BATCH}/compile"
    if compiling in found:
        compile_job = hub.get_job(found[compiling], hub.JobType.COMPILE)
    else:
        compile_job = hub.submit_compile_job("model.onnx", DEVICE, compiling, options=OPTIONS)
    target_model = compile_job.get_target_model()

    names = [f"{BATCH}/{number:02}" for number in range(COUNT)]
    print(f"{sum(name in found for name in names)} of {COUNT} jobs were submitted before")
    jobs = []
    for number, name in enumerate(names):
        if name in found:
            jobs.append(hub.get_job(found[name], hub.JobType.INFERENCE))
            continue
        image = np.full((1, 3, 48, 192), number / COUNT, np.float32)
        jobs.append(
            hub.submit_inference_job(target_model, DEVICE, {"x": [image]}, name, profile=False)
        )
    for job in hub.as_completed(jobs):
        file = Path("batch", f"{job.name.rpartition('/')[2]}.h5")
        if not file.exists() and job.download_output_data(str(file)) is None:
            print(f"{job.name}: {job.get_status().message}")
    print(f"{len(list(Path('batch').glob('*.h5')))} of {COUNT} outputs are in the folder batch")


if __name__ == "__main__":
    main()
