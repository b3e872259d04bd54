"""Proxies that fail are named, and not asked again in vain."""

import asyncio
import random
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from support.clean_environment import plain_environment
from support.scripted_server import (
    Drop,
    LoopbackServer,
    OpenTunnel,
    Raw,
    Reply,
    ScriptedServer,
    Step,
)
from support.secret_assertions import assert_not_exposed

from qai_hub.config import ClientConfig
from qai_hub.connection import Connection
from qai_hub.errors import Error, InternalError, UserError
from qai_hub.transfer.download import download
from qai_hub.transport.errors import error_from_request_error
from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.session import Session

__all__ = ["plain_environment"]

pytestmark = pytest.mark.usefixtures("plain_environment")
SERVER = "https://hub.invalid"


def get(url: str = SERVER, method: str = "GET") -> Error:
    """What comes of a request, with pauses that take no time."""
    with Session(url, sleep=lambda _: None, policy=RetryPolicy(max_attempts=6)) as session:
        try:
            answer = session.request(method, "/api/x")
        except httpx.RequestError as error:
            return error_from_request_error(error)
        raise AssertionError(answer)


def get_async(url: str = SERVER) -> Error:
    """The same by an event loop."""

    def operation(client: object) -> object:
        return client.get_async_httpx_client().get("/api/x")  # type: ignore[attr-defined]

    async def call() -> object:
        return await Connection(ClientConfig("t", url)).call_async(operation)  # type: ignore[arg-type]

    try:
        answer = asyncio.run(call())
    except Error as error:
        return error
    raise AssertionError(answer)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize("ask", [get, get_async])
@pytest.mark.parametrize("server", [SERVER, "http://hub.invalid"])
@pytest.mark.parametrize("name", ["ALL_PROXY", "https_proxy"])
def test_a_proxy_that_is_not_there(
    plain_environment: pytest.MonkeyPatch, ask: Callable[[str], Error], server: str, name: str
) -> None:
    if name == "https_proxy" and server != SERVER:
        name = "http_proxy"
    place = f"127.0.0.1:{free_port()}"
    plain_environment.setenv(name, f"http://me:s3cret@{place}")
    error = ask(server)
    assert isinstance(error, InternalError)
    assert f"{place}, set by {name}, refuses connections" in str(error)
    assert "NO_PROXY" in str(error)
    assert_not_exposed("s3cret", error)


@pytest.mark.parametrize("ask", [get, get_async])
@pytest.mark.parametrize(
    ("step", "kind", "told", "requests"),
    [
        (Reply(407), UserError, "requires another user name and password", 1),
        (Reply(403), UserError, "does not connect to hub.invalid (403", 1),
        (Reply(405), UserError, "does not connect", 1),
        (Reply(502), InternalError, "does not connect to hub.invalid (502", 2),
        (Drop(), InternalError, "broke the connection", 2),
        (Raw(b"nonsense\r\n\r\n"), InternalError, "broke the connection", 2),
    ],
)
def test_a_proxy_that_opens_no_tunnel(
    plain_environment: pytest.MonkeyPatch,
    ask: Callable[[], Error],
    step: Step,
    kind: type[Error],
    told: str,
    requests: int,
) -> None:
    with ScriptedServer([step]) as proxy:
        plain_environment.setenv("HTTPS_PROXY", proxy.url)
        error = ask()
        assert {request.target for request in proxy.requests} == {"hub.invalid:443"}
        assert len(proxy.requests) == requests
    assert type(error) is kind
    assert proxy.host in str(error)
    assert told in str(error)


def test_a_proxy_that_asks_for_a_login_in_place_of_the_server(
    plain_environment: pytest.MonkeyPatch,
) -> None:
    with ScriptedServer([Reply(407)]) as proxy:
        plain_environment.setenv("HTTP_PROXY", proxy.url)
        error = get("http://hub.invalid")
        assert len(proxy.requests) == 1
        assert proxy.host in str(error)
        assert "(407)" in str(get_async("http://hub.invalid"))


def test_a_refusing_proxy_is_told_of_submits_too(plain_environment: pytest.MonkeyPatch) -> None:
    with ScriptedServer([Reply(502)]) as proxy:
        plain_environment.setenv("HTTPS_PROXY", proxy.url)
        error = get(method="POST")
        assert len(proxy.requests) == 2
    assert "carried out" not in str(error)


def test_a_proxy_without_a_name(plain_environment: pytest.MonkeyPatch) -> None:
    plain_environment.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    assert "proxy.invalid:3128, set by HTTPS_PROXY, cannot be found" in str(get())


