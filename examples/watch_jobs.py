"""Watch jobs that other programs submitted, by asking for summaries, until all have ended.

    python examples/watch_jobs.py

One request tells of up to 50 jobs, whatever their number. For jobs of your own program there is
`hub.wait_all`, which knows when to ask.
"""

import time
from collections import Counter

import qai_hub as hub

SECONDS = 2


def main() -> None:
    """Prints how many jobs are in which state whenever that changes."""
    shown: dict[str, int] = {}
    while True:
        summaries = hub.get_job_summaries(limit=50)
        counts = dict(sorted(Counter(summary.status.code for summary in summaries).items()))
        if counts != shown:
            print(", ".join(f"{count} {state}" for state, count in counts.items()) or "no jobs")
            shown = counts
        if all(summary.status.finished for summary in summaries):
            break
        time.sleep(SECONDS)
    for summary in summaries:
        if summary.status.failure:
            # Summaries leave the reason out.
            reason = hub.get_job(summary.job_id).get_status().message
            print(f"{summary.job_id} {summary.name}: {reason}")


if __name__ == "__main__":
    main()
