"""From payloads to the facade's own objects, those of other releases of the service included."""

import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from qai_hub_api import models as api
from support.routed_hub import DEVICES, RoutedHub, Routes
from support.scripted_server import json_reply

import qai_hub as hub
from qai_hub.client import (
    Client,
    ClientConfig,
    InferenceJobSummary,
    JobStatus,
    JobType,
    LinkJob,
    ModelMetadataKey,
    QuantizeDtype,
    QuantizeJob,
    SourceModelType,
)
from qai_hub.resources.kinds import KINDS

CREATED = "2026-01-02T03:04:05.678901Z"


def job(kind: str, state: str = "JOB_STATE_DONE", **details: Any) -> dict[str, Any]:
    common = {
        f"{kind}_id": "jabc12345",
        "user_id": 2**64 - 1,
        "job_state": state,
        "name": "n",
        "options": "--o",
        "creation_time": CREATED,
    }
    return {
        kind: {**common, **details},
        "notices": [{"severity": "INFO", "context": "USER", "message": "hello"}],
        "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
        "available_artifacts": ["JOB_ARTIFACT_TYPE_HUB_LOG", "JOB_ARTIFACT_TYPE_HOLOGRAM"],
        "hub_version": "0.99.0",
        "a_new_field": {"of": ["a", "newer", "service"]},
    }


@contextmanager
def answering(*payloads: Any, path: str = "jobs/jabc12345/") -> Iterator[tuple[Client, RoutedHub]]:
    key = f"GET /api/v1/{path}"
    with RoutedHub({key: [json_reply(payload) for payload in payloads]}) as server:
        client = Client(ClientConfig("token", server.url, "https://web.example.com"))
        yield client, server
        client.close()


def test_profile_job_of_an_older_service_is_an_inference_job_with_profiling_on() -> None:
    payload = job("profile_job", includes_compile=False)
    with answering(payload) as (client, _):
        found = client.get_job("jabc12345", JobType.PROFILE)
    assert isinstance(found, hub.ProfileJob)
    assert isinstance(found, hub.InferenceJob)
    assert found.profiling
    assert found.job_type == "inference"
    assert found.inputs is None


def test_common_attributes() -> None:
    details: dict[str, Any] = {
        "device": {"name": "D", "os": "14", "attributes": ["a:b"], "soc_description": ""},
        "model": {"model_id": "mabc", "model_type": "MODEL_TYPE_CRYSTAL", "name": "m"},
        "queued_time": "2026-01-02T04:04:06+01:00",
        "completion_time": "2026-01-02T03:04:07.123456789Z",
        "project_id": "p1",
        "tensor_type_list": {
            "types": [{"name": "x", "tensor_type": {"shape": [1, -1], "dtype": "TENSOR_DTYPE_X9"}}]
        },
    }
    with answering(job("compile_job", **details)) as (client, _):
        found = client.get_job("jabc12345")
    assert isinstance(found, hub.CompileJob)
    assert (found.job_id, found.name, found.options) == ("jabc12345", "n", "--o")
    assert (found.hub_version, found.project_id) == ("0.99.0", "p1")
    assert found.url == "https://web.example.com/jobs/jabc12345/"
    created = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert found.created_at == created
    assert found.date == created.astimezone().replace(tzinfo=None)
    assert found.queued_at == datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    assert found.started_at is None
    assert found.completed_at == datetime(2026, 1, 2, 3, 4, 7, 123456, UTC)
    assert found.shapes == {"x": ((1, -1), "x9")}
    assert found.device == hub.Device("D", "14", ["a:b"])
    assert found.model.model_type is SourceModelType.UNRECOGNIZED_MODEL_TYPE
    assert [notice.message for notice in found.notices] == ["hello"]
    assert found._available_artifacts == [hub.JobArtifactType.HUB_LOG]
    assert found.failure_type is None


def test_unknown_state_is_kept_and_waited_through(caplog: pytest.LogCaptureFixture) -> None:
    paused = job("compile_job", "JOB_STATE_PAUSED_FOR_TEA")
    done = job("compile_job")
    with caplog.at_level(logging.WARNING), answering(paused, paused, done) as (client, server):
        found = client.get_job("jabc12345")
        status = found.get_status()
        assert (status.code, status.finished, status.running) == ("PAUSED_FOR_TEA", False, True)
        assert found.wait(30) == "SUCCESS"
    assert len(server.requests) == 3
    assert caplog.text.count("PAUSED_FOR_TEA") == 1


