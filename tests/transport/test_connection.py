"""What the facade sends its requests with, towards a real server and the generated client."""

import json
import logging
import platform
import socket
import ssl
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from qai_hub_api.api.jobs import create_job, get_job
from qai_hub_api.api.users import get_user
from qai_hub_api.client import Client as GeneratedClient
from qai_hub_api.errors import ApiError
from qai_hub_api.models import JobSubmit
from support.job_hub import JobHub
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step

from qai_hub._version import __version__
from qai_hub.client import Client
from qai_hub.config import ClientConfig
from qai_hub.connection import Connection, resolve_wire
from qai_hub.errors import InternalError, InvalidValueError, RateLimitedError, UserError

TOKEN = "s3cret-token"
JSON = {"Content-Type": "application/json"}
USER = Reply(
    200,
    b'{"id": 1, "first_name": "A", "last_name": "B", "email": "a@b.c", "org_id": 1}',
    JSON,
)


def config_of(server: ScriptedServer, token: str = TOKEN) -> ClientConfig:
    return ClientConfig(token, server.url, "https://web.example")


def get_raw(client: GeneratedClient, path: str) -> httpx.Response:
    """Stands for a generated operation, whose shape does not matter here."""
    response = client.get_httpx_client().request("GET", path)
    if not response.is_success:
        raise ApiError.of(response)
    return response


def post_raw(client: GeneratedClient, path: str) -> httpx.Response:
    response = client.get_httpx_client().request("POST", path, json={})
    if not response.is_success:
        raise ApiError.of(response)
    return response


def test_what_each_request_says() -> None:
    with ScriptedServer([Reply(200)]) as server:
        connection = Connection(config_of(server))
        connection.call(get_raw, "/api/v1/x/")
        (request,) = server.requests
        connection.close()
    assert request.target == "/api/v1/x/"
    assert request.headers["authorization"] == f"token {TOKEN}"
    assert request.headers["accept"] == "application/json"
    assert request.headers["client-version"] == "0.56.0"
    assert request.headers["user-agent"] == (
        f"qai-hub-openapi/{__version__} python/{platform.python_version()} "
        f"httpx/{httpx.__version__}"
    )


def test_generated_operations_are_called_with_their_arguments() -> None:
    with ScriptedServer([USER, Reply(200, b"[]")]) as server:
        connection = Connection(config_of(server))
        user = connection.call(get_user.sync)
        assert user.email == "a@b.c"
        with pytest.raises(InternalError, match="unexpected body"):
            connection.call(get_job.sync, "j1/../x", prefer="wait=3")
        connection.close()
        asked = server.requests[-1]
    assert asked.target == "/api/v1/jobs/j1%2F..%2Fx/"
    assert asked.headers["prefer"] == "wait=3"


def test_a_prefix_of_the_address_is_kept() -> None:
    with ScriptedServer([Reply(200)]) as server:
        connection = Connection(ClientConfig(TOKEN, f"{server.url}/prefix"))
        connection.call(get_raw, "/api/v1/x/")
        assert server.requests[0].target == "/prefix/api/v1/x/"
        connection.close()


def test_one_submit_makes_one_job_over_a_broken_connection() -> None:
    jobs: dict[str, str] = {}
    steps: list[Step | None] = [Drop(), Reply(503), None]

    def serve(request: Request) -> Step:
        job = jobs.setdefault(request.headers["idempotency-key"], f"j{len(jobs)}")
        body = {"id": job, "status": "", "creation_time": "2026-01-02T03:04:05Z"}
        answer = Reply(201, json.dumps(body).encode(), JSON)
        return (steps.pop(0) if steps else None) or answer

    with ScriptedServer(serve) as server:
        connection = Connection(config_of(server))
        made = connection.call(create_job.sync, body=JobSubmit())
        connection.close()
        assert len(server.requests) == 3
    assert made.id == "j0"
    assert len(jobs) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        (Reply(401), UserError, "`qai-hub users renew EMAIL`"),
        (
            Reply(404, b'{"detail": "No such job."}', {"Content-Type": "application/problem+json"}),
            UserError,
            "No such job.",
        ),
        (Reply(301), UserError, "check api_url"),
        (Reply(501, b"<html>"), InternalError, "501"),
    ],
)
def test_answers_become_errors(reply: Reply, kind: type[Exception], told: str) -> None:
    with ScriptedServer([reply]) as server:
        connection = Connection(config_of(server))
        with pytest.raises(kind) as caught:
            connection.call(get_raw, "/api/v1/x/")
        connection.close()
    assert type(caught.value) is kind
    assert told in str(caught.value)
    assert isinstance(caught.value.__cause__, ApiError)


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    connection = Connection(ClientConfig(TOKEN, f"http://{host}"))
    with (
        connection.single_request(1.0),
        pytest.raises(InternalError, match=f"Could not connect to {host}") as caught,
    ):
        connection.call(post_raw, "/api/v1/jobs/")
    assert "carried out" not in str(caught.value)
    # People are shown their own code and the reason, not the insides of httpx.
    assert "httpx" not in "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value.__context__, httpx.ConnectError)
    connection.close()


