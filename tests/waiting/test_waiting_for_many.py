"""Waiting for many jobs, blocking or not: a real server that tells what a test wants."""

import asyncio
import contextlib
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, Job
from qai_hub.transport.async_session import ASYNC_SESSIONS

DONE, FAILED, RUNNING = "JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_OPTIMIZING_MODEL"
HOLD = 20.0


class Hub:
    """A server of jobs, and clients of it.

    Attributes:
        asked: Set when it was asked for a job.
        states: State of each job; those that are not there are done.
        holds: Whether answers about jobs that run are held back for 20 s, whatever is asked for.
        before: What is answered first to a request about a job.
    """

    def __init__(self) -> None:
        self.server = ScriptedServer(self.answer)
        self.asked = threading.Event()
        self.states: dict[str, str] = {}
        self.before: dict[str, list[Step]] = {}
        self.holds = False
        self.clients: list[Client] = []

    def client(self, token: str = "token", *, verbose: bool = False) -> Client:
        client = Client(ClientConfig(token, self.server.url, self.server.url, verbose))
        self.clients.append(client)
        return client

    def jobs(self, *names: str, client: Client | None = None) -> list[Job]:
        owner = client or self.client()
        states, self.states = self.states, {}
        holds, self.holds = self.holds, False
        before, self.before = self.before, {}
        made = [owner.get_job(name) for name in names]
        self.states, self.holds, self.before = states, holds, before
        self.server.requests.clear()
        self.asked.clear()
        return made

    def answer(self, request: Request) -> Step:
        self.asked.set()
        name = request.path.rstrip("/").rpartition("/")[2]
        if self.before.get(name):
            return self.before[name].pop(0)
        state = self.states.get(name, DONE)
        long_polled = self.holds and state == RUNNING
        return Reply(
            body=json.dumps(payload(name, state)).encode(),
            headers={"Content-Type": "application/json"},
            delay=HOLD if long_polled else 0.0,
        )


def payload(name: str, state: str) -> dict[str, Any]:
    return {
        "compile_job": {
            "compile_job_id": name,
            "job_state": state,
            "user_id": 1,
            "name": name,
            "options": "",
            "creation_time": "2026-01-02T03:04:05Z",
            "failure_reason": "no reason" if state == FAILED else "",
        },
        "notices": [],
        "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
        "available_artifacts": [],
    }


@pytest.fixture
def world() -> Iterator[Hub]:
    made = Hub()
    with made.server:
        yield made
        for client in made.clients:
            client.close()


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    assert [t for t in threading.enumerate() if t.name.startswith("qai_hub")] == []
    assert ASYNC_SESSIONS._sessions == {}


def wait_all_async(jobs: Any, timeout: Any = None) -> Any:
    return asyncio.run(hub.aio.wait_all(jobs, timeout))


def list_completed(jobs: Any, timeout: Any = None) -> list[Job]:
    return list(hub.as_completed(jobs, timeout))


def list_completed_async(jobs: Any, timeout: Any = None) -> list[Job]:
    async def listed() -> list[Job]:
        return [job async for job in hub.aio.as_completed(jobs, timeout)]

    return asyncio.run(listed())


waits = pytest.mark.parametrize("wait", [hub.wait_all, wait_all_async])
ways = pytest.mark.parametrize(
    "wait", [hub.wait_all, wait_all_async, list_completed, list_completed_async]
)
Way = Callable[..., Any]


@ways
def test_no_jobs(wait: Way) -> None:
    assert wait([]) == []


@waits
def test_statuses_in_the_order_of_the_jobs_each_asked_for_once(world: Hub, wait: Way) -> None:
    world.states = {"jb": FAILED}
    a, b = world.jobs("ja", "jb")
    statuses = wait(job for job in [b, a, b, b])
    assert [status.code for status in statuses] == ["FAILED", "SUCCESS", "FAILED", "FAILED"]
    assert statuses[0].message == "no reason"
    assert len(world.server.requests) == 2


@pytest.mark.parametrize("wait", [list_completed, list_completed_async])
def test_jobs_that_ended_are_handed_out_once(world: Hub, wait: Way) -> None:
    a, b = world.jobs("ja", "jb")
    assert wait([a, b, a]) == [a, b]


@waits
def test_jobs_of_different_clients(world: Hub, wait: Way) -> None:
    jobs = [
        *world.jobs("ja", client=world.client("mine")),
        *world.jobs("jb", client=world.client("yours")),
    ]
    assert [status.code for status in wait(jobs)] == ["SUCCESS", "SUCCESS"]
    tokens = {request.headers["authorization"] for request in world.server.requests}
    assert tokens == {"token mine", "token yours"}


@ways
def test_the_timeout_names_those_that_have_not_ended(world: Hub, wait: Way) -> None:
    world.states = {"jb": RUNNING, "jc": RUNNING}
    jobs = world.jobs("ja", "jb", "jc")
    start = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        wait(jobs, 0.3)
    assert 0.3 <= time.monotonic() - start < 10
    assert type(caught.value) is TimeoutError
    text = str(caught.value)
    for part in (
        "2 of 3 jobs",
        "0.3 s",
        "jb (OPTIMIZING_MODEL), jc (OPTIMIZING_MODEL)",
        "They continue",
    ):
        assert part in text
    assert "ja" not in text


