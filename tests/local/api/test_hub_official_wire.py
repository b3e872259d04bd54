"""What the official client leans on, as it sends its requests, line by line."""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, detail, problem

from qai_hub.local.contract import Contract
from qai_hub.wire import decode, encode

PROTOBUF = "application/x-protobuf"
HEADERS = {
    "Content-Type": PROTOBUF,
    "Accept": "*/*",
    "User-Agent": "qai_hub/0.56.0",
    "Client-Version": "0.56.0",
    "Python-Version": "3.11.7",
    "OS-Type": "Linux",
    "OS-Version": "6",
    "Client-Mode": "library",
}
CREDENTIALS = {"supports_s3_credentials": "true"}
Json = dict[str, Any]


def call(api: Api, method: str, path: str, message: str, value: Json, **params: Any) -> Json:
    """Sends a message as that client does, and reads what is answered."""
    body = encode(f"qai_hub.api.{message}", value)
    return read(
        api.http.request(method, path, content=body, headers=HEADERS, params=params),
        "CreateUpdateResponse",
    )


def get(api: Api, path: str, message: str, **params: Any) -> Json:
    return read(api.http.get(path, headers=HEADERS, params=params), message)


def read(response: httpx.Response, message: str) -> Json:
    assert response.status_code in {200, 201}, response.text
    assert response.headers["Content-Type"] == PROTOBUF
    return decode(f"qai_hub.api.{message}", response.content)


def check_made(answer: Json, letter: str) -> str:
    """Checks the answer to a request that made something; returns its id."""
    key = answer["id"]
    assert re.fullmatch(rf"{letter}[a-z0-9]+", key)
    assert answer["status"] == ""
    assert datetime.fromisoformat(answer["creation_time"]).tzinfo is not None
    return str(key)


def job_of(api: Api, key: str) -> Json:
    return detail(get(api, f"jobs/{key}/", "Job"))


def finished(api: Api, key: str) -> Json:
    api.wait(key)
    return job_of(api, key)


def submit(api: Api, kind: str, **params: Any) -> str:
    jobs: dict[str, Json] = {
        "compile_job": {"devices": {"devices": [DEVICE]}},
        "link_job": {"device": DEVICE},
        "quantize_job": {
            "weights_dtype": "QUANTIZE_DTYPE_INT8",
            "activations_dtype": "QUANTIZE_DTYPE_INT8",
        },
        "inference_job": {"device": DEVICE, "is_profiling_on": True},
    }
    value = {kind: {**jobs[kind], **params}}
    made = call(api, "POST", "jobs/", "Job", value, seed_target_model="True")
    return check_made(made, "j")


def test_no_operation_answers_what_that_client_cannot_read() -> None:
    for operation in Contract.load().operations:
        assert (
            not {204, 422, 501} & operation.response_validators.keys() or operation.message is None
        )
        assert operation.status in {200, 201} or operation.message is None


@pytest.mark.parametrize("version", ["0.56.0", "0.1.0", "99.0.0", "2026-11-22", "", None])
def test_the_client_version_changes_nothing(ada: Api, model: str, version: str | None) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "Client-Version"}
    if version is not None:
        headers["Client-Version"] = version
    for path, message in {
        "frameworks/": "FrameworkList",
        f"models/{model}/": "Model",
        f"models/{model}/download/": "FileDownloadURL",
        f"models/{model}/download/?supports_s3_credentials=true": "FileDownloadResponse",
    }.items():
        assert read(ada.http.get(path, headers=headers), message)


def test_devices_are_chosen_by_what_python_writes(ada: Api) -> None:
    every = {"name": "", "os": "", "select": "False"}
    devices = get(ada, "devices/", "DeviceList", **every)["devices"]
    assert len(devices) > 10
    (one,) = get(ada, "devices/", "DeviceList", **{**every, "select": "True"})["devices"]
    assert one in devices
    interval = get(ada, "devices/", "DeviceList", **{**every, "os": "[14,15)"})["devices"]
    assert interval
    assert {device["os"].partition(".")[0] for device in interval} == {"14"}
    both = {**every, "attributes": ["vendor:samsung", "framework:onnx"]}
    for device in get(ada, "devices/", "DeviceList", **both)["devices"]:
        assert {"vendor:samsung", "framework:onnx"} <= set(device["attributes"])
    bad = ada.http.get("devices/", headers=HEADERS, params={**every, "attributes": "samsung"})
    assert problem(bad, 400)


