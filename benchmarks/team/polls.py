"""Many long polls at once, over two processes: how late each is answered."""

import asyncio
import json
import statistics
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from performance.hub_process import TOKEN

from team.cluster import Cluster, running_cluster
from team.requests import Asker, upload_model
from team.setups import Setup

_HEAD = (
    "GET /api/v1/jobs/{}/ HTTP/1.1\r\nHost: {}\r\nAuthorization: token {}\r\n"
    "Accept: application/json\r\nPrefer: wait=60\r\nConnection: close\r\n\r\n"
)


_SECONDS = 0.5


def measure_long_polls(setup: Setup, polls: int, jobs: int = 20) -> dict[str, Any]:
    """Waits for jobs by many requests, which two processes hold.

    Args:
        setup: Runs what the hub uses.
        polls: Number of requests.
        jobs: Number of jobs that they wait for.

    Returns:
        How late they were answered, in milliseconds after the end that the job tells: if the jobs
        end one after the other, and if all end at once.
    """
    return {
        "polls": polls,
        "in turns": _measure(setup, polls, jobs, slots=1),
        "at once": _measure(setup, polls, jobs, slots=jobs),
    }


def _measure(setup: Setup, polls: int, jobs: int, slots: int) -> dict[str, float]:
    with running_cluster(setup, webs=2, workers=0, slots=slots, seconds=_SECONDS) as cluster:
        urls = [web.name for web in cluster.webs]
        model = upload_model(urls[0])
        with Asker(urls) as asker:
            keys = [asker.submit(model) for _ in range(jobs)]
        late = asyncio.run(_wait(cluster, keys, polls, slots))
    late.sort()
    return {
        "median": statistics.median(late),
        "p99": late[int(len(late) * 0.99)],
        "most": late[-1],
    }


async def _wait(cluster: Cluster, keys: list[str], polls: int, slots: int) -> list[float]:
    urls = [web.name for web in cluster.webs]
    asked = [
        asyncio.create_task(_poll(urls[n % len(urls)], keys[n // 2 % len(keys)]))
        for n in range(polls)
    ]
    # All are there before the first job begins.
    await asyncio.sleep(2 + polls / 200)
    await asyncio.to_thread(cluster.add_workers, 2, slots)
    return await asyncio.gather(*asked)


async def _poll(url: str, job_id: str) -> float:
    """Returns how many milliseconds after the end of a job a request for it is answered."""
    server = urlsplit(url)
    while True:
        reader, writer = await asyncio.open_connection(server.hostname, server.port)
        writer.write(_HEAD.format(job_id, server.netloc, TOKEN).encode())
        answer = await reader.read()
        answered = time.time()
        writer.close()
        await writer.wait_closed()
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(head.decode())
        (job,) = (value for key, value in json.loads(body).items() if key.endswith("_job"))
        if job.get("completion_time"):
            ended = datetime.fromisoformat(job["completion_time"])
            return (answered - ended.timestamp()) * 1e3
