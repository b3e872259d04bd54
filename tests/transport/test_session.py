"""What is sent again and what is not, against a server that breaks off."""

import logging
import random
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clean_environment import plain_environment
from support.scripted_server import Drop, Raw, Refuse, Reply, Script, ScriptedServer, Step

from qai_hub.transport.retry import RetryBudget, RetryPolicy, parse_retry_after
from qai_hub.transport.session import Session, request_limits

__all__ = ["plain_environment"]

OK = Reply(200, b"done")
TRUST = httpx.create_ssl_context()


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Client:
    """A session with a clock of its own, towards a scripted server."""

    def __init__(self, server: ScriptedServer, **options: Any) -> None:
        self.clock = Clock()
        self.session = Session(
            server.url,
            clock=self.clock,
            sleep=self.clock.sleep,
            wall=lambda: 1_000_000_000.0,
            rng=random.Random(1),
            verify=TRUST,
            **options,
        )

    def send(self, method: str, **options: Any) -> int:
        try:
            return self.session.request(method, "/x/", **options).status_code
        finally:
            self.session.close()


def run(script: Script, method: str = "GET", **options: Any) -> tuple[list[str], int | str]:
    """Sends one request; which methods arrived, and the status or the kind of fault."""
    keys = {k: options.pop(k) for k in ("idempotent_posts", "policy") if k in options}
    with ScriptedServer(script) as server:
        try:
            outcome: int | str = Client(server, **keys).send(method, **options)
        except httpx.TransportError as error:
            outcome = type(error).__name__
        return [request.method for request in server.requests], outcome


IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE"]
ONCE = ["POST", "PATCH"]
PASSING = [408, 429, 500, 502, 503, 504]


@pytest.mark.parametrize("method", IDEMPOTENT)
@pytest.mark.parametrize(
    "fault", [Drop(), Raw(b""), Raw(b"HTTP/1.1 200"), Raw(b"nonsense\r\n\r\n")]
)
def test_broken_exchanges_are_repeated(method: str, fault: Step) -> None:
    assert run([fault, fault, OK], method) == ([method] * 3, 200)


@pytest.mark.parametrize("method", IDEMPOTENT)
@pytest.mark.parametrize("status", PASSING)
def test_passing_statuses_are_repeated(method: str, status: int) -> None:
    assert run([Reply(status), OK], method) == ([method] * 2, 200)


@pytest.mark.parametrize("method", IDEMPOTENT + ONCE)
@pytest.mark.parametrize(
    "status", [200, 201, 204, 302, 400, 401, 403, 404, 409, 422, 426, 501, 505]
)
def test_other_statuses_are_answers(method: str, status: int) -> None:
    reply = Reply(status, headers={"Location": "/y"} if status == 302 else {})
    assert run([reply, OK], method, idempotent_posts=True) == ([method], status)


@pytest.mark.parametrize("method", ONCE)
@pytest.mark.parametrize(
    "fault", [Drop(), Refuse(), Raw(b"HTTP/1.1 200"), Raw(b"nonsense\r\n\r\n")]
)
def test_a_post_that_may_have_been_carried_out_is_not_repeated(method: str, fault: Step) -> None:
    methods, outcome = run([fault, OK], method, json={"a": 1})
    assert methods == [method]
    assert outcome in {"RemoteProtocolError", "ReadError"}


@pytest.mark.parametrize("method", ONCE)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_post_that_failed_is_not_repeated(method: str, status: int) -> None:
    assert run([Reply(status), OK], method, json={}) == ([method], status)


@pytest.mark.parametrize("method", ONCE)
def test_a_post_that_was_refused_is_repeated(method: str) -> None:
    assert run([Reply(429), OK], method, json={}) == ([method] * 2, 200)


@pytest.mark.parametrize("status", PASSING)
def test_a_post_with_a_key_is_repeated(status: int) -> None:
    assert run([Reply(status), OK], "POST", json={}, idempotent_posts=True) == (["POST"] * 2, 200)
    assert run([Drop(), OK], "POST", json={}, idempotent_posts=True) == (["POST"] * 2, 200)
    assert run([Drop(), OK], "PATCH", json={}, idempotent_posts=True)[0] == ["PATCH"]
    assert run([Drop(), OK], "POST", json={}, headers={"Idempotency-Key": "k"})[0] == ["POST"]


