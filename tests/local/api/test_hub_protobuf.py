"""The hub on the official service's wire: protobuf, asked for as its client does, or otherwise."""

from typing import Any

import httpx
import pytest
from support.hub_http import Api, detail, problem

from qai_hub.wire import decode, encode

PROTOBUF = "application/x-protobuf"
OFFICIAL = {"Content-Type": PROTOBUF, "Accept": "*/*"}
Json = dict[str, Any]


def read(response: httpx.Response, message: str) -> Json:
    """The message of a success, as JSON."""
    assert response.is_success, response.text
    assert response.headers["Content-Type"] == PROTOBUF
    return decode(f"qai_hub.api.{message}", response.content)


def write(message: str, value: Json) -> bytes:
    return encode(f"qai_hub.api.{message}", value)


def get(api: Api, path: str, message: str) -> Json:
    return read(api.http.get(path, headers=OFFICIAL), message)


def post(api: Api, path: str, message: str, value: Json) -> Json:
    sent = api.http.post(path, content=write(message, value), headers=OFFICIAL)
    return read(sent, "CreateUpdateResponse")


@pytest.mark.parametrize(
    ("accept", "content_type", "answer"),
    [
        ("*/*", PROTOBUF, PROTOBUF),
        ("*/*", "application/json", "application/json"),
        ("*/*", "", "application/json"),
        ("", PROTOBUF, PROTOBUF),
        ("application/json", PROTOBUF, "application/json"),
        (PROTOBUF, "", PROTOBUF),
        (PROTOBUF, "application/json", PROTOBUF),
        (f"application/json;q=0.5, {PROTOBUF}", "", PROTOBUF),
        (f"{PROTOBUF};q=0, */*", PROTOBUF, "application/json"),
        ("application/*;q=0.1, application/json;q=0.2", PROTOBUF, "application/json"),
        ("text/html", PROTOBUF, "application/problem+json"),
    ],
)
def test_the_answer_is_what_the_caller_accepts_or_else_what_it_sends(
    ada: Api, accept: str, content_type: str, answer: str
) -> None:
    headers = {"Accept": accept, "Content-Type": content_type}
    request = ada.http.build_request("GET", "users/auth/user/")
    for name, value in headers.items():
        request.headers.pop(name, None)
        if value:
            request.headers[name] = value
    assert ada.http.send(request).headers["Content-Type"] == answer


def test_both_wires_tell_the_same_of_everything_there_is(ada: Api, model: str) -> None:
    compiled, target = ada.compile(model, name="both wires")
    ada.wait(compiled)
    dataset = ada.upload_dataset()
    run = ada.submit("inference_job", target, dataset={"dataset_id": dataset})
    ada.wait(run)
    for path, message in {
        "users/auth/user/": "User",
        "devices/": "DeviceList",
        "frameworks/": "FrameworkList",
        "models/": "ModelList",
        f"models/{target}/": "Model",
        "datasets/": "DatasetList",
        f"datasets/{dataset}/": "Dataset",
        "jobs/": "JobList",
        f"jobs/{compiled}/": "Job",
        f"jobs/{run}/": "Job",
        f"jobs/{run}/result/": "JobResult",
        "job_summaries/": "JobSummaryList",
        f"jobs/{run}/shared_access/": "SharedAccess",
        f"models/{target}/shared_access/": "SharedAccess",
        f"datasets/{dataset}/shared_access/": "SharedAccess",
    }.items():
        told = ada.get(path)
        # Extensions have no place in the message.
        told.pop("sha256", None)
        told.get("inference_job_result", {}).pop("tool_versions", None)
        assert get(ada, path, message) == told, path


def test_a_job_from_upload_to_logs(ada: Api) -> None:
    content = b"some model"
    model = {"name": "m", "model_type": "MODEL_TYPE_ONNX", "is_directory": False}
    key = post(ada, "models/", "Model", model)["id"]
    path = f"models/{key}/multipart_upload/"
    asked = f"{path}?file_size={len(content)}&supports_s3_credentials=true"
    upload = get(ada, asked, "FileUploadResponse")["multipart_url"]
    etags = [httpx.put(url, content=content).headers["ETag"] for url in upload["urls"]]
    finish = {"upload_id": upload["upload_id"], "etags": etags}
    post(ada, path, "FileMultipartUploadComplete", finish)
    job = {
        "compile_job": {
            "model": {"model_id": key},
            "devices": {"devices": [{"name": "Samsung Galaxy S24"}]},
        }
    }
    created = ada.http.post(
        "jobs/?seed_target_model=True", content=write("Job", job), headers=OFFICIAL
    )
    made = read(created, "CreateUpdateResponse")["id"]
    ada.wait(made)
    found = detail(get(ada, f"jobs/{made}/", "Job"))
    assert found["job_state"] == "JOB_STATE_DONE"
    assert (found["name"], found["options"]) == ("m", "")
    (log,) = get(
        ada, f"jobs/{made}/device_runs/latest/artifact_list/5/", "NamedArtifactDownloadURLList"
    )["artifacts"]
    assert httpx.get(log["url"]).is_success


