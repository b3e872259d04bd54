"""Rates: submissions, claims, and jobs by the number of workers."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from team.cluster import Cluster, running_cluster
from team.requests import Asker, upload_model

_ENDED = "SELECT count(*) FROM jobs WHERE state = 'JOB_STATE_DONE'"
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
_SUBMITTERS = 8


def measure_submissions(seconds: float, webs: int) -> float:
    """Returns the submissions that are acknowledged in a second, by some processes."""
    with running_cluster(webs=webs, workers=0, slots=0, seconds=0) as cluster:
        model = upload_model(cluster.webs[0].name)
        urls = [web.name for web in cluster.webs]
        began = time.monotonic()

        def submit(number: int) -> int:
            count = 0
            with Asker(urls, first=number) as asker:
                while time.monotonic() < began + seconds:
                    asker.submit(model)
                    count += 1
            return count

        with ThreadPoolExecutor(_SUBMITTERS) as pool:
            return sum(pool.map(submit, range(_SUBMITTERS))) / (time.monotonic() - began)


def measure_throughput(jobs: int, workers: int, *, seconds: float, slots: int) -> dict[str, Any]:
    """Runs jobs that wait in the queue already.

    Args:
        jobs: Number of jobs.
        workers: Number of processes that run them.
        seconds: How long a job does nothing.
        slots: Jobs that each process runs at once.

    Returns:
        Jobs in a second, what would be ideal, and transactions per job.
    """
    with running_cluster(webs=1, workers=0, slots=0, seconds=seconds) as cluster:
        urls = [cluster.webs[0].name]
        model = upload_model(urls[0])

        def submit(_: int) -> None:
            with Asker(urls) as asker:
                for _ in range(jobs // _SUBMITTERS):
                    asker.submit(model)

        with ThreadPoolExecutor(_SUBMITTERS) as pool:
            list(pool.map(submit, range(_SUBMITTERS)))
        before = cluster.query(_COMMITS)
        cluster.add_workers(workers, slots)
        began = time.monotonic()
        _wait_for(cluster, jobs // _SUBMITTERS * _SUBMITTERS)
        spent = time.monotonic() - began
        # The statistics of a session are told when it ends, or after a while.
        time.sleep(1.5)
        transactions = cluster.query(_COMMITS) - before
    done = jobs // _SUBMITTERS * _SUBMITTERS
    return {
        "workers": workers,
        "jobs a second": done / spent,
        "ideal": workers * slots / seconds if seconds else None,
        "transactions a job": transactions / done,
    }


def _wait_for(cluster: Cluster, jobs: int) -> None:
    while cluster.query(_ENDED) < jobs:
        time.sleep(0.05)