def test_one_post_has_one_key_and_the_next_another() -> None:
    with ScriptedServer([Drop(), Reply(503), OK]) as server:
        client = Client(server, idempotent_posts=True)
        client.session.post("/x/", json={"a": 1})
        client.session.post("/x/", json={"a": 1})
        client.session.post("/x/", headers={"Idempotency-Key": "mine"})
        client.send("GET")
        keys = [request.headers.get("idempotency-key") for request in server.requests]
        bodies = [request.body for request in server.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert all(key and len(key) == 36 for key in keys[:4])
    assert keys[4:] == ["mine", None]
    assert bodies[0] == bodies[1] == bodies[2] == b'{"a":1}'


@pytest.mark.parametrize("method", IDEMPOTENT + ONCE)
def test_a_server_on_this_machine_that_was_there_is_tried_again(method: str) -> None:
    clock = Clock()
    server = ScriptedServer([OK])
    with Session(server.url, clock=clock, sleep=clock.sleep, rng=random.Random(1)) as session:
        with server:
            session.get("/")
        with pytest.raises(httpx.ConnectError) as caught:
            session.request(method, "/", json={})
    assert len(clock.slept) == 5
    assert "maybe_processed" not in caught.value.request.extensions


def test_a_server_on_this_machine_that_never_was_there_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    clock = Clock()
    session = Session(url, clock=clock, sleep=clock.sleep)
    with session, pytest.raises(httpx.ConnectError):
        session.get("/")
    assert clock.slept == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_body_that_can_be_read_once_is_sent_once(method: str) -> None:
    def body() -> Iterator[bytes]:
        yield b"a"

    headers = {"Idempotency-Key": "k"}
    for fault in (Drop(), Reply(503), Reply(429)):
        methods, _ = run(
            [fault, OK], method, content=body(), headers=headers, idempotent_posts=True
        )
        assert methods == [method]


def test_a_sender_can_vouch_for_its_body() -> None:
    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"abc"

    with ScriptedServer([Drop(), Reply(503), OK]) as server:
        options = {"content": Body(), "extensions": {"repeatable": True}}
        assert Client(server).send("POST", **options) == 200
        assert [request.body for request in server.requests] == [b"abc"] * 3


def test_an_ambiguous_fault_is_remembered() -> None:
    """The first try may have been carried out even if the last one did not reach the server."""
    with ScriptedServer([Drop()]) as server:
        client = Client(server, idempotent_posts=True)

        def sleep(seconds: float) -> None:
            server.refuse_connections()

        client.session.sleep = sleep
        with pytest.raises(httpx.TransportError) as caught:
            client.send("POST", json={})
        assert caught.value.request.extensions["maybe_processed"] is True


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    whole = Reply(200, b"x" * 1000)
    methods, outcome = run([Reply(200, b"x" * 1000, cut=500), whole])
    assert (methods, outcome) == (["GET"] * 2, 200)


def test_tries_and_time_are_bounded() -> None:
    with ScriptedServer([Reply(503)]) as server:
        client = Client(server)
        assert client.send("GET") == 503
        assert len(server.requests) == 6
        assert sum(client.clock.slept) <= 60
        assert all(a <= 0.5 * 2**i for i, a in enumerate(client.clock.slept))
    with ScriptedServer([Reply(503, headers={"Retry-After": "25"})]) as server:
        client = Client(server)
        assert client.send("GET") == 503
        assert client.clock.slept == [25.0, 25.0]


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 7.5 "}, 7.5),
        ({"Retry-After": "3600"}, 30.0),
        ({"Retry-After": "Sun, 09 Sep 2001 01:46:50 GMT"}, 10.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        (
            {
                "Retry-After": "Wed, 21 Oct 2015 07:28:09 GMT",
                "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
            },
            9.0,
        ),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_retry_after(header: dict[str, str], pause: float | None) -> None:
    with ScriptedServer([Reply(429, headers=header), OK]) as server:
        client = Client(server)
        assert client.send("GET") == 200
        if pause is None:
            assert 0 <= client.clock.slept[0] <= 0.5
        else:
            assert client.clock.slept == [pause]


@given(
    st.text(max_size=30) | st.from_regex(r"\w{3}, \d\d \w{3} \d{4,9} [\d:]{8} \w+", fullmatch=True)
)
def test_any_retry_after_is_a_time_or_none(text: str) -> None:
    headers = httpx.Headers([(b"Retry-After", text.encode())])
    asked = parse_retry_after(headers, wall=0.0)
    assert asked is None or asked >= 0


@given(
    max_attempts=st.integers(1, 10),
    time_budget=st.floats(0, 200),
    asked=st.lists(st.none() | st.floats(-10, 1e6), max_size=20),
    seed=st.integers(0, 99),
)
def test_no_policy_is_overstepped(
    max_attempts: int, time_budget: float, asked: list[float | None], seed: int
) -> None:
    retries = RetryBudget(
        RetryPolicy(max_attempts=max_attempts, time_budget=time_budget),
        now=5.0,
        rng=random.Random(seed),
    )
    now, sent = 5.0, 1
    for wish in [*asked, *[None] * 20]:
        pause = retries.next_pause(now, wish)
        if pause is None:
            break
        assert 0 <= pause <= 30
        now += pause
        sent += 1
    assert sent <= max_attempts
    assert now <= 5.0 + time_budget


def test_limits_are_explicit() -> None:
    with Session() as session:
        assert session.timeout == httpx.Timeout(connect=5, read=30, write=30, pool=10)
        assert session.follow_redirects is False


def test_a_single_request_is_sent_once_and_given_up_in_time() -> None:
    with request_limits(time_limit=0.1):
        assert run([Reply(503), OK]) == (["GET"], 503)
        assert run([Reply(429), OK]) == (["GET"], 429)
        assert run([Drop(), OK]) == (["GET"], "RemoteProtocolError")
        assert run([Reply(delay=5), OK]) == (["GET"], "ReadTimeout")
    assert run([Reply(503), OK]) == (["GET"] * 2, 200)


def test_slow_answers_time_out_and_are_tried_again() -> None:
    slow = Reply(delay=5)
    assert run([slow, OK], timeout=0.1) == (["GET"] * 2, 200)
    assert run([slow, OK], "POST", json={}, timeout=0.1) == (["POST"], "ReadTimeout")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_rate_limits_can_be_raised_at_once_or_outwaited(method: str) -> None:
    with request_limits(retry_rate_limit=False):
        assert run([Reply(429), OK], method) == ([method], 429)
        assert run([Reply(503), OK])[1] == 200
    assert run([*[Reply(429)] * 30, OK], method)[1] == 429
    with ScriptedServer([*[Reply(429, headers={"Retry-After": "999"})] * 30, OK]) as server:
        client = Client(server)
        with request_limits(retry_rate_limit=True):
            assert client.send(method, json={}) == 200
        assert len(server.requests) == 31
        assert max(client.clock.slept) == 30.0


def test_a_request_that_waits_for_its_turn_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    full = Reply(
        429,
        b'{"detail": "You have 2 queued jobs: cancel some. s3cret"}',
        {"Content-Type": "application/problem+json"},
    )
    with ScriptedServer([*[full] * 12, OK]) as server:
        client = Client(server)
        with request_limits(retry_rate_limit=True), caplog.at_level(logging.WARNING, "qai_hub"):
            headers = {"Authorization": "token s3cret"}
            assert client.send("POST", json={}, headers=headers) == 200
    (told,) = caplog.messages
    assert told.startswith(
        "You have 2 queued jobs: cancel some. *** Retrying until it is accepted;"
    )


def test_redirects_are_not_followed() -> None:
    reply = Reply(307, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    for method in IDEMPOTENT + ONCE:
        assert run([reply], method) == ([method], 307)


def test_ctrl_c_goes_through() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with ScriptedServer([Reply(503)]) as server:
        client = Client(server)
        client.session.sleep = interrupted
        with pytest.raises(KeyboardInterrupt):
            client.send("GET")
        assert len(server.requests) == 1


def test_proxies_of_the_environment_are_used(plain_environment: pytest.MonkeyPatch) -> None:
    with ScriptedServer([Drop(), OK]) as proxy:
        plain_environment.setenv("HTTP_PROXY", proxy.url)
        clock = Clock()
        with Session("http://hub.invalid", clock=clock, sleep=clock.sleep) as session:
            assert session.get("/x/").status_code == 200
        assert [request.target for request in proxy.requests] == ["http://hub.invalid/x/"] * 2


def test_events_are_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG, "qai_hub"),
        ScriptedServer([Drop(), Reply(503), OK]) as server,
    ):
        client = Client(server, headers={"Authorization": "token s3cret"})
        assert client.session.headers["Authorization"] == "token s3cret"
        client.send("GET", params={"signature": "s3cret"})
        assert "s3cret" not in repr(client.session) + str(vars(client.session))
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("qai_hub")]
    assert len(lines) == 3
    assert lines[0].startswith(f"GET {server.url}/x/: RemoteProtocolError, retrying in ")
    assert lines[1].startswith(f"GET {server.url}/x/: 503, retrying in ")
    assert lines[2].startswith(f"GET {server.url}/x/: 200 (")
    assert "s3cret" not in "".join(lines)


