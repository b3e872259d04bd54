"""What watches a hub asks it: whether it lives, whether it is ready, and its metrics."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update
from support.fake_worker import FakeWorker
from support.hub_http import Api, problem
from support.polling import wait_until

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.store.schema import settings
from qai_hub.local.store.sqlite import open_folder

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A hub with metrics."""
    folder = tmp_path_factory.mktemp("measured") / "data"
    worker = FakeWorker()
    worker.failures["--fail"] = "on purpose"
    config = HubConfig(
        data_dir=folder, metrics=True, cache=False, users=(("ada@example.com", None),)
    )
    with LocalHub.from_config(config, run_attempt=worker) as hub:
        api = Api(hub)
        yield api
        api.close()


def scrape(api: Api) -> Samples:
    response = api.http.get(str(api.http.base_url.join("/metrics")))
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


def test_a_hub_that_runs_is_alive_and_ready(hub: LocalHub) -> None:
    alive = httpx.get(f"{hub.url}/livez")
    assert (alive.status_code, alive.text) == (200, "ok\n")
    ready = httpx.get(f"{hub.url}/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "checks": {"database": "ok", "schema": "ok", "files": "ok"},
        "warnings": [],
    }
    assert ready.headers["Cache-Control"] == "no-store"
    assert "GET" in problem(httpx.post(f"{hub.url}/readyz"), 405)


def test_metrics_are_off_unless_they_are_asked_for(hub: LocalHub) -> None:
    problem(httpx.get(f"{hub.url}/metrics"), 404)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[LocalHub]:
    with LocalHub(tmp_path / "data", run_attempt=FakeWorker()) as running:
        yield running


def not_ready(hub: LocalHub) -> dict[str, str]:
    response = httpx.get(f"{hub.url}/readyz")
    assert response.status_code == 503
    body = response.json()
    assert body["status"] == "not ready"
    assert httpx.get(f"{hub.url}/livez").status_code == 200
    checks: dict[str, str] = body["checks"]
    return checks


@pytest.mark.shared_folder
def test_a_hub_whose_files_cannot_be_written_is_not_ready(alone: LocalHub, tmp_path: Path) -> None:
    files = tmp_path / "data" / "files"
    files.rename(tmp_path / "away")
    assert not_ready(alone)["files"] == "cannot be written: No such file or directory"
    (tmp_path / "away").rename(files)
    assert httpx.get(f"{alone.url}/readyz").status_code == 200
    assert list(files.iterdir()) == []


@pytest.mark.small_hub("it changes the database in the folder")
def test_a_hub_whose_database_a_newer_release_has_upgraded_is_not_ready(
    alone: LocalHub, tmp_path: Path
) -> None:
    with open_folder(tmp_path / "data") as db:
        newer = update(settings).where(settings.c.name == "schema_version").values(value="999")
        db.execute(newer)
    checks = not_ready(alone)
    assert "newer release" in checks["schema"]
    assert checks["database"] == "ok"


@pytest.mark.small_hub("each process counts what it has done itself")
def test_requests_and_jobs_are_counted(measured: Api) -> None:
    before = scrape(measured)
    model = measured.upload_model()
    done, _ = measured.compile(model)
    failed, _ = measured.compile(model, options="--fail")
    for key in (done, failed):
        measured.wait(key)
    measured.http.get("jobs/jnothere1/")
    problem(measured.http.get("/nothing"), 404)
    compiled = {"kind": "compile", "outcome": "succeeded", "failure": ""}
    wait_until(lambda: value(scrape(measured), "qai_hub_jobs_ended_total", **compiled) == 1)
    after = scrape(measured)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert (
        grown("qai_hub_requests_total", operation="createJob", status="200")
        + grown("qai_hub_requests_total", operation="createJob", status="201")
        == 2
    )
    assert grown("qai_hub_requests_total", operation="getJob", status="404") == 1
    assert grown("qai_hub_requests_total", operation="other", status="404") == 1
    assert grown("qai_hub_request_seconds_count", operation="createJob") == 2
    failure = {"kind": "compile", "outcome": "failed"}
    ended = [
        labels
        for (name, labels), number in after.items()
        if name == "qai_hub_jobs_ended_total" and number and failure.items() <= dict(labels).items()
    ]
    assert len(ended) == 1
    assert re.fullmatch("[a-z_]+", dict(ended[0])["failure"])
    assert grown("qai_hub_job_queued_seconds_count", kind="compile") == 2
    assert grown("qai_hub_job_running_seconds_count", kind="compile") == 2
    assert 0 <= grown("qai_hub_job_running_seconds_sum", kind="compile") < 60
    assert value(after, "qai_hub_connections") >= 1
    assert ("qai_hub_waits", ()) in after
    assert value(after, "qai_hub_database_up") == 1


def test_metrics_tell_nothing_of_users_and_objects(measured: Api) -> None:
    key, _ = measured.compile(measured.upload_model(name="secretname"))
    measured.wait(key)
    shown = measured.http.get(str(measured.http.base_url.join("/metrics"))).text
    assert "qai_hub_requests_total" in shown
    for secret in ("ada@", "secretname", key):
        assert secret not in shown


@pytest.mark.small_hub("it changes the database in the folder")
def test_errors_of_the_database_are_counted(tmp_path: Path) -> None:
    config = HubConfig(data_dir=tmp_path / "data", metrics=True)
    with LocalHub.from_config(config, run_attempt=FakeWorker()) as hub:
        api = Api(hub)
        assert value(scrape(api), "qai_hub_database_errors_total") == 0
        with open_folder(tmp_path / "data") as db:
            db.execute(text("ALTER TABLE jobs RENAME TO elsewhere"))
        problem(api.http.get("jobs/jabc12345/"), 500)
        assert value(scrape(api), "qai_hub_database_errors_total") >= 1
        wait_until(lambda: value(scrape(api), "qai_hub_database_up") == 0)
        api.close()


def test_metrics_without_their_library_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qai_hub.local.server.operations.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'qai-hub-openapi\[metrics\]'"):
        LocalHub.from_config(HubConfig(metrics=True)).start()