def test_unknown_job_type_can_be_waited_for_and_renamed() -> None:
    payload = job("train_job", "JOB_STATE_FAILED", failure_reason="diverged", epochs=3)
    with answering(payload) as (client, server):
        found = client.get_job("jabc12345")
        assert (found.job_id, found.name, found.job_type) == ("jabc12345", "n", "unspecified")
        status = found.wait(5)
        assert (status.failure, status.message) == (True, "diverged")
        with pytest.raises(hub.UserError, match="no answer"):
            found.set_name("other")
    assert server.requests[-1].route == "PATCH /api/v1/jobs/jabc12345/"


def test_unknown_job_type_in_a_list_does_not_hide_the_others() -> None:
    known = {
        "job_id": "jknown",
        "name": "k",
        "job_state": "JOB_STATE_DONE",
        "device_name": "D",
        "device_os_version": "",
        "creation_time": CREATED,
        "execution_time": 1234,
        "execution_peak_memory": {"lower": 1, "upper": 2},
        "user": {"id": 1, "first_name": "", "last_name": "", "email": "a@b", "org_id": 0},
    }
    new = {"job_id": "jnew", "job_state": "JOB_STATE_DREAMING", "creation_time": CREATED}
    listed = {
        "job_summaries": [
            {"inference_job_summary": {**known, "is_profiling_on": True}},
            {"profile_job_summary": {**known, "job_id": "jold"}},
            {"dream_job_summary": new},
        ],
        "total_query_count": 3,
    }
    with answering(listed, path="job_summaries/") as (client, _):
        summaries = client.get_job_summaries()
    assert [summary.job_id for summary in summaries] == ["jknown", "jold", "jnew"]
    first = summaries[0]
    assert isinstance(first, InferenceJobSummary)
    assert (first.profiling, first.estimated_inference_time) == (True, 1234)
    assert first.inference_memory_peak_range == (1, 2)
    assert (first.username, first.device_name) == ("a@b", "D")
    assert summaries[1].job_type is JobType.PROFILE
    assert summaries[2].job_type is JobType.UNSPECIFIED
    assert (summaries[2].status.code, summaries[2].status.finished) == ("DREAMING", False)
    assert len(set(summaries)) == 3


def test_summaries_are_dataclasses_like_any() -> None:
    common = {"job_id": "jabc12345", "name": "n", "job_state": "JOB_STATE_DONE"}
    common |= {"device_name": "D", "device_os_version": "14", "creation_time": CREATED}
    kinds = ("compile", "quantize", "link", "inference", "profile", "dream")
    told = [{f"{kind}_job_summary": {**common, "job_id": f"j{kind}"}} for kind in kinds]
    listed = {"job_summaries": told}
    with answering({**listed, "total_query_count": 6}, path="job_summaries/") as (client, _):
        summaries = client.get_job_summaries()
    assert len(summaries) == 6
    for summary in summaries:
        assert {field.name for field in fields(summary)} == vars(summary).keys()
        again = replace(summary)
        assert (again, repr(again), hash(again)) == (summary, repr(summary), hash(summary))
        assert replace(summary, name="other") != summary
        assert pickle.loads(pickle.dumps(summary)) == summary
        with pytest.raises(FrozenInstanceError):
            summary.name = "other"  # type: ignore[misc]


def test_quantize_and_link_jobs() -> None:
    quantize = job(
        "quantize_job",
        weights_dtype="QUANTIZE_DTYPE_INT8",
        activations_dtype="QUANTIZE_DTYPE_INT2",
        calibration_dataset={"dataset_id": "dabc"},
    )
    with answering(quantize) as (client, _):
        found = client.get_job("jabc12345")
    assert isinstance(found, QuantizeJob)
    assert (found.weights_dtype, found.activations_dtype) == (QuantizeDtype.INT8, None)
    assert found.calibration_dataset is not None
    link = job("link_job", models={"models": [{"model_id": "ma"}, {"model_id": "mb"}]})
    link["link_job"]["models"]["total_query_count"] = 2
    with answering(link) as (client, _):
        linked = client.get_job("jabc12345")
    assert isinstance(linked, LinkJob)
    assert [model.model_id for model in linked.models] == ["ma", "mb"]


