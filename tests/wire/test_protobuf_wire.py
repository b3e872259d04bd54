"""A client that speaks protobuf, against a scripted server."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from support.scripted_server import Reply, Request, ScriptedServer

from qai_hub import InternalError, JobStatus, RateLimitedError, UserError, wire
from qai_hub import __version__ as version
from qai_hub.client import Client, ClientConfig

PROTOBUF = {"Content-Type": "application/x-protobuf"}
TOKEN = "a-secret-token"
JOB = {
    "link_job": {
        "link_job_id": "jabc12345",
        "user_id": 1,
        "name": "n",
        "options": "",
        "job_state": 77,
        "creation_time": "2026-01-02T03:04:05.000006Z",
    },
    "notices": [],
    "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
    "available_artifacts": [],
}


def message(name: str, value: dict[str, Any], **headers: str) -> Reply:
    content = wire.encode(f"qai_hub.api.{name}", value)
    return Reply(201, content, {**PROTOBUF, **headers})


def client_of(server: ScriptedServer, prefix: str = "") -> Client:
    url = server.url + prefix
    return Client(ClientConfig(TOKEN, url, "http://web.test", wire="protobuf"))


def call(client: Client, operation: str, *args: Any, **kwargs: Any) -> Any:
    from importlib import import_module

    function = import_module(f"qai_hub_api.api.{operation}").sync
    return client._connection.call(function, *args, **kwargs)


def test_a_request_without_a_body_says_which_format_it_wants() -> None:
    with ScriptedServer([message("Job", JOB)]) as server:
        job = client_of(server).get_job("jabc12345")
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/api/v1/jobs/jabc12345/")
    assert request.body == b""
    headers = request.headers
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["authorization"] == f"token {TOKEN}"
    assert headers["client-version"] == "0.56.0"
    assert headers["client-mode"] == "library"
    assert headers["user-agent"].startswith(f"qai-hub-openapi/{version} ")
    assert {"os-type", "os-version", "python-version"} <= headers.keys()
    assert "content-length" not in headers
    assert (job.job_id, job.name) == ("jabc12345", "n")


def test_a_state_that_has_no_name_is_kept() -> None:
    with ScriptedServer([message("Job", JOB)]) as server:
        status = client_of(server).get_job("jabc12345").get_status()
    assert (status.code, status.state.value, status.finished) == ("UNKNOWN_77", 77, False)


def test_a_body_goes_out_as_a_message() -> None:
    from qai_hub_api.models import ModelCreate, ModelType

    created = {"id": "mabc12345", "status": "", "creation_time": "2026-01-02T03:04:05Z"}
    body = ModelCreate(name="é", model_type=ModelType.MODEL_TYPE_ONNX, is_directory=False)
    with ScriptedServer([message("CreateUpdateResponse", created)]) as server:
        answer = call(client_of(server), "projects.create_project_model", "p1", body=body)
    (request,) = server.requests
    assert wire.decode("qai_hub.api.Model", request.body) == {
        "name": "é",
        "model_type": "MODEL_TYPE_ONNX",
        "is_directory": False,
    }
    assert request.headers["content-length"] == str(len(request.body))
    assert answer.id == "mabc12345"


def test_who_announces_no_storage_credentials_gets_a_bare_answer() -> None:
    location = {"url": "https://files.test/x?sig=1", "filename": "m.onnx"}
    with ScriptedServer([message("FileDownloadURL", location)]) as server:
        answer = call(client_of(server), "models.get_model_download", "m1")
    assert server.requests[0].target == "/api/v1/models/m1/download/"
    assert answer.url.to_dict() == location


def test_who_announces_storage_credentials_may_get_them() -> None:
    credentials = {
        "access_key_id": "key",
        "secret_access_key": "secret",
        "session_token": "token",
        "expiration": "2026-01-02T03:04:05.000006Z",
        "bucket": "b",
        "key": "models/m1",
        "region": "us-west-2",
        "use_transfer_acceleration": False,
        "filename": "m.onnx",
    }
    answers = [message("FileDownloadResponse", {"credentials": credentials})]
    with ScriptedServer(answers) as server:
        answer = call(
            client_of(server), "models.get_model_download", "m1", supports_s3_credentials=True
        )
    target = "/api/v1/models/m1/download/?supports_s3_credentials=true"
    assert server.requests[0].target == target
    assert answer.credentials.bucket == "b"
    assert answer.credentials.expiration.microsecond == 6


def test_booleans_are_written_as_the_service_reads_them() -> None:
    devices = message("DeviceList", {"devices": [], "total_query_count": 0})
    with ScriptedServer([devices]) as server:
        call(client_of(server), "devices.list_devices", select=True, attributes=["a:b", "c:d"])
    query = server.requests[0].target.partition("?")[2]
    assert sorted(query.split("&")) == ["attributes=a%3Ab", "attributes=c%3Ad", "select=True"]


def test_what_is_no_message_on_any_wire_stays_json() -> None:
    from qai_hub_api.models import Credentials

    with ScriptedServer([Reply(200, b'{"key": "k"}', {"Content-Type": "application/json"})]) as s:
        answer = call(
            client_of(s), "users.log_in", body=Credentials(email="a@b.test", password="p")
        )
    assert json.loads(s.requests[0].body) == {"email": "a@b.test", "password": "p"}
    assert s.requests[0].headers["content-type"] == "application/json"
    assert answer.key == "k"


def test_answers_may_be_compressed_and_name_their_format_otherwise() -> None:
    content = gzip.compress(wire.encode("qai_hub.api.Job", JOB))
    headers = {
        "Content-Type": "Application/X-Protobuf; charset=binary",
        "Content-Encoding": "gzip",
    }
    with ScriptedServer([Reply(200, content, headers)]) as server:
        assert client_of(server).get_job("jabc12345").name == "n"


def test_a_server_may_stand_under_a_path() -> None:
    with ScriptedServer([message("Job", JOB)]) as server:
        assert client_of(server, "/hub").get_job("jabc12345").name == "n"
    assert server.requests[0].path == "/hub/api/v1/jobs/jabc12345/"


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"\xff\xff\xff", "application/x-protobuf"),
        (b"<html>Log in</html>", "text/html"),
        (b"", "text/plain"),
    ],
)
def test_an_answer_that_is_not_understood_is_an_error(content: bytes, media: str) -> None:
    server = ScriptedServer([Reply(200, content, {"Content-Type": media})])
    with server, pytest.raises(InternalError, match="unexpected body"):
        client_of(server).get_job("jabc12345")


@pytest.mark.parametrize(
    ("status", "media", "body", "text"),
    [
        (400, "application/json", b'{"detail": "too many"}', "too many"),
        (404, "text/html", b"<html>No</html>", "404 Not Found"),
        (404, "application/x-protobuf", b"\x0a\x01x", "404 Not Found"),
        (401, "text/plain", b"No", "refused the API token"),
        (403, "application/problem+json", b'{"detail": "not yours"}', "not yours"),
    ],
)
def test_errors_come_in_any_format(status: int, media: str, body: bytes, text: str) -> None:
    server = ScriptedServer([Reply(status, body, {"Content-Type": media})])
    with server, pytest.raises(UserError, match=text) as caught:
        client_of(server).get_job("jabc12345")
    assert caught.value.status_code == status


def test_a_get_is_sent_again_and_a_post_is_not() -> None:
    from qai_hub_api.models import DatasetCreate

    busy = Reply(503, b"", {"Retry-After": "0"})
    with ScriptedServer([busy, message("Job", JOB)]) as server:
        assert client_of(server).get_job("jabc12345").name == "n"
        assert len(server.requests) == 2
    with ScriptedServer([busy]) as server:
        body = DatasetCreate(name="n", permanent=False)
        with pytest.raises(InternalError, match="may have been carried out"):
            call(client_of(server), "datasets.create_dataset", body=body)
        assert len(server.requests) == 1
        assert "idempotency-key" not in server.requests[0].headers


def test_too_many_requests_are_told() -> None:
    limited = Reply(429, b'{"detail": "slow down"}', {"Content-Type": "application/json"})
    with ScriptedServer([limited]) as server:
        client = client_of(server)
        refused = pytest.raises(RateLimitedError, match="slow down")
        with client._connection.request_limits(retry_rate_limit=False), refused:
            client.get_job("jabc12345")


def test_a_value_that_has_no_number_is_not_sent() -> None:
    from qai_hub_api.models import ModelCreate, ModelType

    body = ModelCreate(name="n", model_type=ModelType("MODEL_TYPE_NEW"), is_directory=False)
    with ScriptedServer([Reply(500)]) as server:
        with pytest.raises(UserError, match="model_type: 'MODEL_TYPE_NEW' is not a ModelType"):
            call(client_of(server), "models.create_model", body=body)
        assert server.requests == []


def test_waiting_in_an_event_loop() -> None:
    done = {**JOB, "link_job": {**JOB["link_job"], "job_state": "JOB_STATE_DONE"}}  # type: ignore[dict-item]

    def answer(request: Request) -> Reply:
        assert request.headers["content-type"] == "application/x-protobuf"
        return message("Job", done)

    with ScriptedServer(answer) as server:
        job = client_of(server).get_job("jabc12345")
        assert asyncio.run(job.wait_async(5)) == JobStatus.State.SUCCESS


def test_one_configuration_may_change_its_wire() -> None:
    devices = {"devices": [], "total_query_count": 0}
    plain = Reply(200, json.dumps(devices).encode(), {"Content-Type": "application/json"})
    with ScriptedServer([message("DeviceList", devices), plain]) as server:
        client = client_of(server)
        client.get_devices()
        client.config.wire = "json"
        client.get_devices()
    first, second = server.requests
    assert first.headers["content-type"] == "application/x-protobuf"
    assert "content-type" not in second.headers
