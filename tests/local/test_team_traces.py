"""A trace of one job over several processes, which its parts come from."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.execution_models import endless_model
from support.otlp_collector import Collector, running_collector
from support.polling import wait_until
from support.team_processes import PASSWORD, TOKEN, WEB, Team
from support.tiny_models import affine
from support.users import ME

from qai_hub.client import Client, Device

DEVICE = Device("Samsung Galaxy S24")
TRACED = ["--traces", "--log-format", "json", "--log-level", "info"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with running_collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        # Nothing is sent before a process stops.
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        yield running


@pytest.fixture
def team(tmp_path: Path, postgresql_url: str) -> Iterator[Team]:
    made = Team(tmp_path, postgresql_url)
    yield made
    made.stop()


def submit_in_trace(client: Client, url: str, model_id: str) -> str:
    """Submit a job as a program with a trace of its own does; return its id."""
    answer = httpx.post(
        f"{url}/api/v1/jobs/",
        json={"inference_job": {"model": {"model_id": model_id}, "device": {"name": DEVICE.name}}},
        headers={"Authorization": f"token {TOKEN}", "traceparent": TRACEPARENT},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_job_that_moves_to_another_process_stays_in_its_trace(
    team: Team, collector: Collector
) -> None:
    web, first = team.start([*WEB, *TRACED], ["worker", "--slots", "1", *TRACED])
    client = team.client(web)
    model = client.upload_model(endless_model())
    job_id = submit_in_trace(client, web.url, model.model_id)
    team.wait_for_run(job_id, first.pid)
    first.send(signal.SIGTERM)
    first.wait_for_line("Starting no more jobs.")
    first.send(signal.SIGTERM)
    assert first.wait_for_end() == 0
    second = team.start_worker(*TRACED)
    team.wait_for_run(job_id, second.pid)
    client.get_job(job_id).cancel()
    wait_until(lambda: not team.nodes()[second.pid].draining)
    compiled = client.submit_compile_job(affine(), DEVICE)
    assert compiled.wait(60).success
    for process in (second, web):
        process.send(signal.SIGTERM)
        assert process.wait_for_end() == 0

    submission = collector.spans("createJob", TRACE)[0]
    attempts = collector.spans("profile attempt", TRACE)
    assert [each.attributes["qai_hub.job.attempt"] for each in attempts] == [1, 2]
    outcomes = [each.attributes["qai_hub.job.outcome"] for each in attempts]
    assert outcomes == ["requeued", "cancelled"]
    for each, process in zip(attempts, (first, second), strict=True):
        assert each.parent == submission.id
        assert each.attributes["qai_hub.job.id"] == job_id
        assert str(each.process["service.instance.id"]).endswith(f":{process.pid}")
        assert each.process["qai_hub.role"] == "worker"
    assert submission.process["qai_hub.role"] == "web"
    assert len(collector.spans("queued", TRACE)) == 1
    # The other job has a trace of its own.
    (other,) = collector.spans("compile attempt")
    assert other.trace != TRACE
    assert other.attributes["qai_hub.job.outcome"] == "succeeded"
    # What the web process logs of the request names its span.
    lines = [json.loads(line) for line in web.said if line.startswith("{")]
    logged = {line["span_id"]: line["trace_id"] for line in lines if "span_id" in line}
    assert logged[submission.id] == TRACE
    for secret in (TOKEN, PASSWORD, ME):
        assert secret.encode() not in collector.raw
