"""Waits for many jobs that ask for the list of jobs: a hub, and a proxy that notes the requests."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Literal

import pytest
from support.breaking_proxy import BreakingProxy, Rule
from support.fake_worker import FakeWorker
from support.scripted_server import Request
from support.tiny_models import affine
from support.users import COLLEAGUE, ME

import qai_hub as hub
from qai_hub.client import Client, Device, Job, Model
from qai_hub.local import LocalHub

MANY = 20
PHONE = Device("Samsung Galaxy S24")
REASON = "the options say so"
_ONE_JOB = re.compile(r"/api/v1/jobs/j[a-z0-9]+/")


@pytest.fixture(scope="module")
def worker() -> FakeWorker:
    worker = FakeWorker()
    worker.failures["--fail"] = REASON
    return worker


@pytest.fixture(scope="module")
def lh(worker: FakeWorker) -> Iterator[LocalHub]:
    with LocalHub(users=[ME, COLLEAGUE], run_attempt=worker, cache=False) as running:
        yield running
        worker.may_finish.set()


@pytest.fixture(scope="module")
def model(lh: LocalHub) -> Model:
    return lh.client(ME).upload_model(affine(batch="n"))


@contextmanager
def proxied(
    lh: LocalHub, email: str = ME, *, drop: Rule = lambda _: False, wire: Any = "json"
) -> Iterator[tuple[Client, BreakingProxy]]:
    """Runs a proxy in front of a hub; yields a client that goes through it."""
    config = lh.client(email).config
    port = int(config.api_url.rpartition(":")[2])
    with (
        BreakingProxy(port, drop_request=drop) as proxy,
        closing(Client(replace(config, api_url=proxy.url, wire=wire))) as client,
    ):
        yield client, proxy


def submit(client: Client, model: Model, count: int = MANY) -> list[Job]:
    """Submits jobs, of which every third fails."""
    options = ("--fail", "--target_runtime onnx", "")
    return [
        client.submit_compile_job(model, PHONE, f"{n}", {"x": (1, 4)}, options[n % 3])
        for n in range(count)
    ]


def check(jobs: list[Job], statuses: list[hub.JobStatus]) -> None:
    for number, (job, status) in enumerate(zip(jobs, statuses, strict=True)):
        fails = number % 3 == 0
        assert status.code == ("FAILED" if fails else "SUCCESS")
        assert status.message == (REASON if fails else "")
        assert vars(job)["completed_at"] is not None
        assert (vars(job)["failure_type"] is None) is not fails


def single(requests: list[Request]) -> list[str]:
    return [request.path for request in requests if _ONE_JOB.fullmatch(request.path)]


def wait_async(jobs: list[Job]) -> list[hub.JobStatus]:
    return asyncio.run(hub.aio.wait_all(jobs, 60))


def wait_one_by_one(jobs: list[Job]) -> list[hub.JobStatus]:
    statuses = {job: job._last_status for job in hub.as_completed(jobs, 60)}
    assert len(statuses) == len(jobs)
    found = [statuses[job] for job in jobs]
    assert all(found)
    return [status for status in found if status]


@pytest.mark.parametrize("wire", ["json", "protobuf"])
@pytest.mark.parametrize("wait", [lambda jobs: hub.wait_all(jobs, 60), wait_async, wait_one_by_one])
def test_jobs_that_end_meanwhile(
    lh: LocalHub,
    worker: FakeWorker,
    model: Model,
    wire: Literal["json", "protobuf"],
    wait: Callable[[list[Job]], list[hub.JobStatus]],
) -> None:
    worker.may_finish.clear()
    with proxied(lh, wire=wire) as (client, proxy):
        jobs = submit(client, model)
        proxy.requests.clear()
        threading.Timer(0.5, worker.may_finish.set).start()
        check(jobs, wait(jobs))
        lists = [request for request in proxy.requests if "/job_summaries/" in request.path]
        assert lists
        assert len(set(single(proxy.requests))) < MANY


def test_a_job_is_handed_out_while_others_run(
    lh: LocalHub, worker: FakeWorker, model: Model
) -> None:
    worker.may_finish.clear()
    with proxied(lh) as (client, _):
        jobs = submit(client, model)
        lh.client(ME).cancel_job(jobs[3].job_id)
        handed_out = hub.as_completed(jobs, 60)
        assert next(handed_out) is jobs[3]
        assert all(vars(job).get("completed_at") is None for job in jobs if job is not jobs[3])
        worker.may_finish.set()
        assert set(handed_out) == set(jobs) - {jobs[3]}


def test_jobs_that_have_ended(lh: LocalHub, model: Model) -> None:
    with proxied(lh) as (client, proxy):
        jobs = submit(client, model)
        hub.wait_all(jobs)
        proxy.requests.clear()
        check(jobs, hub.wait_all(jobs, 0))
        assert len(single(proxy.requests)) < MANY


@pytest.mark.parametrize(
    "route", ["GET /api/v1/job_summaries/", "GET /api/v1/jobs/"], ids=["summaries", "jobs"]
)
def test_a_list_that_cannot_be_had(lh: LocalHub, model: Model, route: str) -> None:
    with proxied(lh, drop=lambda request: request.route == route) as (client, proxy):
        jobs = submit(client, model)
        check(jobs, hub.wait_all(jobs, 60))
        assert len(set(single(proxy.requests))) == MANY


def test_jobs_of_two_people(lh: LocalHub, model: Model) -> None:
    """Each is asked for with its owner's token: nobody sees the jobs of the other."""
    other = lh.client(COLLEAGUE).upload_model(affine(batch="n"))
    with proxied(lh) as (mine, _), proxied(lh, COLLEAGUE) as (theirs, proxy):
        jobs = submit(mine, model, 15) + submit(theirs, other, 15)
        proxy.requests.clear()
        check(jobs, hub.wait_all(jobs, 60))
        asked = set(single(proxy.requests))
        assert asked.isdisjoint(f"/api/v1/jobs/{job.job_id}/" for job in jobs[:15])


def test_what_runs_is_shown_as_the_list_tells(
    lh: LocalHub, worker: FakeWorker, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.may_finish.clear()
    with proxied(lh) as (client, _):
        jobs = submit(client, model)
        for job in jobs:
            job.verbose = True
        threading.Timer(1.0, worker.may_finish.set).start()
        hub.wait_all(jobs, 60)
    shown = capsys.readouterr().err
    assert "OPTIMIZING_MODEL" in shown
    assert f"{MANY} of {MANY} jobs ended" in shown


def test_the_timeout_names_the_states_that_the_list_tells(
    lh: LocalHub, worker: FakeWorker, model: Model
) -> None:
    worker.may_finish.clear()
    with proxied(lh) as (client, proxy):
        jobs = submit(client, model)
        proxy.requests.clear()
        with pytest.raises(TimeoutError, match=rf"{MANY} of {MANY} jobs .*\((CREATED|OPTIMIZING)"):
            hub.wait_all(jobs, 0.5)
        assert len(single(proxy.requests)) < MANY
    worker.may_finish.set()
