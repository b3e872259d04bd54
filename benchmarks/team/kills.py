"""Thousands of jobs while processes are killed: none is lost, none runs to two ends."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from team.cluster import Cluster, running_cluster
from team.files import RECORDED, RecordedFile, check_files
from team.requests import Asker, upload_model
from team.setups import Setup

MUST_BE_NONE = (
    "acknowledged twice",
    "lost",
    "duplicates",
    "not ended",
    "failed for another reason",
    "done without a file",
    "published twice",
    "counted wrongly",
    "files that are not there",
    "files of another size",
    "files of another content",
)
"""What must not be among what is counted."""

_SUBMITTERS = 4
_LEASE = 3.0
# How long no job may end until those that are left are given up, in seconds.
_STANDSTILL = 120.0


def survive_kills(setup: Setup, jobs: int, kills: int, *, seed: int = 1) -> dict[str, Any]:
    """Submits jobs to two processes, and runs them in two others, while all of these are killed.

    So are the servers that these use, but the database's.

    Args:
        setup: Runs these servers.
        jobs: Number of jobs.
        kills: Number of kills, spread over the time that the jobs take.
        seed: Of the choice of who is killed when.

    Returns:
        What was counted.
    """
    with running_cluster(setup, webs=2, workers=2, slots=4, seconds=0.02, lease=_LEASE) as cluster:
        model = upload_model(cluster.webs[0].name)
        size = cluster.query(_SIZE)
        submitted: list[str] = []
        rng = random.Random(seed)  # noqa: S311 - no secret
        urls = [web.name for web in cluster.webs]

        def submit(number: int) -> int:
            with Asker(urls, first=number) as asker:
                for _ in range(number, jobs, _SUBMITTERS):
                    # One by one, as others look at them meanwhile.
                    key = asker.submit(model)
                    submitted.append(key)
                return asker.retries

        began = time.monotonic()
        with ThreadPoolExecutor(_SUBMITTERS) as pool:
            submitters = [pool.submit(submit, number) for number in range(_SUBMITTERS)]
            # Servers end with the thread that starts them, which is therefore this one.
            killed = _kill(cluster, kills, rng, lambda: _progress(submitters, submitted, jobs))
            retries = sum(each.result() for each in submitters)
        not_ended = _wait_for_all(cluster)
        spent = time.monotonic() - began
        return {
            "seconds": spent,
            "retries": retries,
            "kills": dict(killed),
            "bytes a job in the database": (cluster.query(_SIZE) - size) / jobs,
            "not ended": not_ended,
            **_count(cluster, submitted),
            **check_files(
                [RecordedFile(*row) for row in cluster.query_all(RECORDED)],
                cluster.services.open_files(),
                rng,
            ),
        }


def _progress(submitters: list[Future[int]], submitted: list[str], jobs: int) -> float:
    """Returns the fraction of the jobs that are submitted; 1 if no more will be."""
    return 1.0 if all(each.done() for each in submitters) else len(submitted) / jobs


def _wait_for_all(cluster: Cluster) -> int:
    """Waits until all jobs have ended; returns how many have not in the end."""
    left, since = cluster.query(_UNFINISHED), time.monotonic()
    while left and time.monotonic() < since + _STANDSTILL:
        time.sleep(0.5)
        found = cluster.query(_UNFINISHED)
        if found != left:
            left, since = found, time.monotonic()
    return left


class _Victim(Protocol):
    """Who can be killed."""

    @property
    def role(self) -> str:
        """What it is."""

    def restart(self) -> None:
        """Kill it, and start it again."""


def _kill(
    cluster: Cluster, kills: int, rng: random.Random, progress: Callable[[], float]
) -> Counter[str]:
    """Kills one process after the other, and starts it again.

    Args:
        cluster: The processes.
        kills: How many to kill.
        rng: Chooses who is killed, and when.
        progress: Returns the fraction of the jobs that are submitted.

    Returns:
        How many were killed of each kind.
    """
    victims: list[_Victim] = []
    killed = Counter[str]()
    while killed.total() < kills:
        if not victims:
            # Each is killed as often as the others.
            victims += [*cluster.members, *cluster.services.servers]
            rng.shuffle(victims)
        victim = victims.pop()
        victim.restart()
        killed[victim.role] += 1
        # Spread over the submissions, as far as there is time for that.
        while progress() < min(1.0, killed.total() / kills):
            time.sleep(rng.uniform(0.01, 0.1))
        time.sleep(rng.uniform(0.0, 0.2))
    return killed


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
        "failed after three losses": query(_LOST_THRICE),
        "failed for another reason": per_state["JOB_STATE_FAILED"] - query(_LOST_THRICE),
        "done without a file": query(_WITHOUT_FILE),
        "published twice": query(_SHARED_FILES),
        "attempts beyond the first": query("SELECT sum(attempt - 1) FROM jobs"),
        "attempts lost": query("SELECT sum(losses) FROM jobs"),
        "counted wrongly": query(_WRONG_COUNTS),
    }


_SIZE = """
    SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_UNFINISHED = "SELECT count(*) FROM jobs WHERE state NOT IN ('JOB_STATE_DONE', 'JOB_STATE_FAILED')"
_KNOWN = "SELECT count(*) FROM jobs WHERE id = ANY(ARRAY{})"
_LOST_THRICE = "SELECT count(*) FROM jobs WHERE state = 'JOB_STATE_FAILED' AND losses >= 3"
_WITHOUT_FILE = """
    SELECT count(*) FROM jobs LEFT JOIN uses ON uses.job_id = jobs.id AND uses.role = 'target'
    LEFT JOIN models ON models.id = uses.object_id
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
