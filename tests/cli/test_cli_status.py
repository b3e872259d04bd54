"""The commands `qai-hub whoami` and `qai-hub status`."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fake_worker import FakeWorker
from support.routed_hub import RoutedHub, Routes
from support.scripted_server import Reply, json_reply
from support.tiny_models import affine

from qai_hub import __version__
from qai_hub.cli.main import main
from qai_hub.config import ClientConfig, save_config
from qai_hub.local import LocalHub

ADA = "ada@example.com"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def lh() -> Iterator[LocalHub]:
    with LocalHub(users=[ADA], validate_responses=True) as running:
        yield running


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


def test_whoami_shows_the_user_of_the_token(run: Run, lh: LocalHub) -> None:
    save_config(lh.config(ADA))
    assert run("whoami", "-q") == (0, f"{ADA}\n", "")
    shown = json.loads(run("whoami", "--format", "json")[1])
    assert shown == {"email": ADA, "name": "", "server": lh.url}
    save_config(ClientConfig("of-nobody", lh.url, lh.url))
    status, out, errors = run("whoami")
    assert (status, out, errors.count("\n")) == (1, "", 1)
    assert "of-nobody" not in errors


def test_status_counts_the_jobs_under_way(run: Run, lh: LocalHub) -> None:
    save_config(lh.config(ADA))
    status, out, errors = run("status", "--format", "json")
    assert (status, errors) == (0, "")
    assert json.loads(out) == {
        "server": lh.url,
        "reachable": True,
        "health": "ok",
        "version": f"local {__version__}",
        "user": ADA,
        "jobs_under_way": 0,
        "jobs_by_state": {},
    }


def test_jobs_are_counted_by_state(run: Run) -> None:
    def summary(number: int, state: str) -> dict[str, object]:
        told = {"job_id": f"j{number}abcdef", "job_state": state, "name": "n", "user": user}
        return {"compile_job_summary": told | {"creation_time": "2026-01-01T00:00:00Z"}}

    user = {"id": 1, "first_name": "", "last_name": "", "email": ADA, "org_id": 1}
    states = ["JOB_STATE_QUEUED", "JOB_STATE_QUEUED", "JOB_STATE_RUNNING_INFERENCE"]
    summaries = [summary(number, state) for number, state in enumerate(states)]
    routes: Routes = {
        "GET /healthz": json_reply({"status": "ok"}),
        "GET /api/v1/users/auth/user/": json_reply(user),
        "GET /api/v1/job_summaries/": json_reply(
            {"job_summaries": summaries, "total_query_count": 3}
        ),
    }
    with RoutedHub(routes) as hub:
        save_config(ClientConfig("a-token", hub.url, hub.url))
        status, out, errors = run("status", "--format", "json")
    assert (status, errors) == (0, "")
    shown = json.loads(out)
    assert shown["jobs_under_way"] == 3
    assert sorted(shown["jobs_by_state"].values()) == [1, 2]


@pytest.mark.parametrize(("token", "expected"), [(None, 0), ("of-nobody", 1)])
def test_the_health_needs_no_token(
    run: Run, lh: LocalHub, monkeypatch: pytest.MonkeyPatch, token: str | None, expected: int
) -> None:
    monkeypatch.setenv("QAI_HUB_API_URL", lh.url)
    if token:
        monkeypatch.setenv("QAI_HUB_API_TOKEN", token)
    status, out, errors = run("status", "--format", "json")
    shown = json.loads(out)
    assert (status, shown["health"], shown["jobs_under_way"]) == (expected, "ok", None)
    assert errors.startswith("qai-hub: Your jobs are not known: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("reply", "reachable", "told"),
    [
        (None, False, "Could not connect"),
        (Reply(503), True, "is unavailable right now"),
        (Reply(200, b"<html>Log in to this network"), True, "unexpected body"),
    ],
)
def test_a_server_that_does_not_work_is_status_1(
    run: Run, reply: Reply | None, reachable: bool, told: str
) -> None:
    with RoutedHub({"GET /healthz": reply} if reply else {}) as hub:
        save_config(ClientConfig("s3cr3t", hub.url, hub.url))
        if reply:
            status, out, errors = run("status", "--format", "json")
    if reply is None:
        status, out, errors = run("status", "--format", "json")
    assert (status, json.loads(out)["reachable"]) == (1, reachable)
    assert told in errors
    assert errors.count("\n") == 1


def test_nothing_configured_is_told_with_what_to_do(run: Run) -> None:
    status, out, errors = run("status")
    assert (status, out) == (1, "")
    assert "Run `qai-hub configure" in errors


def test_queued_jobs_are_under_way(run: Run) -> None:
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(users=[ADA], max_parallel_jobs=1, run_attempt=worker) as hub:
        save_config(hub.config(ADA))
        client = hub.client(ADA)
        model, (device, *_) = client.upload_model(affine()), client.get_devices()
        jobs = [client.submit_compile_job(model, device) for _ in range(3)]
        while not worker.running:
            time.sleep(0.01)
        listed = json.loads(run("job", "list", "--state", "running", "--json", "-n", "5")[1])
        counted = json.loads(run("status", "--json")[1])["jobs_under_way"]
        worker.may_finish.set()
        assert all(job.wait(20).success for job in jobs)
        assert json.loads(run("job", "list", "--state", "running", "--json")[1]) == []

    assert {each["id"] for each in listed} == {job.job_id for job in jobs}
    assert counted == len(jobs)
