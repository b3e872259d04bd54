"""How many jobs run at once, and that a hub keeps what it has made."""

import os
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api

from qai_hub.local import LocalHub


def most_at_once(jobs: int, limit: int | None = None) -> int:
    """Run many jobs on a hub of its own; return how many ran at once, at most."""
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(run_attempt=worker, cache=False, max_parallel_jobs=limit) as hub:
        api = Api(hub)
        model = api.upload_model()
        keys = [api.compile(model)[0] for _ in range(jobs)]
        # One more would show soon: those that may run begin at once.
        while worker.running < (limit or os.cpu_count() or 1):
            api.job(keys[0])
        worker.may_finish.set()
        for key in keys:
            api.wait(key)
        api.close()
    return worker.max_running


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_jobs_run_at_once_as_asked_for(count: int) -> None:
    assert most_at_once(count + 3, count) == count


def test_without_being_asked_one_for_each_core() -> None:
    cores = os.cpu_count() or 1
    assert most_at_once(cores + 2) == cores


@pytest.mark.parametrize("count", [0, -1])
def test_a_hub_that_would_run_nothing_cannot_be_made(count: int) -> None:
    with pytest.raises(ValueError, match="max_parallel_jobs must be 1 or more"):
        LocalHub(max_parallel_jobs=count)


def test_a_hub_gives_what_it_has_made_before_and_after_a_restart(tmp_path: Path) -> None:
    users, worker = ["ada@example.com", "bob@example.com"], FakeWorker()
    contents, notices = [], []
    ada, bob = users
    for email, cache in ((ada, True), (ada, True), (bob, True), (bob, False)):
        with LocalHub(tmp_path, users=users, run_attempt=worker, cache=cache) as hub:
            api = Api(hub, email)
            key, target = api.compile(api.upload_model(b"same"), name=email)
            assert api.wait(key)["job_state"] == "JOB_STATE_DONE"
            notices.append([each["message"] for each in api.get(f"jobs/{key}/")["notices"]])
            found = api.get(f"models/{target}/download/")["url"]
            contents.append(httpx.get(found["url"]).content)
            assert api.get(f"models/{target}/")["producer_attempt_number"] == 1
            api.close()
    assert contents == [b"made from same"] * 4
    assert [len(each) for each in notices] == [1, 2, 1, 1]
    assert notices[1][1].startswith("Served from the cache: ")
    assert len(worker.requests) == 3
