"""What is sent again in an event loop: the same as by the blocking session."""

import asyncio
import random
from typing import Any

import httpx
import pytest
from support.clean_environment import plain_environment
from support.scripted_server import Drop, Raw, Refuse, Reply, ScriptedServer, Step

from qai_hub.transport.async_session import AsyncSession
from qai_hub.transport.request_attempts import RetryRules, request_limits
from qai_hub.transport.session import Session

__all__ = ["plain_environment"]

OK = Reply(200, b"done")
TRUST = httpx.create_ssl_context()
FAULTS: list[Step] = [Drop(), Refuse(), Raw(b"HTTP/1.1 200"), Raw(b"nonsense\r\n\r\n")]
STATUSES = [201, 302, 404, 408, 429, 500, 503]
STEPS: list[Step] = [*FAULTS, *map(Reply, STATUSES)]

# What came of a request: the methods that arrived, the status or the kind of fault, the pauses.
Outcome = tuple[list[str], int | str, list[float]]


def blocking(steps: list[Step], method: str, posts: bool, **options: Any) -> Outcome:
    slept: list[float] = []
    with (
        ScriptedServer(steps) as server,
        Session(
            server.url,
            idempotent_posts=posts,
            follow_same_origin=True,
            sleep=slept.append,
            rng=random.Random(1),
            verify=TRUST,
        ) as session,
    ):
        try:
            status: int | str = session.request(method, "/x/", **options).status_code
        except httpx.TransportError as error:
            status = type(error).__name__
        return [request.method for request in server.requests], status, slept


def asynchronous(steps: list[Step], method: str, posts: bool, **options: Any) -> Outcome:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def send(url: str) -> int:
        rules = RetryRules(idempotent_posts=posts, rng=random.Random(1))
        async with AsyncSession(base_url=url, rules=rules, sleep=sleep, verify=TRUST) as session:
            return (await session.request(method, "/x/", **options)).status_code

    with ScriptedServer(steps) as server:
        try:
            status: int | str = asyncio.run(send(server.url))
        except httpx.TransportError as error:
            status = type(error).__name__
        return [request.method for request in server.requests], status, slept


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("posts", [True, False])
def test_both_sessions_send_the_same(method: str, step: Step, posts: bool) -> None:
    body = {} if method in {"GET", "DELETE"} else {"json": {"a": 1}}
    assert asynchronous([step, step, OK], method, posts, **body) == blocking(
        [step, step, OK], method, posts, **body
    )


def test_a_fault_is_given_up_after_as_many_tries() -> None:
    methods, status, slept = asynchronous([Drop()], "GET", posts=True)
    assert (methods, status) == (["GET"] * 6, "RemoteProtocolError")
    assert len(slept) == 5


def test_one_post_has_one_key() -> None:
    async def post(url: str) -> None:
        rules = RetryRules(idempotent_posts=True)
        async with AsyncSession(
            base_url=url, rules=rules, sleep=lambda _: asyncio.sleep(0), verify=TRUST
        ) as session:
            await session.post("/x/", json={})
            await session.post("/x/", json={})

    with ScriptedServer([Drop(), Reply(503), OK]) as server:
        asyncio.run(post(server.url))
        keys = [request.headers.get("idempotency-key") for request in server.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert all(keys)


def test_a_request_with_a_time_limit_is_sent_once() -> None:
    async def get(url: str) -> int:
        async with AsyncSession(base_url=url, verify=TRUST) as session:
            with request_limits(time_limit=10.0):
                return (await session.get("/x/")).status_code

    with ScriptedServer([Reply(503), OK]) as server:
        assert asyncio.run(get(server.url)) == 503
        assert len(server.requests) == 1


def test_an_answer_that_all_but_stops_is_a_fault() -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 40.0
        return now

    async def get(url: str) -> None:
        async with AsyncSession(
            base_url=url, rules=RetryRules(clock=clock), verify=TRUST
        ) as session:
            await session.post("/x/")

    with (
        ScriptedServer([Reply(200, b"a few bytes")]) as server,
        pytest.raises(httpx.ReadTimeout, match="almost stopped"),
    ):
        asyncio.run(get(server.url))
