"""Waiting for many jobs, on a hub that really runs them."""

import asyncio
import threading
import time

import pytest
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, Device, Job

MANY = 12


def submit(owners: list[Client], device: Device) -> list[Job]:
    """Submits a dozen jobs, of each owner in turn; every third one fails."""
    models = [owner.upload_model(affine(batch="n")) for owner in owners]
    made: list[Job] = []
    for number in range(MANY):
        turn = number % len(owners)
        options = "--target_runtime " + ("onnx" if number % 3 else "no_such_runtime")
        specs = {"x": (1, 4)}
        job = owners[turn].submit_compile_job(models[turn], device, str(number), specs, options)
        made.append(job)
    return made


def expected(jobs: list[Job]) -> list[str]:
    return ["SUCCESS" if int(job.name) % 3 else "FAILED" for job in jobs]


def test_a_dozen_jobs_of_two_people_in_order(
    client: Client, colleague: Client, device: Device
) -> None:
    jobs = submit([client, colleague], device)
    late = jobs[::-1]
    with pytest.raises(TimeoutError, match=rf"of {MANY} jobs have not ended.*{late[0].job_id}"):
        hub.wait_all(late, 0)
    threads = threading.active_count()
    statuses = hub.wait_all(jobs, 100)
    assert [status.code for status in statuses] == expected(jobs)
    assert "no_such_runtime" in (statuses[0].message or "")
    assert all(job.completed_at is not None for job in jobs)
    assert threading.active_count() <= threads
    shuffled = [*late, *jobs[:3]]
    # They have ended: this takes no time but that of a few requests, however busy the machine is.
    assert [status.code for status in hub.wait_all(shuffled, 60)] == expected(shuffled)


def test_jobs_are_handed_out_once(client: Client, device: Device) -> None:
    jobs = submit([client], device)
    handed_out = hub.as_completed((job for job in [*jobs, *jobs]), 100)
    first = next(handed_out)
    assert first.completed_at is not None
    seen = [first, *handed_out]
    assert sorted(seen, key=jobs.index) == jobs


def test_the_same_in_an_event_loop(client: Client, device: Device) -> None:
    async def use() -> None:
        jobs = submit([client], device)
        async for job in hub.aio.as_completed(jobs, 100):
            assert job.completed_at is not None
        statuses = await hub.aio.wait_all(jobs)
        assert [status.code for status in statuses] == expected(jobs)
        assert (await jobs[1].wait_async()).success
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(use())


def test_a_job_is_waited_for_without_delay(client: Client, device: Device) -> None:
    """The server holds its answer back, so that no pause comes after the job's end."""
    job = client.submit_compile_job(affine(), device, "held", {"x": (1, 4)})
    asyncio.run(job.wait_async(60))
    ended = job.completed_at
    assert ended is not None
    assert time.time() - ended.timestamp() < 2.0
