"""Traces of a hub, as a collector receives them."""

import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.otlp_collector import Collector, running_collector
from support.polling import wait_until
from support.team_processes import TeamProcess

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
CALLER = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
TRACEPARENT = f"00-{CALLER[0]}-{CALLER[1]}-01"
TRACED = HubConfig(traces=True, max_parallel_jobs=1)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as running:
        yield running


@pytest.fixture(scope="module")
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture(scope="module")
def hub(collector: Collector, worker: FakeWorker) -> Iterator[LocalHub]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(ENDPOINT, collector.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        environment.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=tests")
        with LocalHub.from_config(TRACED, run_attempt=worker) as running:
            yield running


@pytest.fixture(scope="module")
def api(hub: LocalHub) -> Iterator[Api]:
    made = Api(hub)
    yield made
    made.close()


@pytest.fixture(scope="module")
def model(api: Api) -> str:
    return api.upload_model()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def test_a_request_is_a_span_of_its_callers_trace(api: Api, collector: Collector) -> None:
    answer = api.http.get(
        "jobs/", params={"limit": 7}, headers={"traceparent": TRACEPARENT, "tracestate": "a=b"}
    )
    span = collector.wait_for("listJobs")
    assert (span.trace, span.parent, span.kind) == (*CALLER, "server")
    assert span.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/api/v1/jobs/",
        "qai_hub.request_id": answer.headers["X-Request-Id"],
        "url.scheme": "http",
    }
    assert not span.failed
    assert span.process["service.name"] == "qai-hub"
    assert span.process["deployment.environment"] == "tests"
    assert span.process["qai_hub.role"] == "web"


@pytest.mark.parametrize("sent", ["nonsense", "00-" + "f" * 600, f"ff{TRACEPARENT[2:]}"])
def test_a_caller_without_a_trace_begins_one(
    sent: str, api: Api, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(collector.spans("getUser"))
    api.http.get("users/auth/user/", headers={"traceparent": sent})
    wait_until(lambda: len(collector.spans("getUser")) > before)
    span = collector.spans("getUser")[-1]
    assert (len(span.trace), span.parent) == (32, "")
    assert span.trace not in (CALLER[0], "0" * 32)
    assert warnings(caplog) == []


def test_what_nobody_asked_for_is_told_by_its_status_alone(
    hub: LocalHub, api: Api, collector: Collector
) -> None:
    for path in ("livez", "readyz", "healthz"):
        assert httpx.get(f"{hub.url}/{path}").status_code == 200
    httpx.request("SPLIT", f"{hub.url}/nothing/s3cr3t?token=s3cr3t")
    span = collector.wait_for("other")
    assert span.attributes["http.response.status_code"] == 404
    assert span.attributes["http.request.method"] == "_OTHER"
    assert not span.failed
    assert b"s3cr3t" not in collector.raw
    assert b"livez" not in collector.raw
    assert not collector.spans("healthz")


def test_a_job_is_followed_from_its_submission_to_its_end(
    api: Api, model: str, worker: FakeWorker, collector: Collector
) -> None:
    worker.may_finish.clear()
    tools = [{"name": "ONNX Runtime", "version": "1.2"}]
    worker.extra_results["tool_versions"] = tools
    job = api.submit("compile_job", model)
    answer = api.http.get(f"jobs/{job}/", headers={"Prefer": "wait=1"})
    assert answer.headers["Preference-Applied"] == "wait=1"
    worker.may_finish.set()
    about = {"qai_hub.job.id": job, "qai_hub.job.type": "compile"}

    attempt = collector.wait_for("compile attempt")
    submission = collector.wait_for("createJob")
    assert about.items() <= submission.attributes.items()
    assert (attempt.trace, attempt.parent) == (submission.trace, submission.id)
    assert attempt.kind == "consumer"
    assert attempt.attributes == {
        **about,
        "qai_hub.job.attempt": 1,
        "qai_hub.job.losses": 0,
        "qai_hub.job.outcome": "succeeded",
        "qai_hub.job.cached": False,
        "qai_hub.job.tools": ["ONNX Runtime 1.2"],
    }
    assert collector.children(attempt) == ["prepare", "start", "run", "publish", "commit"]
    queued = collector.wait_for("queued")
    assert (queued.trace, queued.parent) == (submission.trace, submission.id)
    assert about.items() <= queued.attributes.items()
    assert queued.start <= queued.end <= attempt.end
    # What waits for a job is not taken for a slow request.
    wait = collector.wait_for("getJob wait")
    assert wait.attributes["http.route"] == "/api/v1/jobs/{job_id}/"
    assert collector.spans("getJob") == []


def test_a_job_that_fails_tells_of_what_kind_and_no_reason(
    api: Api, model: str, worker: FakeWorker, collector: Collector
) -> None:
    worker.failures["--fail"] = "a reason with s3cr3t"
    job = api.submit("inference_job", model, options="--fail")
    api.wait(job)
    failure = api.get(f"jobs/{job}/")["failure_type"]
    attempt = collector.wait_for("profile attempt")
    assert attempt.failed
    assert attempt.attributes["qai_hub.job.outcome"] == "failed"
    assert attempt.attributes["qai_hub.job.failure_type"] == failure
    assert attempt.attributes["error.type"] == failure
    assert b"s3cr3t" not in collector.raw


def test_nothing_tells_of_users_and_their_tokens(
    hub: LocalHub, api: Api, collector: Collector
) -> None:
    api.upload_model(name="a name")
    wait_until(lambda: collector.spans("finishModelUpload"))
    for secret in (hub.token(), "user@localhost", "signature", "127.0.0.1", "a name"):
        assert secret.encode() not in collector.raw, secret


def test_a_collector_that_takes_nothing_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    with running_collector() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        with LocalHub.from_config(TRACED) as hub:

            def send(status: int) -> None:
                collector.status = status
                before = len(collector.spans("other"))
                httpx.get(f"{hub.url}/")
                wait_until(lambda: len(collector.spans("other")) > before)

            for status in (401, 403, 200, 404, 401):
                send(status)
    assert warnings(caplog) == [
        "traces are dropped: their collector answers 401",
        "traces are sent again",
        "traces are dropped: their collector answers 404",
    ]


def test_a_collector_that_is_not_there_holds_nothing_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables = {
            ENDPOINT: f"http://user:s3cr3t@127.0.0.1:{silent.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "600",
            "OTEL_BSP_SCHEDULE_DELAY": "1",
        }
        process = TeamProcess(
            tmp_path, "serve", "--port", "0", "--cold-workers", "--traces", **variables
        )
        try:
            process.wait_for_line("Ctrl+C")
            assert httpx.get(f"{process.url}/sign-in/").status_code == 200
            silent.accept()[0].close()
            process.send(signal.SIGTERM)
            # OpenTelemetry itself would wait for half a minute.
            assert process.wait_for_end(25) == 0
        finally:
            process.kill()
    assert process.said[-1].startswith("Stopped.")
    assert "s3cr3t" not in "".join(process.said)
    assert not any("Traceback" in line for line in process.said)


@pytest.mark.parametrize(
    "name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"]
)
def test_another_protocol_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "grpc")
    with pytest.raises(ValueError, match=f"traces are sent by http/protobuf: {name}"):
        LocalHub.from_config(TRACED).start()


def test_a_hub_without_traces_loads_nothing_for_them() -> None:
    code = (
        "import sys; from qai_hub.local import LocalHub\n"
        "with LocalHub(): print({'opentelemetry', 'requests'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
