"""Download everything that jobs made: models, outputs, profiles, logs.

    python examples/download_results.py j1abcdef2 j3ghijkl4

Without identifiers, takes the newest ten jobs that succeeded. Each gets a folder of its own in
`results`.
"""

import sys
from pathlib import Path

import qai_hub as hub


def main() -> None:
    """Downloads the results, and prints their files."""
    done = hub.JobStatus.State.SUCCESS
    newest = (summary.job_id for summary in hub.get_job_summaries(limit=10, state=done))
    for job_id in sys.argv[1:] or newest:
        job = hub.get_job(job_id)
        folder = Path("results", job_id)
        # Waits for the job; of one that failed there are the logs.
        result = job.download_results(str(folder))
        print(f"{job_id} {job.name}: {result.status.code}")
        for file in sorted(folder.iterdir()):
            print(f"  {file} {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
