"""What the methods that fetch results do when there is nothing to fetch, for all job types."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.profile_payloads import detail, tool
from support.routed_hub import RoutedHub, Routes
from support.scripted_server import json_reply

import qai_hub as hub
from qai_hub.client import Client, ClientConfig

JOB = "GET /api/v1/jobs/jabc12345/"
RESULT = f"{JOB}result/"
TARGET = f"{JOB}download_compiled_model/"
LOGS = f"{JOB}device_runs/latest/artifact_list/5/"

PARTICULARS: dict[str, dict[str, Any]] = {
    "compile_job": {},
    "quantize_job": {
        "weights_dtype": "QUANTIZE_DTYPE_INT8",
        "activations_dtype": "QUANTIZE_DTYPE_INT8",
    },
    "link_job": {},
    "inference_job": {"is_profiling_on": True},
    "profile_job": {"includes_compile": False},
    "train_job": {},
}
PRODUCING = ["compile_job", "quantize_job", "link_job"]
RUNNING = ["inference_job", "profile_job"]


def payload(kind: str, state: str = "JOB_STATE_FAILED", **others: Any) -> dict[str, Any]:
    details = {
        f"{kind}_id": "jabc12345",
        "user_id": 1,
        "job_state": state,
        "name": "n",
        "options": "",
        "creation_time": "2026-01-02T03:04:05Z",
        **PARTICULARS[kind],
    }
    if state == "JOB_STATE_FAILED":
        details["failure_reason"] = "the model is not one"
    return {
        kind: details,
        "notices": [],
        "failure_type": "JOB_FAILURE_TYPE_MODEL_INVALID",
        "available_artifacts": ["JOB_ARTIFACT_TYPE_HUB_LOG"],
        "hub_version": "0.99.0",
        **others,
    }


@contextmanager
def job_of(told: dict[str, Any], answers: Routes | None = None) -> Iterator[tuple[Any, RoutedHub]]:
    given: Routes = {JOB: json_reply(told), **(answers or {})}
    with RoutedHub(given) as server:
        client = Client(ClientConfig("token", server.url, "https://web.example.com"))
        yield client.get_job("jabc12345"), server
        client.close()


def arguments(method: str, folder: Path) -> list[tuple[Any, ...]]:
    """What a method can be called with."""
    path = str(folder / "new")
    if method in ("download_results", "download_job_logs"):
        return [(path,)]
    if method == "download_artifacts_for_type":
        return [(path, kind) for kind in hub.JobArtifactType]
    if method.startswith("get_"):
        return [()]
    return [(), (path,)]


def methods_of(job: hub.Job) -> list[str]:
    """The methods that fetch something of the job's outcome."""
    names = [name for name in dir(type(job)) if name.startswith(("get_", "download_"))]
    return [name for name in names if name not in ("get_status", "get_sharing")]


