"""Jobs over HTTP: what is accepted, what is answered, what is left."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from support.fake_worker import PROFILE, FakeWorker
from support.hub_http import DEVICE, Api, Json, ok, problem

from qai_hub.local import LocalHub
from qai_hub.local.contract import Contract
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.qnn.provenance import Provenance, build_metadata

TENSORS = {
    "types": [{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]
}


def compile_body(model: str, **more: object) -> Json:
    return {"compile_job": {"model": {"model_id": model}, "devices": {"devices": [DEVICE]}, **more}}


def test_a_compile_job_from_its_submission_to_its_end(ada: Api, model: str) -> None:
    made = ada.http.post(
        "jobs/?seed_target_model=True",
        json=compile_body(model, name="my job", options="--x", tensor_type_list=TENSORS),
    )
    assert made.status_code == 201
    key = made.json()["id"]
    assert made.headers["Location"] == f"/api/v1/jobs/{key}/"
    first = ada.get(f"jobs/{key}/")
    job = first["compile_job"]
    assert (job["compile_job_id"], job["name"], job["options"]) == (key, "my job", "--x")
    assert job["target_model"]["model_id"].startswith("m")
    assert job["target_model"]["producer_id"] == key
    assert job["model"]["model_id"] == model
    assert job["device"]["name"] == "Samsung Galaxy S24"
    assert "chipset:sm8650" in job["device"]["attributes"]
    assert job["devices"]["devices"] == [job["device"]]
    assert job["tensor_type_list"] == TENSORS
    assert job["user"]["email"] == "ada@example.com"
    assert first["hub_version"].startswith("local ")
    assert first["actor_authorization"]["permissions"] == ["JOB_CAN_VIEW", "JOB_CAN_UPDATE"]

    job = ada.wait(key)
    assert job["job_state"] == "JOB_STATE_DONE"
    times = ["creation_time", "queued_time", "start_time", "completion_time", "last_updated_time"]
    assert [job[name] for name in times] == sorted(job[name] for name in times)
    assert "failure_reason" not in job
    assert job["target_tensor_type_list"] == job["target_model"]["input_spec"]
    whole = ada.get(f"jobs/{key}/")
    assert whole["failure_type"] == "JOB_FAILURE_TYPE_SUCCESS"
    assert whole["available_artifacts"] == ["JOB_ARTIFACT_TYPE_HUB_LOG"]
    assert whole["notices"][0]["message"] == "hm"
    result = ada.get(f"jobs/{key}/result/")["compile_job_result"]
    assert result["compile_detail"]["tool_versions"] == [{"name": "tool", "version": "1"}]
    found = ada.get(f"jobs/{key}/download_compiled_model/")["url"]
    assert found["filename"] == "my_job.onnx"
    assert httpx.get(found["url"]).content == b"made from model"
    listed = ada.get("models/", producer=key)["models"]
    assert [each["model_id"] for each in listed] == [job["target_model"]["model_id"]]


def test_a_profile_job_is_an_inference_job_that_profiles(ada: Api, model: str) -> None:
    data = ada.upload_dataset()
    key = ada.submit("inference_job", model, is_profiling_on=True, dataset={"dataset_id": data})
    job = ada.wait(key)
    assert (job["is_profiling_on"], job["execution_time"]) == (True, 12)
    assert job["execution_peak_memory"] == {"lower": 1, "upper": 2}
    assert job["dataset"]["dataset_id"] == data
    assert job["name"] == "net"


def test_an_inference_job_without_a_dataset_profiles(ada: Api, model: str) -> None:
    assert ada.wait(ada.submit("inference_job", model))["is_profiling_on"] is True


def test_an_inference_job_leaves_a_dataset(ada: Api, model: str) -> None:
    key = ada.submit("inference_job", model, dataset={"dataset_id": ada.upload_dataset()})
    assert ada.wait(key)["is_profiling_on"] is False
    result = ada.get(f"jobs/{key}/result/")["inference_job_result"]
    assert "detail" not in result
    found = ada.get(f"datasets/{result['output_dataset_id']}/download_data/")["url"]
    assert found["filename"] == "net_outputs.h5"
    assert httpx.get(found["url"]).content == b"made from model"
    problem(ada.http.get(f"jobs/{key}/download_compiled_model/"), 409)


def test_a_quantize_job_leaves_a_model_and_how_close_it_is(ada: Api, model: str) -> None:
    body: Json = {
        "weights_dtype": "QUANTIZE_DTYPE_INT8",
        "activations_dtype": "QUANTIZE_DTYPE_INT16",
        "model": {"model_id": model},
        "calibration_dataset": {"dataset_id": ada.upload_dataset()},
    }
    key = ada.post("jobs/", {"quantize_job": body})["id"]
    job = ada.wait(key)
    assert job["job_state"] == "JOB_STATE_DONE"
    assert job["target_model"]["file_upload_complete"] is True
    result = ada.get(f"jobs/{key}/result/")["quantize_job_result"]
    assert result["quantize_detail"]["psnr"] == {"y": 51.5}


def test_a_link_job_makes_one_model_of_several(ada: Api, model: str, worker: FakeWorker) -> None:
    other = ada.upload_model(b"other")
    models = {"models": [{"model_id": other}, {"model_id": model}]}
    body: Json = {"name": "n", "device": DEVICE, "models": models}
    key = ada.post("jobs/", {"link_job": body})["id"]
    job = ada.wait(key)
    assert job["job_state"] == "JOB_STATE_DONE"
    assert job["target_model"]["file_upload_complete"] is True
    assert [each["model_id"] for each in job["models"]["models"]] == [other, model]
    request = worker.requests[-1]
    assert request.kind == "link"
    assert [each.path.read_bytes() for each in request.inputs] == [b"other", b"model"]
    result = ada.get(f"jobs/{key}/result/")["link_job_result"]
    assert result["link_detail"]["tool_versions"] == [{"name": "tool", "version": "1"}]


def test_facts_about_a_target_model_are_shown_with_it(
    ada: Api, model: str, worker: FakeWorker
) -> None:
    worker.extra_results["metadata"] = {
        "QNN_SDK_VERSION": "2.51",
        "QNN_CONTEXT_BIN_SOC_MODEL": "57",
    }
    key, target = ada.compile(model)
    ada.wait(key)
    facts = {"entries": {"1": "2.51", "32": "57"}}
    assert ada.get(f"models/{target}/")["metadata"] == facts
    assert ada.job(key)["target_model"]["metadata"] == facts
    assert "metadata" not in ada.get(f"models/{model}/")


def test_all_facts_that_are_told_of_qnn_models_have_a_number() -> None:
    soc = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
    made = Provenance(runtime="qnn_context_binary", soc=soc, sdk="2", graphs=())
    known = Contract.load().enum_values("ModelMetadataKey")
    assert {f"MODEL_METADATA_KEY_{name}" for name in build_metadata(made, 3)} <= known.keys()


def test_traces_and_logs_of_a_runtime_are_artifacts(
    ada: Api, model: str, worker: FakeWorker
) -> None:
    worker.extra_files |= {"profile_trace": b"[]", "runtime_log": b"it ran"}
    key = ada.submit("inference_job", model)
    ada.wait(key)
    kinds = {"HUB_LOG": 5, "DEVICE_LOG": 1, "PROFILE_TRACE": 6}
    available = ada.get(f"jobs/{key}/")["available_artifacts"]
    assert sorted(available) == sorted(f"JOB_ARTIFACT_TYPE_{kind}" for kind in kinds)
    found = {}
    for kind, number in kinds.items():
        path = f"jobs/{key}/device_runs/latest/artifact_list/{number}/"
        (artifact,) = ada.get(path)["artifacts"]
        found[kind] = (artifact["filename"], httpx.get(artifact["url"]).content)
    assert found == {
        "HUB_LOG": (f"{key}_hub.log", b"what happened"),
        "DEVICE_LOG": (f"{key}_runtime.log", b"it ran"),
        "PROFILE_TRACE": (f"{key}_profile_trace.json", b"[]"),
    }


def test_a_failed_job_tells_why_wherever_it_is_asked(
    ada: Api, model: str, worker: FakeWorker
) -> None:
    worker.failures["--bad"] = "--bad is no option."
    key, target = ada.compile(model, options="--bad")
    assert ada.wait(key)["failure_reason"] == "--bad is no option."
    for path in (
        f"jobs/{key}/result/",
        f"jobs/{key}/download_compiled_model/",
        f"models/{target}/download/",
    ):
        assert "--bad is no option." in problem(ada.http.get(path), 409)
    follower = ada.submit("inference_job", target, is_profiling_on=True)
    job = ada.wait(follower)
    assert job["job_state"] == "JOB_STATE_FAILED"
    assert key in job["failure_reason"]
    assert job["failure_reason"].endswith(": --bad is no option.")
    assert (
        ada.get(f"jobs/{follower}/")["failure_type"] == "JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY"
    )


def test_a_job_that_has_not_ended_says_so(ada: Api, model: str, worker: FakeWorker) -> None:
    worker.may_finish.clear()
    key, target = ada.compile(model)
    waiting = ada.submit("inference_job", target, is_profiling_on=True)
    for path in (
        f"jobs/{key}/result/",
        f"jobs/{key}/download_compiled_model/",
        f"models/{target}/download/",
        f"jobs/{key}/device_runs/latest/artifact_list/5/",
    ):
        assert "not ended" in problem(ada.http.get(path), 409)
    assert ada.job(waiting)["job_state"] == "JOB_STATE_CREATED"
    worker.may_finish.set()
    assert ada.wait(waiting)["job_state"] == "JOB_STATE_DONE"


def test_the_log_of_every_job_can_be_downloaded(ada: Api, model: str) -> None:
    key, _ = ada.compile(model)
    ada.wait(key)
    for attempt in ("latest", "1"):
        path = f"jobs/{key}/device_runs/{attempt}/artifact_list/5/"
        (artifact,) = ada.get(path)["artifacts"]
        assert artifact["filename"] == f"{key}_hub.log"
        assert httpx.get(artifact["url"]).text == "what happened"
    for path in ("2/artifact_list/5/", "latest/artifact_list/NOTHING/", "latest/artifact_list/99/"):
        problem(ada.http.get(f"jobs/{key}/device_runs/{path}"), 404)
    other = f"jobs/{key}/device_runs/latest/artifact_list/1/"
    problem(ada.http.get(other), 404)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "exactly one of"),
        ({"compile_job": {}, "link_job": {}}, 400, "not compile_job and link_job"),
        ({"compile_job": {"model": {"model_id": "m00000000"}}}, 400, "'devices' is missing"),
        (compile_body("x"), 400, "/compile_job/model/model_id"),
        (compile_body("m00000000"), 404, "no model m00000000"),
        (compile_body("m00000000", name="x" * 256), 400, "name"),
    ],
)
def test_bodies_that_are_no_job(ada: Api, body: Json, status: int, words: str) -> None:
    assert words in problem(ada.http.post("jobs/", json=body), status)


def test_what_cannot_work_is_refused_at_once(ada: Api, model: str) -> None:
    def refused(body: Json, status: int) -> str:
        return problem(ada.http.post("jobs/", json=body), status)

    empty, no_data = ada.create_model(), ada.post("datasets/", {})["id"]
    assert "has not been uploaded" in refused(compile_body(empty), 409)
    unknown = compile_body(model, devices={"devices": [{"name": "Samsung Galaxy S 24"}]})
    assert "Did you mean 'Samsung Galaxy S24'" in refused(unknown, 404)
    bad = {
        "types": [{"name": "x", "tensor_type": {"shape": [1], "dtype": "TENSOR_DTYPE_UNSPECIFIED"}}]
    }
    assert "dtype" in refused(compile_body(model, tensor_type_list=bad), 400)
    inference: Json = {"model": {"model_id": model}, "device": DEVICE}
    idle = {"inference_job": inference | {"is_profiling_on": False}}
    assert "can only profile" in refused(idle, 409)
    for dataset, status in (("d00000000", 404), (no_data, 409)):
        body = {"inference_job": inference | {"dataset": {"dataset_id": dataset}}}
        assert dataset in refused(body, status)


def test_a_device_is_chosen_by_what_it_is(ada: Api, model: str) -> None:
    wanted = [{"os": "[10,11)", "attributes": ["vendor:google", "hexagon:v66"]}, DEVICE]
    key = ada.post("jobs/", compile_body(model, devices={"devices": wanted}))["id"]
    job = ada.job(key)
    assert job["device"]["name"] == "Google Pixel 4"
    assert [each["name"] for each in job["devices"]["devices"]] == [
        "Google Pixel 4",
        "Samsung Galaxy S24",
    ]


def test_jobs_are_renamed(ada: Api, model: str) -> None:
    key, _ = ada.compile(model)
    assert ada.patch(f"jobs/{key}/", {"name": "new name"})["id"] == key
    assert ada.job(key)["name"] == "new name"
    problem(ada.http.patch(f"jobs/{key}/", json={"name": ""}), 400)


def test_lists_and_summaries_are_filtered() -> None:
    with LocalHub(run_attempt=FakeWorker(), validate_responses=True) as own:
        me = Api(own)
        project = me.get("users/auth/user/")["default_project_id"]
        source = me.upload_model()
        compiled, target = me.compile(source)
        profiled = me.submit("inference_job", target, is_profiling_on=True)
        inferred = me.submit("inference_job", source, dataset={"dataset_id": me.upload_dataset()})
        for key in (compiled, profiled, inferred):
            me.wait(key)

        def listed(**query: str | int) -> list[str]:
            summaries = me.get("job_summaries/", **query)["job_summaries"]
            keys = [
                str(value["job_id"])
                for each in summaries
                for name, value in each.items()
                if name.endswith("_summary")
            ]
            jobs = me.get("jobs/", **query)["jobs"]
            assert len(jobs) == len(keys)
            assert len(me.get(f"projects/{project}/jobs/", **query)["jobs"]) == len(keys)
            return keys

        assert listed() == [inferred, profiled, compiled]
        assert listed(type="profile") == listed(type="inference") == [inferred, profiled]
        assert listed(type="compile") == [compiled]
        assert listed(type="link") == []
        assert listed(state="10,30") == [inferred, profiled, compiled]
        assert listed(state="1,50,12345") == []
        assert listed(creator="USER@localhost", limit=1) == [inferred]
        assert listed(creator="nobody@example.com") == []
        for bad in ("state=done", "type=all", "state=1,,2"):
            problem(me.http.get(f"job_summaries/?{bad}"), 400)
        _, summary = me.get("job_summaries/", type="profile")["job_summaries"]
        short = summary["inference_job_summary"]
        assert short["device_name"] == "Samsung Galaxy S24"
        assert short["execution_time"] == PROFILE["execution_time"]
        assert short["target_model_type"] == "MODEL_TYPE_ONNX"
        me.close()


@pytest.mark.shared_folder
def test_expired_data_is_refused_and_not_given_out() -> None:
    clock = [datetime.now(UTC)]
    with LocalHub(run_attempt=FakeWorker(), clock=lambda: clock[0]) as own:
        me = Api(own)
        model, data = me.upload_model(), me.upload_dataset()
        kept = me.upload_dataset(permanent=True)
        clock[0] += timedelta(days=30)
        body: Json = {"model": {"model_id": model}, "device": DEVICE}
        expired = body | {"dataset": {"dataset_id": data}}
        response = me.http.post("jobs/", json={"inference_job": expired})
        assert "expired" in problem(response, 409)
        assert "expired" in problem(me.http.get(f"datasets/{data}/download_data/"), 409)
        ok(me.http.get(f"datasets/{kept}/download_data/"))
        me.wait(me.submit("inference_job", model, dataset={"dataset_id": kept}))
        url = me.get(f"models/{model}/download/")["url"]["url"]
        clock[0] += timedelta(minutes=59)
        assert httpx.get(url).status_code == 200
        clock[0] += timedelta(minutes=1)
        assert "expired" in problem(httpx.get(url), 403)
        me.close()
