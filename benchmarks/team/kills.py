"""Thousands of jobs while processes are killed: none is lost, none runs to two ends."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from team.cluster import Cluster, running_cluster
from team.requests import Asker, upload_model

_SUBMITTERS = 4
_LEASE = 3.0


def survive_kills(jobs: int, kills: int, *, seed: int = 1) -> dict[str, Any]:
    """Submits jobs to two processes, and runs them in two others, while all of these are killed.

    Args:
        jobs: Number of jobs.
        kills: Number of kills, spread over the time that the jobs take.
        seed: Of the choice of who is killed when.

    Returns:
        What was counted.
    """
    with running_cluster(webs=2, workers=2, slots=4, seconds=0.02, lease=_LEASE) as cluster:
        model = upload_model(cluster.webs[0].name)
        submitted: list[str] = []
        rng = random.Random(seed)  # noqa: S311 - no secret
        killer = _Killer(cluster, kills, rng, lambda: len(submitted) / jobs)
        began = time.monotonic()
        killer.start()
        retries = _submit_all(cluster, model, jobs, submitted)
        _wait_for_all(cluster)
        spent = time.monotonic() - began
        killer.join()
        return {"seconds": spent, "retries": retries, "kills": killer.count} | _count(
            cluster, submitted
        )


def _submit_all(cluster: Cluster, model: str, jobs: int, submitted: list[str]) -> int:
    urls = [web.name for web in cluster.webs]

    def submit(number: int) -> int:
        with Asker(urls, first=number) as asker:
            for _ in range(number, jobs, _SUBMITTERS):
                key = asker.submit(model)
                submitted.append(key)
            return asker.retries

    with ThreadPoolExecutor(_SUBMITTERS) as pool:
        return sum(pool.map(submit, range(_SUBMITTERS)))


def _wait_for_all(cluster: Cluster) -> None:
    unfinished = (
        "SELECT count(*) FROM jobs WHERE state NOT IN ('JOB_STATE_DONE', 'JOB_STATE_FAILED')"
    )
    while cluster.query(unfinished):
        time.sleep(0.5)


class _Killer(threading.Thread):
    """Kills one process after the other, and starts it again.

    Args:
        cluster: The processes.
        kills: How many to kill.
        rng: Chooses who is killed, and when.
        progress: Returns the fraction of the jobs that are submitted.
    """

    def __init__(
        self, cluster: Cluster, kills: int, rng: random.Random, progress: Callable[[], float]
    ) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self._kills = kills
        self._rng = rng
        self._progress = progress
        self.count = 0

    def run(self) -> None:
        while self.count < self._kills:
            member = self._rng.choice(self._cluster.members)
            member.kill()
            self.count += 1
            member.start()
            member.await_start()
            # Spread over the submissions, as far as there is time for that.
            while self._progress() < self.count / self._kills and self._progress() < 1:
                time.sleep(self._rng.uniform(0.01, 0.1))
            time.sleep(self._rng.uniform(0.0, 0.2))


def _count(cluster: Cluster, submitted: list[str]) -> dict[str, Any]:
    """Counts in the database what must be none, and what is of interest."""
    query = cluster.query
    known = query("SELECT count(*) FROM jobs")
    per_state = {
        state: query(f"SELECT count(*) FROM jobs WHERE state = '{state}'")  # noqa: S608
        for state in ("JOB_STATE_DONE", "JOB_STATE_FAILED")
    }
    return {
        "submitted": len(submitted),
        "acknowledged twice": len(submitted) - len(set(submitted)),
        "lost": len(set(submitted)) - query(_KNOWN.format(list(submitted))),
        "duplicates": known - len(set(submitted)),
        "done": per_state["JOB_STATE_DONE"],
        "failed": per_state["JOB_STATE_FAILED"],
        "done without a file": query(_WITHOUT_FILE),
        "published twice": query(_SHARED_FILES),
        "attempts beyond the first": query("SELECT sum(attempt - 1) FROM jobs"),
        "attempts lost": query("SELECT sum(losses) FROM jobs"),
        "counted wrongly": query(_WRONG_COUNTS),
    }


_KNOWN = "SELECT count(*) FROM jobs WHERE id = ANY(ARRAY{})"
_WITHOUT_FILE = """
    SELECT count(*) FROM jobs JOIN uses ON uses.job_id = jobs.id AND uses.role = 'target'
    JOIN models ON models.id = uses.object_id
    WHERE jobs.state = 'JOB_STATE_DONE'
    AND (models.file_id IS NULL OR models.producer_attempt <> jobs.attempt)
"""
_SHARED_FILES = """
    SELECT count(*) FROM (
        SELECT file_id FROM models WHERE producer_id IS NOT NULL AND file_id IS NOT NULL
        GROUP BY file_id HAVING count(*) > 1
    ) AS shared
"""
_WRONG_COUNTS = """
    SELECT abs(coalesce((SELECT sum(number) FROM ended_jobs), 0) - (
        SELECT count(*) FROM jobs WHERE state IN ('JOB_STATE_DONE', 'JOB_STATE_FAILED')))
"""