@pytest.mark.parametrize("kind", PARTICULARS)
def test_a_failed_job_gives_nothing_and_never_an_error(kind: str, tmp_path: Path) -> None:
    listing = json_reply({"artifacts": []})
    conflict = json_reply({"detail": "it failed"}, 409)
    with job_of(payload(kind), {LOGS: listing, RESULT: conflict, TARGET: conflict}) as (job, _):
        called = methods_of(job)
        assert len(called) >= 5
        for method in called:
            for given in arguments(method, tmp_path):
                if (kind, method, given) == ("compile_job", "download_target_model", ()):
                    continue
                found = getattr(job, method)(*given)
                if method == "download_results":
                    assert isinstance(found, hub.JobResult)
                    assert found.status.failure
                    assert "the model is not one" in repr(found)
                    assert "the model is not one" in found._repr_html_()
                elif method == "get_available_artifacts":
                    assert found == [hub.JobArtifactType.HUB_LOG]
                else:
                    assert not found, method
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", PARTICULARS)
def test_logs_that_are_gone_hide_no_reason(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = json_reply({"detail": "The logs are gone."}, 404)
    with job_of(payload(kind), {LOGS: gone}) as (job, _):
        result = job.download_results(str(tmp_path))
        assert result.status.message == "the model is not one"
        assert f"HUB_LOG of job {job.job_id}: The logs are gone." in caplog.text
        with pytest.raises(hub.UserError, match="The logs are gone"):
            job.download_job_logs(str(tmp_path))


@pytest.mark.parametrize("kind", PARTICULARS)
def test_a_job_that_fails_while_it_is_waited_for_gives_nothing(kind: str, tmp_path: Path) -> None:
    running = json_reply(payload(kind, "JOB_STATE_CREATED"))
    with job_of({}, {JOB: [running, running, json_reply(payload(kind))]}) as (job, server):
        assert job.get_tool_versions() == {}
        assert len(server.requests) == 3
        assert job.failure_type == "MODEL_INVALID"


@pytest.mark.parametrize("status", [404, 409])
@pytest.mark.parametrize("kind", PRODUCING)
def test_a_target_model_that_is_not_there_is_an_error_that_says_why(
    kind: str, status: int, tmp_path: Path
) -> None:
    gone = json_reply({"detail": "The model has been deleted."}, status)
    with job_of(payload(kind, "JOB_STATE_DONE"), {TARGET: gone}) as (job, _):
        for method in (job.download_target_model, job.download_results):
            with pytest.raises(hub.UserError, match="has been deleted") as caught:
                method(str(tmp_path / "x"))
            assert caught.value.status_code == status


@pytest.mark.parametrize("status", [404, 409])
@pytest.mark.parametrize("kind", RUNNING)
def test_a_result_that_is_not_there_is_an_error_that_says_why(
    kind: str, status: int, tmp_path: Path
) -> None:
    gone = json_reply({"detail": "The result has been deleted."}, status)
    with job_of(payload(kind, "JOB_STATE_DONE"), {RESULT: gone}) as (job, _):
        for method in ("get_profile", "download_profile", "download_output_data"):
            with pytest.raises(hub.UserError, match="has been deleted"):
                getattr(job, method)()
        with pytest.raises(hub.UserError, match="has been deleted"):
            job.download_results(str(tmp_path / "x"))
        with pytest.raises(hub.UserError, match="has been deleted"):
            job.get_tool_versions()


@pytest.mark.parametrize(
    "answer",
    [
        {"compile_job_result": {"compile_job_id": "jabc12345"}},
        {"new_job_result": {}},
        {},
        [],
        b"<html>",
        {"inference_job_result": "none"},
    ],
)
@pytest.mark.parametrize("method", ["get_profile", "download_profile", "get_output_dataset"])
def test_a_result_of_another_type_is_an_error_of_the_service(answer: Any, method: str) -> None:
    told = payload("inference_job", "JOB_STATE_DONE")
    with (
        job_of(told, {RESULT: json_reply(answer)}) as (job, _),
        pytest.raises(hub.InternalError),
    ):
        getattr(job, method)()


@pytest.mark.parametrize(
    "url", ["", "no address", "http://h:port/", "file:///etc/passwd", "http://", 7]
)
@pytest.mark.parametrize("where", ["target", "log"])
def test_a_bad_address_of_a_file_is_an_error_of_the_service(
    url: Any, where: str, tmp_path: Path
) -> None:
    answers: Routes = {
        TARGET: json_reply({"url": {"url": url, "filename": "f"}}),
        LOGS: json_reply({"artifacts": [{"url": url, "filename": "f"}]}),
    }
    with job_of(payload("link_job", "JOB_STATE_DONE"), answers) as (job, _):
        method = job.download_target_model if where == "target" else job.download_job_logs
        with pytest.raises(hub.InternalError):
            method(str(tmp_path / "x"))


def test_a_file_server_that_refuses_is_an_error_without_the_signature(tmp_path: Path) -> None:
    answers: Routes = {"GET /file": json_reply(b"expired", 403)}
    with RoutedHub(answers) as files:
        url = f"{files.url}/file?signature=s3cret"
        listed = json_reply({"artifacts": [{"url": url, "filename": "hub.log"}]})
        with job_of(payload("link_job"), {LOGS: listed}) as (job, _):
            with pytest.raises(hub.UserError, match="refused") as refused:
                job.download_job_logs(str(tmp_path / "logs"))
            assert "s3cret" not in f"{refused.value} {refused.value.url}"
    assert list((tmp_path / "logs").iterdir()) == []


@pytest.mark.parametrize("kind", ["compile", "quantize", "link"])
def test_tool_versions_of_jobs_that_make_models(kind: str) -> None:
    tools = {"tool_versions": [tool("QAIRT", "2.40"), tool("ONNX", "1.2")]}
    told = {f"{kind}_detail": {**tools, "psnr": {}} if kind == "quantize" else tools}
    result = {f"{kind}_job_result": {f"{kind}_job_id": "jabc12345", **told}}
    done = payload(f"{kind}_job", "JOB_STATE_DONE")
    with job_of(done, {RESULT: json_reply(result)}) as (job, server):
        assert job.get_tool_versions() == {"QAIRT": "2.40", "ONNX": "1.2"}
        assert server.requests[-1].route == RESULT


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"quantize_detail": {"tool_versions": [], "psnr": {"y": 51.5}}}, {"y": 51.5}),
        ({"quantize_detail": {"tool_versions": [], "psnr": {}}}, {}),
        ({}, None),
    ],
)
def test_how_close_a_quantized_model_is(
    told: dict[str, Any], expected: dict[str, float] | None
) -> None:
    result = {"quantize_job_result": {"quantize_job_id": "jabc12345", **told}}
    done = payload("quantize_job", "JOB_STATE_DONE")
    with job_of(done, {RESULT: json_reply(result)}) as (job, _):
        assert job.get_psnr() == expected


