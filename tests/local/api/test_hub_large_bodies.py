"""What is too large is refused before it is read, and its sender gets to read why."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from support.hub_http import Api, problem

from qai_hub.local import LocalHub
from qai_hub.local.contract import Contract
from qai_hub.local.contract.document import Operation

BOUNDED = [each for each in Contract.load().operations if each.body and each.body.max_bytes]
KEYS = {"model_id": "m00000000", "dataset_id": "d00000000", "job_id": "j00000000"}
LOGIN = "/api/v1/users/auth/login/"
each_bounded = pytest.mark.parametrize("operation", BOUNDED, ids=lambda each: each.id)
SECURED = [operation for operation in BOUNDED if operation.secured]
each_secured = pytest.mark.parametrize("operation", SECURED, ids=lambda each: each.id)


def path_of(operation: Operation, api: Api) -> str:
    project = api.get("users/auth/user/")["default_project_id"]
    return operation.path.format(**KEYS, project_id=project)


def exchange(hub: LocalHub, *sent: bytes) -> httpx.Response:
    """Send bytes; return the answer to them."""
    host, port = urlsplit(hub.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for each in sent:
            connection.sendall(each)
        head, _, body = b"".join(received(connection)).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return httpx.Response(int(first.split()[1]), headers=headers, content=body)


def received(connection: socket.socket) -> Iterator[bytes]:
    while chunk := connection.recv(1 << 16):
        yield chunk
        if chunk.endswith(b"}"):
            return


def head(hub: LocalHub, method: str, path: str, **headers: str) -> bytes:
    names = {"Host": urlsplit(hub.url).netloc, "Content_Type": "application/json", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in names.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


@each_bounded
def test_what_is_announced_as_too_large_is_refused_before_it_comes(
    hub: LocalHub, ada: Api, operation: Operation
) -> None:
    assert operation.body is not None
    limit = operation.body.max_bytes or 0
    headers = {"Content_Length": str(limit + 1)}
    if operation.secured:
        headers["Authorization"] = f"token {hub.token('ada@example.com')}"
    answer = exchange(hub, head(hub, operation.method, path_of(operation, ada), **headers))
    assert f"more than {limit} bytes" in problem(answer, 413)


@each_bounded
def test_what_turns_out_too_large_is_refused_as_soon_as_it_does(
    hub: LocalHub, ada: Api, operation: Operation
) -> None:
    assert operation.body is not None
    headers = {"Transfer_Encoding": "chunked"}
    if operation.secured:
        headers["Authorization"] = f"token {hub.token('ada@example.com')}"
    size = (operation.body.max_bytes or 0) + 1
    # The end of the body never comes.
    chunk = b"%x\r\n" % size + b" " * size + b"\r\n"
    path = path_of(operation, ada)
    problem(exchange(hub, head(hub, operation.method, path, **headers), chunk), 413)


@each_secured
def test_nobody_without_a_token_sends_a_body(hub: LocalHub, ada: Api, operation: Operation) -> None:
    path = path_of(operation, ada)
    answer = exchange(hub, head(hub, operation.method, path, Content_Length="100"))
    problem(answer, 401)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("PUT", "parts/1/", "application/octet-stream"),
        ("POST", "form/", "multipart/form-data; boundary=x"),
    ],
)
def test_nobody_without_a_signature_sends_a_file(
    hub: LocalHub, method: str, path: str, kind: str
) -> None:
    target = f"/api/v1/storage/uploads/u1234abcd/{path}?signature=wrong"
    headers = {"Content_Length": "100", "Content_Type": kind}
    answer = exchange(hub, head(hub, method, target, **headers))
    assert "signature" in problem(answer, 403)


def test_every_client_gets_to_read_why(hub: LocalHub) -> None:
    content, url = b"[" + b"1," * (4 << 20), f"{hub.url}{LOGIN}"
    headers = {"Content-Type": "application/json"}
    assert "8192" in problem(httpx.post(url, content=content, headers=headers), 413)
    assert requests.post(url, data=content, headers=headers, timeout=20).status_code == 413
    # This one asks for the connection to be closed.
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, content, headers), timeout=20)
    with caught.value as answer:
        assert answer.code == 413


def test_the_next_request_of_a_client_is_served(hub: LocalHub) -> None:
    with httpx.Client(base_url=hub.url) as client:
        for _ in range(3):
            content = b"x" * 100_000
            headers = {"Content-Type": "application/json"}
            assert client.post(LOGIN, content=content, headers=headers).status_code == 413
            assert client.get("/healthz").status_code == 200


def test_a_compressed_body_is_not_read(ada: Api) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    refused = ada.http.post("models/", content=b"\x1f\x8b", headers=headers)
    assert '"gzip"' in problem(refused, 415)


def test_large_bodies_that_fit_are_taken(ada: Api, model: str) -> None:
    key, _ = ada.compile(model, options="x" * 65_536)
    assert len(ada.job(key)["options"]) == 65_536
    emails = [f"{'x' * 50}{number}@example.com" for number in range(100)]
    ada.patch(f"jobs/{key}/shared_access/", {"add_email": emails})
    assert len(ada.get(f"jobs/{key}/shared_access/")["email"]) == 100


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "content",
    [json.dumps(nested(depth)) for depth in (100, 500, 900)]
    + ["[" * 30_000, '{"a":' * 30_000, "1" * 100_000, "[" + "1" * 4000 + "e1]"],
)
def test_odd_json_is_refused_in_few_words(ada: Api, content: str) -> None:
    headers = {"Content-Type": "application/json"}
    refused = ada.http.post("jobs/", content=content, headers=headers)
    assert len(problem(refused, 400)) < 1000


def test_a_message_of_very_many_is_refused_before_they_are_read(ada: Api) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    # A compile job whose list of devices has 100,000 empty ones.
    devices = b"\x0a\x00" * 100_000
    job = b"\x3a\xc0\x9a\x0c" + devices
    job = b"\x22" + b"\xc4\x9a\x0c" + job
    refused = ada.http.post("jobs/", content=job, headers=headers)
    assert "/compile_job/devices/devices: has more than" in problem(refused, 400)