def test_an_ambiguous_submit_says_where_to_look() -> None:
    with ScriptedServer([Drop()]) as server:
        connection = Connection(config_of(server))
        with (
            connection.single_request(5.0),
            pytest.raises(InternalError, match=r"carried out.*https://web\.example"),
        ):
            connection.call(post_raw, "/api/v1/jobs/")
        assert len(server.requests) == 1
        connection.close()


def test_a_slow_server() -> None:
    with ScriptedServer([Reply(delay=5)]) as server:
        connection = Connection(config_of(server))
        with (
            connection.single_request(0.1),
            pytest.raises(InternalError, match="Timeout occurred while communicating with 127"),
        ):
            connection.call(get_raw, "/")
        connection.close()


def test_rate_limits_are_raised_on_request() -> None:
    with ScriptedServer([Reply(429, headers={"Retry-After": "7"}), Reply(200)]) as server:
        connection = Connection(config_of(server))
        with (
            connection.request_limits(retry_rate_limit=False),
            pytest.raises(RateLimitedError) as caught,
        ):
            connection.call(get_raw, "/")
        connection.close()
    assert caught.value.retry_after == 7.0


def test_a_certificate_that_is_not_trusted() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parent.parent / "data/untrusted.pem")
    with ScriptedServer([Reply()], tls=context) as server:
        connection = Connection(ClientConfig(TOKEN, server.url))
        with pytest.raises(UserError, match=r"certificate of .* not trusted.*SSL_CERT_FILE"):
            connection.call(get_raw, "/")
        connection.close()
        assert server.requests == []


def test_a_certificate_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    pem = Path(__file__).parent.parent / "data/untrusted.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with ScriptedServer([Reply(body=b"ok")], tls=context) as server:
        connection = Connection(ClientConfig(TOKEN, server.url))
        assert connection.call(get_raw, "/").text == "ok"
        connection.close()


def test_transports_of_one_configuration_share_connections() -> None:
    with ScriptedServer([Reply(200)]) as server:
        for _ in range(10):
            Connection(config_of(server)).call(get_raw, "/")
        assert server.connections == 1
        with ThreadPoolExecutor(20) as threads:
            list(threads.map(lambda _: Connection(config_of(server)).call(get_raw, "/"), range(60)))
        assert server.connections <= 20
        Connection(config_of(server)).close()
        Connection(config_of(server)).call(get_raw, "/")
        Connection(config_of(server)).close()


def test_a_new_token_is_used_at_once() -> None:
    with ScriptedServer([Reply(200)]) as server:
        config = config_of(server)
        connection = Connection(config)
        connection.call(get_raw, "/")
        connection.close()
        config.api_token = "other"
        connection.call(get_raw, "/")
        connection.close()
        sent = [request.headers["authorization"] for request in server.requests]
    assert sent == [f"token {TOKEN}", "token other"]


def test_no_token_no_request() -> None:
    with ScriptedServer([Reply(200)]) as server:
        with pytest.raises(UserError, match="QAI_HUB_API_TOKEN"):
            Connection(config_of(server, "")).call(get_raw, "/")
        assert server.connections == 0


def test_a_client_keeps_its_connection_until_its_configuration_is_replaced() -> None:
    client = Client(ClientConfig(TOKEN, "http://127.0.0.1:9"))
    first = client._connection
    assert client._connection is first
    client.set_verbose()
    assert client._connection is not first
    assert client._connection.config is client.config


def test_a_call_is_wrapped_although_the_connection_was_made_before() -> None:
    seen: list[object] = []
    with ScriptedServer([USER, USER]) as server:
        client = Client(config_of(server))
        client._connection.call(get_user.sync)
        plain = client._api_call

        def wrapped(function: Any, *args: Any, **kwargs: Any) -> Any:
            seen.extend(args)
            return plain(function, *args, **kwargs)

        with mock.patch.object(client, "_api_call", wrapped):
            client._connection.call(get_user.sync)
        client.close()
    assert seen == [get_user.sync]