def test_connections_are_kept() -> None:
    with ScriptedServer([OK]) as server:
        client = Client(server)
        for _ in range(10):
            client.session.get("/")
        assert server.connections == 1
        client.session.close()


def test_an_answer_that_drips_is_given_up() -> None:
    now = [0.0]

    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                now[0] += 1.0
                yield b" "

    session = Session(
        "https://hub.example",
        transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=Dripping())),
        clock=lambda: now[0],
        sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    with session, pytest.raises(httpx.ReadTimeout):
        session.get("/")
    assert now[0] < 120.0


def test_a_cookie_that_a_server_sets_comes_back() -> None:
    """A load balancer may tell by it which of its servers knows a client."""
    answers = [Reply(200, headers={"Set-Cookie": "server=a; Path=/"}), OK, OK]
    with ScriptedServer(answers) as server, Session(server.url) as session:
        for _ in range(3):
            session.get("/")
    sent = [request.headers.get("cookie") for request in server.requests]
    assert sent == [None, "server=a", "server=a"]


@pytest.mark.parametrize(
    ("base", "path"), [("/", "/a?b=1"), ("/hub", "/a?b=1"), ("/hub/", "a?b=1"), ("", "a?b=1")]
)
def test_paths_are_relative_to_the_base(base: str, path: str) -> None:
    url = f"http://hub.test{base}"
    with Session(url) as session, httpx.Client(base_url=url) as usual:
        assert session.build_request("GET", path).url == usual.build_request("GET", path).url
