"""Rates: submissions, claims, and jobs by the number of workers; and what a job takes."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from team.cluster import Cluster, running_cluster
from team.requests import Asker, upload_model
from team.setups import Setup
from team.usage import Usage, measure_memory

_ENDED = "SELECT count(*) FROM jobs WHERE state = 'JOB_STATE_DONE'"
_STARTED = "SELECT count(*) FROM jobs WHERE started IS NOT NULL"
# As if all jobs waited for a model, while workers start.
_HOLD = "UPDATE jobs SET ready = false"
_RELEASE = "UPDATE jobs SET ready = true; SELECT pg_notify('qai_hub', '[\"queued\"]')"
_SUBMITTERS = 8
# The statistics of a session are told when it ends, or after a while, in seconds.
_STATISTICS = 1.5


def measure_submissions(setup: Setup, seconds: float, webs: int) -> dict[str, Any]:
    """Returns the submissions that are acknowledged in a second, and what each takes.

    Args:
        setup: Runs what the hub uses.
        seconds: For how long to submit.
        webs: Number of processes that answer.
    """
    with running_cluster(setup, webs=webs, workers=0, slots=0, seconds=0) as cluster:
        model = upload_model(cluster.webs[0].name)
        time.sleep(_STATISTICS)
        before, began = Usage.of(cluster), time.monotonic()
        count = _submit(cluster, model, lambda _: time.monotonic() < began + seconds)
        spent = time.monotonic() - began
        time.sleep(_STATISTICS)
        return {"a second": count / spent, **Usage.of(cluster).per_job(before, count)}


def measure_claims(setup: Setup, jobs: int, workers: int) -> float:
    """Returns the jobs that workers start in a second, none of which ends meanwhile.

    Args:
        setup: Runs what the hub uses.
        jobs: Number of jobs.
        workers: Number of processes that run them, with slots for all.
    """
    with running_cluster(setup, webs=1, workers=0, slots=0, seconds=60) as cluster:
        count = _submit_some(cluster, jobs)
        cluster.execute(_HOLD)
        cluster.add_workers(workers, jobs)
        return count / _time_until(cluster, _STARTED, count)


def measure_throughput(
    setup: Setup, jobs: int, workers: int, *, seconds: float, slots: int
) -> dict[str, Any]:
    """Runs jobs that wait in the queue already.

    Args:
        setup: Runs what the hub uses.
        jobs: Number of jobs.
        workers: Number of processes that run them.
        seconds: How long a job does nothing.
        slots: Jobs that each process runs at once.

    Returns:
        Jobs in a second, what would be ideal, what each takes, and the memory of the processes.
    """
    with running_cluster(setup, webs=1, workers=0, slots=0, seconds=seconds) as cluster:
        count = _submit_some(cluster, jobs)
        cluster.execute(_HOLD)
        cluster.add_workers(workers, slots)
        time.sleep(_STATISTICS)
        before = Usage.of(cluster)
        spent = _time_until(cluster, _ENDED, count)
        time.sleep(_STATISTICS)
        after, memory = Usage.of(cluster), measure_memory(cluster)
    return {
        "workers": workers,
        "jobs a second": count / spent,
        "ideal": workers * slots / seconds if seconds else None,
        **after.per_job(before, count),
        "memory, MiB": memory,
    }


def _submit_some(cluster: Cluster, jobs: int) -> int:
    """Submits jobs; returns how many, a multiple of the number of submitters."""
    model = upload_model(cluster.webs[0].name)
    return _submit(cluster, model, lambda count: count < max(1, jobs // _SUBMITTERS))


def _submit(cluster: Cluster, model: str, go_on: Callable[[int], bool]) -> int:
    """Submits jobs by some threads, each until it is told to stop; returns how many."""
    urls = [web.name for web in cluster.webs]

    def submit(number: int) -> int:
        count = 0
        with Asker(urls, first=number) as asker:
            while go_on(count):
                asker.submit(model)
                count += 1
        return count

    with ThreadPoolExecutor(_SUBMITTERS) as pool:
        return sum(pool.map(submit, range(_SUBMITTERS)))


def _time_until(cluster: Cluster, count: str, jobs: int) -> float:
    """Lets jobs start that were held; returns the seconds until so many are counted."""
    began = time.monotonic()
    cluster.execute(_RELEASE)
    while cluster.query(count) < jobs:
        time.sleep(0.05)
    return time.monotonic() - began