@pytest.mark.parametrize(
    ("url", "wire", "spoken"),
    [
        ("http://127.0.0.1:8642", "auto", "json"),
        ("https://hub.example.com", "auto", "json"),
        ("https://notaihub.qualcomm.com", "auto", "json"),
        ("https://aihub.qualcomm.com.example.com", "auto", "json"),
        ("https://workbench.aihub.qualcomm.com", "json", "json"),
        ("https://workbench.aihub.qualcomm.com", "auto", "protobuf"),
        ("https://WORKBENCH.AIHUB.QUALCOMM.COM:443", "auto", "protobuf"),
        ("https://aihub.qualcomm.com", "auto", "protobuf"),
        ("http://127.0.0.1:8642", "protobuf", "protobuf"),
    ],
)
def test_the_wire_is_told_by_the_address(url: str, wire: str, spoken: str) -> None:
    config = ClientConfig(TOKEN, url, wire=wire)  # type: ignore[arg-type]
    assert resolve_wire(config) == spoken


def test_the_token_is_in_no_log_and_no_exception(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedServer([Reply(200), Reply(400)]) as server:
        connection = Connection(config_of(server))
        connection.call(get_raw, "/")
        with pytest.raises(UserError) as caught:
            connection.call(get_raw, "/")
        connection.close()
    chain: BaseException | None = caught.value
    while chain is not None:
        assert TOKEN not in f"{chain} {chain!r}"
        chain = chain.__cause__
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(connection) + repr(vars(connection))


# -- files ---------------------------------------------------------------------------------------


@pytest.fixture
def connection() -> Connection:
    return Connection(ClientConfig(TOKEN, "http://127.0.0.1:9"))


def test_files_go_up_without_the_token(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"x" * 10)
    with ScriptedServer([Reply(200, headers={"ETag": '"t"'})]) as server:
        assert connection.files.upload_parts(path, [server.url] * 2, 5) == ['"t"', '"t"']
        connection.files.upload_form(path, server.url, "file", {"key": "k"})
        requests = server.requests
    assert [request.method for request in requests] == ["PUT", "PUT", "POST"]
    for request in requests:
        assert "authorization" not in request.headers
        assert "idempotency-key" not in request.headers
        assert request.headers["user-agent"].startswith("qai-hub-openapi/")


def test_a_file_comes_down_to_a_path(connection: Connection, tmp_path: Path) -> None:
    archive = b"PK\x03\x04new"
    with ScriptedServer([Reply(200, archive)]) as server:
        path = connection.files.download(server.url, str(tmp_path / "out/a"), "model.onnx.zip")
        assert path == str(tmp_path / "out/a.onnx.zip")
        Path(path).write_bytes(b"old")
        assert connection.files.download(server.url, path, "model.onnx.zip") == path
        assert Path(path).read_bytes() == archive
        assert "authorization" not in server.requests[0].headers


def test_a_file_comes_down_to_a_folder_beside_what_is_there(
    connection: Connection, tmp_path: Path
) -> None:
    with ScriptedServer([Reply(200, b"new")]) as server:
        paths = [connection.files.download(server.url, str(tmp_path), "../m.bin") for _ in range(2)]
    assert paths == [str(tmp_path / "m.bin"), str(tmp_path / "m_1.bin")]
    with ScriptedServer([Reply(404)]) as server, pytest.raises(UserError):
        connection.files.download(server.url, str(tmp_path), "m.bin")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.bin", "m_1.bin"]


def test_files_come_down_into_a_folder_in_place_of_old_ones(
    connection: Connection, tmp_path: Path
) -> None:
    with ScriptedServer([Reply(200, b"new")]) as server:
        for _ in range(2):
            path = connection.files.download_into(
                server.url, str(tmp_path / "logs"), "/etc/hub.log"
            )
    assert path == str(tmp_path / "logs/hub.log")
    assert [other.name for other in (tmp_path / "logs").iterdir()] == ["hub.log"]


def test_a_home_folder_is_found(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with ScriptedServer([Reply(200, b"new")]) as server:
        assert connection.files.download(server.url, "~/a", "m.bin") == str(tmp_path / "a.bin")


def test_many_waits_do_not_keep_other_requests_waiting() -> None:
    def answer(request: Request) -> Step:
        return Reply(200, delay=1.5 if "slow" in request.target else 0.0)

    with ScriptedServer(answer) as server, ThreadPoolExecutor(110) as pool:
        connection = Connection(config_of(server))
        slow = [pool.submit(connection.call, get_raw, "/slow/") for _ in range(105)]
        deadline = time.monotonic() + 20
        while server.connections < 105 and time.monotonic() < deadline:
            time.sleep(0.01)
        connection.call(get_raw, "/quick/")
        assert server.connections == 106
        assert all(future.result().is_success for future in slow)
        connection.close()


def test_a_text_that_is_none_is_shown_and_not_sent() -> None:
    with JobHub() as hub:
        job = hub.client().get_job("jabcdefg1")
        with pytest.raises(InvalidValueError) as caught:
            job.set_name("caf\udce9")
    assert str(caught.value) == (
        r"An argument cannot be sent: '\udce9' in it is no text, but stands for bytes that are not "
        "UTF-8."
    )