def test_how_close_a_model_is_that_was_not_quantized() -> None:
    with job_of(payload("quantize_job"), {}) as (job, server):
        assert job.get_psnr() is None
        assert all(request.route != RESULT for request in server.requests)


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("inference_job", {"detail": detail(tool_versions=[tool("QAIRT", "2.40")])}),
        ("profile_job", {"profile": detail(tool_versions=[tool("QAIRT", "2.40")])}),
    ],
)
def test_tool_versions_and_profiles_of_jobs_that_run_models(
    kind: str, result: dict[str, Any]
) -> None:
    named = {f"{kind}_id": "jabc12345", "output_dataset_id": "", **result}
    answers: Routes = {RESULT: json_reply({f"{kind}_result": named})}
    with job_of(payload(kind, "JOB_STATE_DONE"), answers) as (job, _):
        assert job.get_tool_versions() == {"QAIRT": "2.40"}
        assert job.get_profile().tool_versions == {"QAIRT": "2.40"}
        assert job.download_output_data() is None


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("train_job", {"train_job_result": {"epochs": 3}}),
        ("compile_job", {"compile_job_result": {"compile_job_id": "jabc12345"}}),
        (
            "inference_job",
            {"inference_job_result": {"inference_job_id": "j", "output_dataset_id": "d"}},
        ),
    ],
)
def test_tool_versions_that_the_service_does_not_tell(kind: str, result: dict[str, Any]) -> None:
    with job_of(payload(kind, "JOB_STATE_DONE"), {RESULT: json_reply(result)}) as (job, _):
        assert job.get_tool_versions() == {}


def test_numbers_that_are_none_come_through_the_wire(tmp_path: Path) -> None:
    measured = detail(execution_time=float("nan"), all_execution_times=[float("inf"), 5])
    named = {"inference_job_id": "jabc12345", "output_dataset_id": "", "detail": measured}
    answers: Routes = {RESULT: json_reply({"inference_job_result": named})}
    with job_of(payload("inference_job", "JOB_STATE_DONE"), answers) as (job, _):
        assert job.get_profile().inference.all_times == (5,)
        result = job.download_results(str(tmp_path))
    assert result.profile == result.typed_profile.to_dict()
    assert repr(result.typed_profile) in repr(result)
    assert result.typed_profile._repr_html_() in result._repr_html_()


@pytest.mark.parametrize("kind", PARTICULARS)
def test_to_show_a_job_sends_no_request(kind: str) -> None:
    told = payload(kind, "JOB_STATE_CREATED")
    told[kind]["name"] = "<script>alert(1)</script>"
    with job_of(told) as (job, server):
        before = len(server.requests)
        shown = [repr(job), str(job), f"{job}", job._repr_html_(), repr([job])]
        assert len(server.requests) == before
    assert all("jabc12345" in text for text in shown)
    assert '<a href="https://web.example.com/jobs/jabc12345/"' in shown[3]
    assert "&lt;script&gt;" in shown[3]
    assert "<script>" not in shown[3]