def test_a_model_goes_up_in_parts_and_down(ada: Api) -> None:
    value = {"name": "n", "model_type": "MODEL_TYPE_ONNX", "is_directory": False}
    key = check_made(call(ada, "POST", "models/", "Model", value), "m")
    content = bytes(range(256)) * 10
    path = f"models/{key}/multipart_upload/"
    asked = {**CREDENTIALS, "use_acceleration": "true", "file_size": len(content)}
    upload = get(ada, path, "FileUploadResponse", **asked)["multipart_url"]
    step = upload["max_part_size"]
    assert len(upload["urls"]) == -(-len(content) // step)
    etags = []
    for index, url in enumerate(upload["urls"]):
        part = httpx.put(url, content=content[index * step : (index + 1) * step])
        assert part.is_success
        etags.append(part.headers["ETag"])
    complete = {"upload_id": upload["upload_id"], "etags": etags}
    first = call(ada, "POST", path, "FileMultipartUploadComplete", complete)
    assert check_made(first, "m") == key
    again = call(ada, "POST", path, "FileMultipartUploadComplete", complete)
    assert again == first
    download = get(ada, f"models/{key}/download/", "FileDownloadResponse", **CREDENTIALS)["url"]
    assert download["filename"].count(".") == 1
    file = httpx.get(download["url"])
    assert file.content == content
    assert int(file.headers["Content-Length"]) == len(content)


def test_a_dataset_goes_up_in_a_form_and_down(ada: Api) -> None:
    made = call(ada, "POST", "datasets/", "Dataset", {"name": "d.with.dots"})
    key = check_made(made, "d")
    lifetime = datetime.fromisoformat(made["expiration_time"]) - datetime.fromisoformat(
        made["creation_time"]
    )
    assert lifetime == timedelta(days=30)
    upload = get(ada, f"datasets/{key}/upload_url/", "FileUploadResponse", **CREDENTIALS)["url"]
    form = {upload["file_field_name"]: ("model", b"data")}
    assert httpx.post(upload["url"], data=upload["fields"], files=form).is_success
    for _ in range(2):
        done = {"file_upload_complete": True}
        call(ada, "PATCH", f"datasets/{key}/", "Dataset", done)
    path = f"datasets/{key}/download_data/"
    download = get(ada, path, "FileDownloadResponse", **CREDENTIALS)["url"]
    assert re.fullmatch(r"[^.]+\.h5", download["filename"])
    assert httpx.get(download["url"]).content == b"data"


def test_a_permanent_dataset_does_not_expire(ada: Api) -> None:
    value = {"name": "d", "permanent": True}
    made = call(ada, "POST", "datasets/", "Dataset", value)
    assert "expiration_time" not in made
    assert "expiration_time" not in get(ada, f"datasets/{made['id']}/", "Dataset")


@pytest.mark.parametrize(
    ("options", "model_type"),
    [
        ("--target_runtime onnx", "MODEL_TYPE_ONNX"),
        ("--target_runtime=qnn_dlc", "MODEL_TYPE_QNN_DLC"),
        ("--quantize_io  --target_runtime  tflite", "MODEL_TYPE_TFLITE"),
        ("--target_runtime of_tomorrow", None),
        ("--no_target_runtime onnx", None),
        ("", None),
    ],
)
def test_a_target_model_is_there_at_once(
    ada: Api, worker: FakeWorker, model: str, options: str, model_type: str | None
) -> None:
    worker.may_finish.clear()
    job = job_of(ada, submit(ada, "compile_job", model={"model_id": model}, options=options))
    assert job["job_state"] in {"JOB_STATE_CREATED", "JOB_STATE_OPTIMIZING_MODEL"}
    assert job["target_model"]["model_id"].startswith("m")
    target = get(ada, f"models/{job['target_model']['model_id']}/", "Model")
    unknown = {None, "MODEL_TYPE_UNSPECIFIED"}
    found = target.get("model_type")
    assert found == model_type or (model_type is None and found in unknown)


@pytest.mark.parametrize(
    ("kind", "model_type"),
    [
        ("quantize_job", "MODEL_TYPE_ONNX"),
        ("link_job", "MODEL_TYPE_QNN_CONTEXT_BINARY"),
    ],
)
def test_a_target_model_of_other_jobs_has_its_format_at_once(
    ada: Api, worker: FakeWorker, model: str, kind: str, model_type: str
) -> None:
    worker.may_finish.clear()
    things: Json = {"model": {"model_id": model}}
    if kind == "link_job":
        things = {"models": {"models": [{"model_id": model}]}}
    else:
        things["calibration_dataset"] = {"dataset_id": ada.upload_dataset()}
    job = job_of(ada, submit(ada, kind, **things))
    target = get(ada, f"models/{job['target_model']['model_id']}/", "Model")
    assert target["model_type"] == model_type


def test_a_profile_job_is_an_inference_job(ada: Api, model: str) -> None:
    job = get(ada, f"jobs/{submit(ada, 'inference_job', model={'model_id': model})}/", "Job")
    assert "profile_job" not in job
    assert job["inference_job"]["is_profiling_on"]


def test_summaries_are_filtered_by_numbers_of_states(ada: Api, model: str) -> None:
    keys = [submit(ada, "compile_job", model={"model_id": model}) for _ in range(2)]
    for key in keys:
        ada.wait(key)
    asked = {"offset": 0, "limit": 2, "state": "10,30", "type": "compile"}
    found = get(ada, "job_summaries/", "JobSummaryList", **asked)["job_summaries"]
    assert [detail_of(summary)["job_id"] for summary in found] == keys[::-1]
    none = get(ada, "job_summaries/", "JobSummaryList", **{**asked, "state": "1", "offset": 0})
    assert not set(keys) & {detail_of(summary)["job_id"] for summary in none["job_summaries"]}


def detail_of(summary: Json) -> Json:
    (found,) = (value for name, value in summary.items() if name.endswith("_job_summary"))
    assert isinstance(found, dict)
    return found


def test_a_failed_job_says_why_its_model_cannot_be_downloaded(
    ada: Api, worker: FakeWorker, model: str
) -> None:
    worker.failures["--fail"] = "It was to fail."
    key = submit(ada, "compile_job", model={"model_id": model}, options="--fail")
    job = finished(ada, key)
    assert job["job_state"] == "JOB_STATE_FAILED"
    path = f"jobs/{key}/download_compiled_model/"
    answer = ada.http.get(path, headers=HEADERS, params=CREDENTIALS)
    assert "It was to fail." in job["failure_reason"]
    assert "It was to fail." in problem(answer, 409)


def test_artifacts_are_those_that_the_job_names(ada: Api, model: str) -> None:
    key = submit(ada, "compile_job", model={"model_id": model})
    ada.wait(key)
    assert get(ada, f"jobs/{key}/", "Job")["available_artifacts"] == ["JOB_ARTIFACT_TYPE_HUB_LOG"]
    for attempt in ("1", "latest"):
        path = f"jobs/{key}/device_runs/{attempt}/artifact_list/5/"
        (log,) = get(ada, path, "NamedArtifactDownloadURLList")["artifacts"]
        assert httpx.get(log["url"]).is_success


def test_signed_urls_refuse_with_403(ada: Api, model: str) -> None:
    download = get(ada, f"models/{model}/download/", "FileDownloadResponse", **CREDENTIALS)
    spoilt = download["url"]["url"][:-4] + "AAAA"
    assert httpx.get(spoilt).status_code == 403
