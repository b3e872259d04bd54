"""Answers that send elsewhere."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_server import Reply, Request, ScriptedServer, Step
from support.transfer_fixtures import CONTENT, SECRET, file, session

from qai_hub.config import ClientConfig
from qai_hub.connection import Connection
from qai_hub.errors import InternalError, UserError
from qai_hub.transfer.download import download
from qai_hub.transfer.upload import upload_form, upload_parts
from qai_hub.transport.redirects import MAX_REDIRECTS, build_redirect_request
from qai_hub.transport.session import Session

__all__ = ["file", "session"]

TOKEN = "t0ken"
OK = Reply(200, b"done", {"ETag": '"tag"'})


def moved(status: int, location: str) -> Callable[[Request], Step]:
    """Sends on from /old, and answers elsewhere."""

    def serve(request: Request) -> Step:
        return Reply(status, headers={"Location": location}) if request.path == "/old" else OK

    return serve


def send(url: str, method: str, wire: str) -> str:
    def operation(client: object) -> str:
        answer: httpx.Response = client.get_httpx_client().request(  # type: ignore[attr-defined]
            method, "/old", content=b"body" if method in {"POST", "PATCH"} else None
        )
        return answer.text

    config = ClientConfig(TOKEN, url, wire=wire)  # type: ignore[arg-type]
    connection = Connection(config)
    try:
        return connection.call(operation)
    finally:
        connection.close()


def send_async(url: str, method: str, wire: str) -> str:
    async def operation(client: object) -> str:
        answer: httpx.Response = await client.get_async_httpx_client().request(  # type: ignore[attr-defined]
            method, "/old", content=b"body" if method in {"POST", "PATCH"} else None
        )
        return answer.text

    config = ClientConfig(TOKEN, url, wire=wire)  # type: ignore[arg-type]

    async def call() -> str:
        return await Connection(config).call_async(operation)

    return asyncio.run(call())


Send = Callable[[str, str, str], str]


@pytest.mark.parametrize("send", [send, send_async])
@pytest.mark.parametrize("wire", ["json", "protobuf"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [307, 308])
def test_on_the_same_server_all_goes_along(send: Send, wire: str, method: str, status: int) -> None:
    with ScriptedServer(moved(status, "/new?x=1")) as server:
        assert send(server.url, method, wire) == "done"
        first, second = server.requests
    assert second.target == "/new?x=1"
    assert (second.method, second.body) == (first.method, first.body)
    kept = {name: value for name, value in first.headers.items() if name != "idempotency-key"}
    assert second.headers["authorization"] == f"token {TOKEN}"
    assert kept.items() <= second.headers.items()
    assert second.headers.get("idempotency-key") == first.headers.get("idempotency-key")


@pytest.mark.parametrize("send", [send, send_async])
@pytest.mark.parametrize("status", [301, 302, 303])
def test_what_would_become_another_request_is_refused(send: Send, status: int) -> None:
    with ScriptedServer(moved(status, "/new")) as server:
        assert send(server.url, "GET", "json") == "done"
        for method in ("POST", "PATCH", "DELETE"):
            with pytest.raises(UserError, match=f"answered {status} to {method} /old") as caught:
                send(server.url, method, "json")
            assert caught.value.status_code == status
        assert [request.path for request in server.requests].count("/new") == 1


@pytest.mark.parametrize("send", [send, send_async])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_server_gets_nothing(send: Send, status: int) -> None:
    with (
        ScriptedServer([OK]) as other,
        ScriptedServer(moved(status, f"{other.url}/x?secret=1")) as server,
    ):
        with pytest.raises(UserError, match=f"{other.url}. The API token is not sent") as caught:
            send(server.url, "GET", "json")
        assert other.connections == 0
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("send", [send, send_async])
def test_circles_end(send: Send) -> None:
    with ScriptedServer([Reply(307, headers={"Location": "/old"})]) as server:
        with pytest.raises(InternalError, match="redirects more than 5 times"):
            send(server.url, "GET", "json")
        assert len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("headers", [{}, {"Location": ""}])
def test_redirects_to_nowhere(headers: dict[str, str]) -> None:
    def raw(client: object) -> int:
        answer: httpx.Response = client.get_httpx_client().get("/x")  # type: ignore[attr-defined]
        return answer.status_code

    with ScriptedServer([Reply(307, headers=headers)]) as server:
        connection = Connection(ClientConfig(TOKEN, server.url))
        if headers:
            with pytest.raises(InternalError, match="redirects more than 5 times"):
                connection.call(raw)
        else:
            assert connection.call(raw) == 307
        connection.close()


scheme = st.sampled_from(["http", "https"])
host = st.sampled_from(["a.example", "b.example", "127.0.0.1"])
port = st.sampled_from(["", ":80", ":443", ":8080"])


@given(scheme, host, port, scheme, host, port, st.sampled_from(["", "user:pass@"]))
def test_a_token_stays_on_its_server(
    scheme: str, host: str, port: str, to_scheme: str, to_host: str, to_port: str, user: str
) -> None:
    """Or goes from HTTP to HTTPS, on the usual ports; never back."""
    request = httpx.Request("GET", f"{scheme}://{host}{port}/x", headers={"Authorization": "t"})
    location = f"{to_scheme}://{user}{to_host}{to_port}/y"
    response = httpx.Response(307, headers={"Location": location}, request=request)
    usual = {"http": 80, "https": 443}
    one = (scheme, int(port[1:] or usual[scheme]))
    other = (to_scheme, int(to_port[1:] or usual[to_scheme]))
    upgrade = (one, other) == (("http", 80), ("https", 443))
    if host == to_host and (one == other or upgrade):
        following = build_redirect_request(request, response)
        assert following is not None
        assert following.url.scheme == to_scheme
        assert following.url.userinfo == b""
    else:
        with pytest.raises(UserError):
            build_redirect_request(request, response)


@pytest.mark.parametrize("status", [307, 308])
def test_parts_go_where_the_store_sends(session: Session, file: Path, status: int) -> None:
    with (
        ScriptedServer([OK]) as other,
        ScriptedServer([Reply(status, headers={"Location": f"{other.url}/p{SECRET}"})]) as server,
    ):
        assert upload_parts(session, file, [f"{server.url}/part"], 10**9) == ['"tag"']
        upload_form(session, file, f"{server.url}/form", "file", {"key": "k"})
        part, form = other.requests
    assert (part.method, part.target, part.body) == ("PUT", f"/p{SECRET}", CONTENT)
    assert form.method == "POST"
    assert CONTENT in form.body


@pytest.mark.parametrize("status", [301, 302, 303])
def test_parts_are_not_sent_as_something_else(session: Session, file: Path, status: int) -> None:
    with ScriptedServer(moved(status, "/new")) as server:
        with pytest.raises(InternalError, match=f"answered {status}"):
            upload_parts(session, file, [f"{server.url}/old"], 10**9)
        assert len(server.requests) == 1


def test_a_store_that_sends_nowhere(session: Session, file: Path) -> None:
    body = b"<Error><Code>PermanentRedirect</Code><Endpoint>e</Endpoint></Error>"
    with (
        ScriptedServer([Reply(301, body)]) as server,
        pytest.raises(InternalError, match="PermanentRedirect"),
    ):
        upload_parts(session, file, [f"{server.url}/part"], 10**9)


def test_a_store_that_sends_in_circles(session: Session, file: Path) -> None:
    with ScriptedServer([Reply(307, headers={"Location": f"/part{SECRET}"})]) as server:
        with pytest.raises(InternalError, match="redirects more than 5 times") as caught:
            upload_parts(session, file, [f"{server.url}/part"], 10**9)
        assert len(server.requests) == MAX_REDIRECTS + 1
    assert re.search("s3cret", str(caught.value)) is None


def test_files_do_not_go_from_https_to_http(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "http://store.example/f"})

    with (
        Session(transport=httpx.MockTransport(answer)) as session,
        pytest.raises(InternalError, match="unencrypted"),
    ):
        download(session, "https://store.example/f", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