def test_target_model_learns_what_the_job_fills_in_and_repr_never_asks() -> None:
    running = job("compile_job", "JOB_STATE_OPTIMIZING_MODEL")
    running["compile_job"]["target_model"] = {"model_id": "mtarget", "producer_id": "jabc12345"}
    done = job("compile_job")
    done["compile_job"]["target_model"] = {
        "model_id": "mtarget",
        "producer_id": "jabc12345",
        "model_type": "MODEL_TYPE_QNN_CONTEXT_BINARY",
        "metadata": {"entries": {"1": "2.40", "32": "60", "999": "new"}},
        "input_spec": {
            "types": [
                {
                    "name": "x",
                    "graph_name": "g",
                    "tensor_type": {
                        "shape": [1],
                        "dtype": "TENSOR_DTYPE_UINT8",
                        "scale": 0.5,
                        "zero_point": 3,
                    },
                }
            ]
        },
    }
    with answering(running, done) as (client, server):
        found = client.get_job("jabc12345")
        assert isinstance(found, hub.CompileJob)
        model = found.get_target_model()
        assert model is not None
        assert "mtarget" in repr(model) + str(found)
        assert len(server.requests) == 1
        assert found.wait(30).success
        assert model is found.get_target_model()
        assert model.get_producer() is found
        assert model.metadata == {
            ModelMetadataKey.QNN_SDK_VERSION: "2.40",
            ModelMetadataKey.QNN_CONTEXT_BIN_SOC_MODEL: "60",
        }
        assert model.input_spec == {"g": [hub.TensorSpec("x", "uint8", (1,), 0.5, 3)]}
        assert model.model_type is SourceModelType.QNN_CONTEXT_BINARY
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"dream_job": {"name": "n"}},
        {**job("compile_job"), "compile_job": None},
        b"",
        b"<html>",
    ],
)
def test_answers_that_are_no_jobs_are_internal_errors(payload: Any) -> None:
    with answering(payload) as (client, _), pytest.raises(hub.InternalError):
        client.get_job("jabc12345")


def test_job_of_another_type_than_before_is_an_internal_error() -> None:
    with answering(job("compile_job"), job("link_job")) as (client, _):
        found = client.get_job("jabc12345")
        with pytest.raises(hub.InternalError, match="another type"):
            found.get_status()


def test_a_job_is_a_shareable_with_plain_values() -> None:
    with answering(job("compile_job")) as (client, _):
        found = client.get_job("jabc12345")
    assert found._owner is client
    plain = {k: v for k, v in vars(found).items() if type(v).__module__.startswith("qai_hub_api")}
    assert plain == {}
    with pytest.raises(TypeError):
        hub.Job(client, "j", "n", datetime.now(), "", "", False, JobType.COMPILE, [])  # type: ignore[abstract]
    assert JobStatus.State.SUCCESS == "SUCCESS"


@pytest.mark.parametrize("kind", ["link_job", "quantize_job"])
def test_target_model_of_link_and_quantize_jobs_into_memory_and_to_a_file(
    kind: str, tmp_path: Path
) -> None:
    dtypes = {"weights_dtype": "QUANTIZE_DTYPE_INT8", "activations_dtype": "QUANTIZE_DTYPE_INT8"}
    payload = job(kind, **(dtypes if kind == "quantize_job" else {}))
    answers: Routes = {"GET /api/v1/jobs/jabc12345/": json_reply(payload)}
    with RoutedHub(answers) as server:
        where = {"url": f"{server.url}/file?signature=s", "filename": "model.bin"}
        answers["GET /api/v1/jobs/jabc12345/download_compiled_model/"] = json_reply({"url": where})
        answers["GET /file"] = json_reply(b"\x00context binary")
        found = Client(ClientConfig("token", server.url, server.url)).get_job("jabc12345")
        assert isinstance(found, LinkJob | QuantizeJob)
        assert found.download_target_model() == b"\x00context binary"
        path = found.download_target_model(str(tmp_path / "target"))
        assert path == str(tmp_path / "target.bin")
        assert Path(path).read_bytes() == b"\x00context binary"
        payload[kind]["job_state"] = "JOB_STATE_FAILED"
        answers["GET /api/v1/jobs/jabc12345/"] = json_reply(payload)
        assert found.download_target_model() is None
        assert found.download_target_model(str(tmp_path / "other")) is None
        assert found.download_results(str(tmp_path / "results")).status.failure


def test_a_job_type_of_ones_own_needs_only_to_say_what_its_results_are() -> None:
    class OwnJob(hub.Job):
        def download_results(self, artifacts_dir: str) -> hub.JobResult:
            return hub.JobResult(self.wait(), self.url, artifacts_dir)

    with answering(job("link_job", "JOB_STATE_FAILED", failure_reason="no")) as (client, _):
        own = OwnJob(
            client,
            "jabc12345",
            "before",
            datetime(2026, 1, 2),
            "0.1",
            "--flag",
            False,
            JobType.LINK,
            [JobStatus.State.LINKING_MODELS],
            project_id="p1",
            available_artifacts=["JOB_ARTIFACT_TYPE_HUB_LOG"],
        )
        assert (own.job_id, own.name, own.date) == ("jabc12345", "before", datetime(2026, 1, 2))
        assert (own.options, own.project_id, own.job_type) == ("--flag", "p1", "link")
        assert own.get_status().message == "no"
        assert own.name == "n"
        assert own.download_results("d").status.failure