def test_a_proxy_that_does_not_speak_tls(plain_environment: pytest.MonkeyPatch) -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(65536)

    with LoopbackServer(greet) as proxy:
        plain_environment.setenv("HTTPS_PROXY", f"https://{proxy.host}")
        assert f"{proxy.host}, set by HTTPS_PROXY, does not speak TLS" in str(get())


def test_silent_proxies_are_given_up_soon(plain_environment: pytest.MonkeyPatch) -> None:
    """Its connection is never taken: the queue of those that wait is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for other in (first, second):
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        plain_environment.setenv("HTTPS_PROXY", f"http://{place}")
        plain_environment.setattr("qai_hub.transport.proxy_transport._CONNECT_LIMIT", 0.1)
        assert f"{place}, set by HTTPS_PROXY, does not answer" in str(get())


def test_proxies_that_never_open_the_tunnel_are_given_up_soon(
    plain_environment: pytest.MonkeyPatch,
) -> None:
    plain_environment.setattr("qai_hub.transport.proxy_transport._TUNNEL_LIMIT", 0.1)
    with ScriptedServer([Reply(200, delay=30)]) as proxy:
        plain_environment.setenv("HTTPS_PROXY", proxy.url)
        assert "does not answer" in str(get())


@contextmanager
def tls_server(script: list[Step], certificate: trustme.LeafCert) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with ScriptedServer(script, tls=context) as server:
        yield server


@pytest.mark.parametrize("own", [True, False])
def test_a_server_behind_a_proxy_answers_for_itself(
    plain_environment: pytest.MonkeyPatch, tmp_path: Path, *, own: bool
) -> None:
    """Its faults are not the proxy's: it breaks off, is slow, or is not trusted."""
    authority = trustme.CA()
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(pem)
    if own:
        plain_environment.setenv("REQUESTS_CA_BUNDLE", str(pem))
    steps: list[Step] = [Reply(200, b"done"), Drop()]
    with (
        tls_server(steps, authority.issue_cert("127.0.0.1")) as server,
        ScriptedServer([OpenTunnel()]) as proxy,
    ):
        plain_environment.setenv("HTTPS_PROXY", proxy.url)
        url = server.url.replace("http:", "https:")
        if own:
            with Session(url, sleep=lambda _: None) as session:
                assert session.get("/").text == "done"
                with pytest.raises(httpx.RemoteProtocolError):
                    session.get("/")
            assert proxy.targets[0] == server.host
        else:
            assert f"certificate of {server.host} is not trusted" in str(get(url))


def test_a_proxy_of_tls_whose_certificate_is_not_trusted(
    plain_environment: pytest.MonkeyPatch,
) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    with tls_server([Reply(200)], certificate) as proxy:
        plain_environment.setenv("HTTPS_PROXY", proxy.url.replace("http:", "https:"))
        error = get()
    assert f"{proxy.host}, set by HTTPS_PROXY, has an untrusted certificate" in str(error)


def test_a_variable_that_is_set_later_counts_at_the_next_call(
    plain_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def raw(client: object) -> httpx.Response:
        answer: httpx.Response = client.get_httpx_client().get("/x")  # type: ignore[attr-defined]
        return answer

    with ScriptedServer([Reply(200, b"server")]) as server, ScriptedServer([Reply(407)]) as proxy:
        connection = Connection(ClientConfig("t", server.url))
        files = connection.files

        def fetch() -> bytes:
            return Path(files.download(server.url, str(tmp_path / "f"), "f")).read_bytes()

        for _ in range(2):
            plain_environment.setenv("HTTP_PROXY", proxy.url)
            for use in (lambda: connection.call(raw), fetch):
                with pytest.raises(UserError, match=re.escape(proxy.host)):
                    use()
            assert proxy.host in str(get_async(server.url))
            plain_environment.setenv("NO_PROXY", "127.0.0.0/8")
            assert connection.call(raw).text == "server"
            assert fetch() == b"server"
            plain_environment.delenv("NO_PROXY")
        plain_environment.delenv("HTTP_PROXY")
        assert connection.call(raw).text == "server"
        connection.close()


def test_a_download_by_a_failing_proxy(
    plain_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = time.monotonic()
    place = f"127.0.0.1:{free_port()}"
    plain_environment.setenv("HTTPS_PROXY", place)
    with (
        Session(policy=RetryPolicy(max_attempts=8), rng=random.Random(1)) as session,
        pytest.raises(InternalError, match=re.escape(place)),
    ):
        download(session, "https://store.invalid/f?signature=s3cret", tmp_path / "f")
    assert time.monotonic() - started < 30
    assert list(tmp_path.iterdir()) == []