def test_a_timeout_of_many_names_twenty(world: Hub) -> None:
    names = [f"j{number:02d}" for number in range(25)]
    world.states = dict.fromkeys(names, RUNNING)
    with pytest.raises(TimeoutError, match=r"25 of 25 .*j19 \(OPTIMIZING_MODEL\) and 5 more"):
        # Long enough to have asked for each of them, on a busy machine too.
        hub.wait_all(world.jobs(*names), 3)


def test_jobs_that_ended_are_handed_out_before_the_timeout(world: Hub) -> None:
    world.states = {"ja": RUNNING}
    a, b = world.jobs("ja", "jb")
    handed_out = hub.as_completed([a, b], 0)
    assert next(handed_out) is b
    with pytest.raises(TimeoutError, match="1 of 2 jobs"):
        next(handed_out)


@ways
def test_a_refusal_says_which_job_it_is_about(world: Hub, wait: Way) -> None:
    world.states = {"ja": RUNNING}
    world.before = {"jb": [Reply(404)]}
    with pytest.raises(hub.UserError) as caught:
        wait(world.jobs("ja", "jb"))
    assert caught.value.status_code == 404
    assert any("jb" in note for note in caught.value.__notes__)


@waits
def test_faults_that_pass_are_ridden_out(world: Hub, wait: Way) -> None:
    world.before = {"ja": [Drop()], "jb": [Reply(503), Reply(429)]}
    statuses = wait(world.jobs("ja", "jb"), 30)
    assert [status.code for status in statuses] == ["SUCCESS", "SUCCESS"]
    assert len(world.server.requests) == 5


@waits
def test_requests_share_a_few_kept_connections(world: Hub, wait: Way) -> None:
    jobs = world.jobs(*(f"j{number}" for number in range(30)))
    before = world.server.connections
    start = time.monotonic()
    wait(jobs)
    assert time.monotonic() - start >= 29 * 0.05
    assert world.server.connections - before <= 8
    assert {request.headers["client-version"] for request in world.server.requests} == {"0.56.0"}


@ways
@pytest.mark.parametrize(("timeout", "kind"), [("5", TypeError), (math.nan, ValueError)])
def test_bad_timeouts(world: Hub, wait: Way, timeout: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="timeout"):
        wait(world.jobs("ja"), timeout)
    assert world.server.requests == []


@ways
def test_what_is_no_list_of_jobs(world: Hub, wait: Way) -> None:
    (job,) = world.jobs("ja")
    with pytest.raises(TypeError, match=r"'ja' is not a job"):
        wait([job, "ja"])
    with pytest.raises(TypeError, match="list of jobs"):
        wait(job)
    with pytest.raises(TypeError, match="iterable"):
        wait(None)


def test_ctrl_c_goes_through_at_once_while_answers_are_held_back(world: Hub) -> None:
    world.states, world.holds = {"ja": RUNNING}, True
    jobs = world.jobs("ja", "jb")
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        hub.wait_all(jobs)
    assert time.monotonic() - start < 10
    timer.join()


def test_an_iterator_that_is_dropped_stops_asking(world: Hub) -> None:
    world.states, world.holds = {"ja": RUNNING}, True
    jobs = world.jobs("ja", "jb")
    start = time.monotonic()
    for job in hub.as_completed(jobs):
        assert job is jobs[1]
        break
    assert time.monotonic() - start < 10


def test_it_works_where_an_event_loop_runs(world: Hub) -> None:
    async def in_a_notebook() -> str:
        return hub.wait_all(world.jobs("ja"))[0].code

    assert asyncio.run(in_a_notebook()) == "SUCCESS"


@pytest.mark.parametrize("many", [True, False])
def test_a_cancelled_task_leaves_no_task_and_no_connection(world: Hub, *, many: bool) -> None:
    world.states, world.holds = {"ja": RUNNING, "jb": RUNNING}, True
    a, b = world.jobs("ja", "jb")

    async def cancel() -> None:
        waiting = asyncio.create_task(hub.aio.wait_all([a, b]) if many else a.wait_async())
        await asyncio.to_thread(world.asked.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert ASYNC_SESSIONS._sessions == {}

    start = time.monotonic()
    asyncio.run(cancel())
    assert time.monotonic() - start < 10


def test_an_asynchronous_iterator_that_is_dropped_cleans_up(world: Hub) -> None:
    world.states, world.holds = {"ja": RUNNING}, True
    jobs = world.jobs("ja", "jb")

    async def drop() -> None:
        async for job in hub.aio.as_completed(jobs):
            assert job is jobs[1]
            break

    start = time.monotonic()
    asyncio.run(drop())
    assert time.monotonic() - start < 10


def test_waits_side_by_side_share_connections_and_time_out_alone(world: Hub) -> None:
    world.states = {"jb": RUNNING}
    a, b = world.jobs("ja", "jb")

    async def both() -> tuple[Any, Any]:
        return await asyncio.gather(a.wait_async(), b.wait_async(0.2), return_exceptions=True)

    status, late = asyncio.run(both())
    assert status == "SUCCESS"
    assert type(late) is TimeoutError
    assert "Job jb has not ended within 0.2 s" in str(late)
    assert 'hub.get_job("jb")' in str(late)


def test_one_line_tells_how_many_have_ended(world: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    world.states = {"jb": FAILED}
    hub.wait_all(world.jobs("ja", "jb", "jc", client=world.client(verbose=True)))
    assert capsys.readouterr().err.splitlines()[-1] == "3 of 3 jobs ended, 1 failed"


def test_quiet_clients_show_nothing(world: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(TimeoutError):
        hub.wait_all(world.jobs("ja"), 0)
    assert capsys.readouterr().err == ""