@pytest.mark.parametrize(
    ("path", "outer", "inner", "member"),
    [
        ("models/{model}/download/", "FileDownloadResponse", "FileDownloadURL", "url"),
        (
            "models/{empty}/multipart_upload/?file_size=9",
            "FileUploadResponse",
            "FileMultipartUploadURL",
            "multipart_url",
        ),
        (
            "datasets/{dataset}/upload_url/?file_size=9",
            "FileUploadResponse",
            "FileUploadURL",
            "url",
        ),
    ],
)
def test_who_cannot_use_credentials_gets_the_bare_message(
    ada: Api, model: str, path: str, outer: str, inner: str, member: str
) -> None:
    dataset = str(ada.post("datasets/", {"name": "d"})["id"])
    path = path.format(model=model, empty=ada.create_model(), dataset=dataset)
    bare = get(ada, path, inner)
    full = get(ada, f"{path}{'&' if '?' in path else '?'}supports_s3_credentials=true", outer)
    assert bare.keys() == full[member].keys()
    assert bare.get("filename") == full[member].get("filename")


def test_what_a_message_leaves_out_is_left_alone(ada: Api) -> None:
    key = ada.create_model("its name")
    path = f"models/{key}/"
    read(ada.http.patch(path, content=b"", headers=OFFICIAL), "CreateUpdateResponse")
    assert ada.get(path)["name"] == "its name"
    body = write("Model", {"name": "another", "model_id": "mzzzzzzz", "is_directory": True})
    read(ada.http.patch(path, content=body, headers=OFFICIAL), "CreateUpdateResponse")
    assert ada.get(path)["name"] == "another"


def test_sharing_answers_with_a_message_even_when_it_ends(ada: Api, bob: Api, model: str) -> None:
    path = f"models/{model}/shared_access/"
    change = write("SharedAccessChange", {"add_email": ["bob@example.com"]})
    read(ada.http.patch(path, content=change, headers=OFFICIAL), "CreateUpdateResponse")
    assert get(bob, f"models/{model}/", "Model")["model_id"] == model
    ended = ada.http.delete(path, headers=OFFICIAL)
    assert ended.status_code == 200
    read(ended, "CreateUpdateResponse")
    assert get(ada, path, "SharedAccess")["email"] == []


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff\xff",
        write("Model", {"name": "n", "model_type": 9999}),
        write("Model", {"name": "n"}),
        write("Model", {"name": "n\x00", "model_type": "MODEL_TYPE_ONNX"}),
        b'{"name": "n", "model_type": "MODEL_TYPE_ONNX"}',
    ],
)
def test_a_message_that_does_not_fit_the_contract_is_refused(ada: Api, content: bytes) -> None:
    answer = ada.http.post("models/", content=content, headers=OFFICIAL)
    assert problem(answer, 400).startswith("body")


def test_a_job_of_no_type_or_of_one_that_is_not_known_is_refused(ada: Api) -> None:
    for content in (b"", b"\xfa\x01\x02\x08\x01"):
        answer = ada.http.post("jobs/", content=content, headers=OFFICIAL)
        assert "exactly one of" in problem(answer, 400)


def test_what_is_json_on_every_wire_takes_no_messages(ada: Api) -> None:
    answer = ada.http.post("users/auth/login/", content=b"", headers=OFFICIAL)
    assert problem(answer, 415) == "Send application/json, not application/x-protobuf."


def test_errors_are_problems_on_either_wire(ada: Api) -> None:
    assert "mzzzzzzz" in problem(ada.http.get("models/mzzzzzzz/", headers=OFFICIAL), 404)
    ada_without_token = httpx.get(str(ada.http.base_url) + "devices/", headers=OFFICIAL)
    assert problem(ada_without_token, 401)