@pytest.mark.parametrize("setting", [True, False])
def test_progress_is_shown_as_the_client_says_now(*, setting: bool) -> None:
    with answering(job("link_job")) as (client, _):
        found = client.get_job("jabc12345")
        client.set_verbose(setting)
        assert found.verbose is setting
        found.verbose = not setting
        assert found.verbose is not setting


def test_an_answer_too_deep_to_read_is_an_error_of_the_server() -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    with answering(deep) as (client, _), pytest.raises(hub.InternalError, match="unexpected body"):
        client.get_job("jabc12345")


def test_a_time_out_of_the_calendar_is_not_known() -> None:
    payload = job("link_job", queued_time="0001-01-01T00:00:00+14:00")
    with answering(payload) as (client, _):
        found = client.get_job("jabc12345")
    assert (found.queued_at, found.created_at is None) == (None, False)


def test_a_job_that_says_next_to_nothing_can_be_fetched() -> None:
    payload = {"compile_job": {"name": 5, "creation_time": None}, "notices": "none"}
    with answering(payload) as (client, _):
        found = client.get_job("jabc12345")
    assert isinstance(found, hub.CompileJob)
    assert (found.job_id, found.name, found.created_at) == ("jabc12345", "", None)
    assert found.date == datetime.fromtimestamp(0)
    assert (found.notices, found.model.model_id, found.device.name) == ((), "", "")


def test_a_job_type_is_no_text() -> None:
    with answering() as (client, server):
        wrong: Any = "compile"
        with pytest.raises(hub.UserError, match="JobType, not 'compile'"):
            client.get_job("jabc12345", wrong)
        with pytest.raises(hub.UserError, match="JobType, not 'compile'"):
            client.get_job_summaries(type=wrong)
    assert server.requests == []


def test_an_error_after_a_job_was_made_tells_which() -> None:
    made = {"id": "jabc12345", "status": "", "creation_time": CREATED}
    refused = json_reply({"detail": "no such device"}, 404)
    answers: Routes = {
        "GET /api/v1/models/mabc/": json_reply({"model_id": "mabc", "name": "m"}),
        "GET /api/v1/devices/": json_reply(DEVICES),
        "POST /api/v1/jobs/": [json_reply(made, 201), refused],
        "GET /api/v1/jobs/jabc12345/": json_reply(job("compile_job")),
    }
    devices = [hub.Device("one"), hub.Device("two")]
    with RoutedHub(answers) as server:
        client = Client(ClientConfig("token", server.url, server.url))
        model = client.get_model("mabc")
        with pytest.raises(hub.UserError, match="no such device") as caught:
            client.submit_compile_job(model, devices, single_compile=False)
        assert caught.value.__notes__ == ["Jobs already created, which get_job fetches: jabc12345"]
        keys = [r.headers["idempotency-key"] for r in server.requests if r.method == "POST"]
        assert len(set(keys)) == 2


@pytest.mark.parametrize("cap", [1, 2, 5])
def test_lists_go_on_where_the_service_makes_its_pages_shorter(cap: int) -> None:
    listed = [{"model_id": f"m{number}", "name": ""} for number in range(5)]
    pages = [
        json_reply({"models": listed[start : start + cap], "total_query_count": 5})
        for start in range(0, 5, cap)
    ]
    with RoutedHub({"GET /api/v1/models/": [*pages]}) as server:
        client = Client(ClientConfig("token", server.url, server.url))
        assert [model.model_id for model in client.get_models()] == ["m0", "m1", "m2", "m3", "m4"]
    assert len(server.requests) == len(pages)


@pytest.mark.parametrize(
    ("message", "suffix"), [(api.Job, ""), (api.JobSummary, "_summary"), (api.JobResult, "_result")]
)
def test_the_table_of_job_types_has_each_type_of_the_contract(message: type, suffix: str) -> None:
    ending = f"_job{suffix}"
    found = {name for name in message.__annotations__ if name.endswith(ending)}
    assert {f"{member.name}{suffix}" for kind in KINDS for member in kind.fields} == found


def test_the_table_of_job_types_names_what_there_is() -> None:
    for kind in KINDS:
        for member in kind.fields:
            title = member.name.title().replace("_", "")
            result = getattr(api, f"{title}Result").__annotations__
            assert f"{member.name}_id" in getattr(api, title).__annotations__
            assert "tool_versions" in getattr(api, result[member.detail].split()[0]).__annotations__
    assert {kind.job_type for kind in KINDS} == set(JobType) - {JobType.UNSPECIFIED}
