"""The asynchronous client against a server that does what a test says, on both wires."""

import asyncio
import inspect
import json
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from support.polling import wait_until
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step
from support.tiny_models import affine

import qai_hub as hub
from qai_hub import wire
from qai_hub.aio import AsyncClient
from qai_hub.driver import run_blocking
from qai_hub.sources.memory import write_model
from qai_hub.transport.async_session import ASYNC_SESSIONS
from qai_hub.transport.pool import SESSIONS

T = TypeVar("T")

CREATED = {"id": "jabc"}
DEVICE = {"name": "D", "os": "14", "attributes": ["framework:onnx"], "soc_description": "a chip"}
MODEL = {
    "model_id": "mabc",
    "name": "net",
    "model_type": "MODEL_TYPE_ONNX",
    "file_upload_complete": True,
    "creation_time": "2026-01-02T03:04:05Z",
}
JOB = {
    "compile_job": {
        "compile_job_id": "jabc",
        "job_state": "JOB_STATE_DONE",
        "user_id": 1,
        "name": "net",
        "options": "",
        "creation_time": "2026-01-02T03:04:05Z",
    },
    "notices": [],
    "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
    "available_artifacts": [],
}
MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "GET /api/v1/devices/": ("DeviceList", {"devices": [DEVICE], "total_query_count": 1}),
    "GET /api/v1/models/mabc/": ("Model", MODEL),
    "POST /api/v1/models/": ("CreateUpdateResponse", {"id": "mabc"}),
    "POST /api/v1/jobs/": ("CreateUpdateResponse", CREATED),
    "GET /api/v1/jobs/jabc/": ("Job", JOB),
    "GET /api/v1/jobs/": ("JobList", {"jobs": [JOB], "total_query_count": 1}),
}
WIRES = pytest.mark.parametrize("wire_name", ["json", "protobuf"])


class Hub:
    """A hub of one model, one device and one job.

    Attributes:
        before: What is answered first to a request, by its method and path.
        reached: Set when such an answer is given.
    """

    def __init__(self, wire_name: Any = "json") -> None:
        self.wire_name = wire_name
        self.before: dict[str, list[Step]] = {}
        self.reached = threading.Event()
        self.server = ScriptedServer(self.answer)

    def client(self) -> AsyncClient:
        url = self.server.url
        return AsyncClient(hub.ClientConfig("token", url, url, wire=self.wire_name))

    def sent(self, what: str) -> list[Request]:
        return [one for one in self.server.requests if f"{one.method} {one.path}" == what]

    def answer(self, request: Request) -> Step:
        what = f"{request.method} {request.path}"
        if self.before.get(what):
            self.reached.set()
            return self.before[what].pop(0)
        if what == "GET /api/v1/models/mabc/multipart_upload/":
            url = {
                "upload_id": "u",
                "urls": [f"{self.server.url}/part"],
                "max_part_size": 10**9,
            }
            return self.reply("FileUploadURLResponse", {"multipart_url": url})
        if what == "GET /api/v1/models/mabc/download/":
            place = {"url": f"{self.server.url}/file", "filename": "net.onnx"}
            return self.reply("FileDownloadResponse", {"url": place})
        if what == "PUT /part":
            return Reply(200, headers={"ETag": '"tag"'})
        if what not in MESSAGES:
            return Reply(404, b'{"detail": "no such thing"}')
        return self.reply(*MESSAGES[what])

    def reply(self, name: str, value: dict[str, Any]) -> Reply:
        if self.wire_name == "json":
            return Reply(201, json.dumps(value).encode(), {"Content-Type": "application/json"})
        content = wire.encode(f"qai_hub.api.{name}", value)
        return Reply(201, content, {"Content-Type": "application/x-protobuf"})


@pytest.fixture
def world(wire_name: str) -> Iterator[Hub]:
    made = Hub(wire_name)
    with made.server:
        yield made


@pytest.fixture
def json_hub() -> Iterator[Hub]:
    made = Hub()
    with made.server:
        yield made


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    SESSIONS.close("files")
    assert ASYNC_SESSIONS._sessions == {}
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("qai_hub")])


async def submit(client: AsyncClient, *, retry: bool = True) -> hub.CompileJob:
    model = await client.get_model("mabc")
    return await client.submit_compile_job(model, hub.Device("D"), retry=retry)


async def cancelled_at(
    reached: threading.Event, work: Coroutine[Any, Any, Any], seconds: float = 10.0
) -> None:
    """Cancels a task when the server has come to a point."""
    task = asyncio.create_task(work)
    assert await asyncio.to_thread(reached.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(seconds):
            await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


@WIRES
def test_a_job_is_submitted_and_listed(world: Hub) -> None:
    async def use() -> tuple[str, str, list[str]]:
        async with world.client() as client:
            job = await submit(client)
            return job.job_id, job.name, [one.job_id async for one in client.iter_jobs()]

    assert asyncio.run(use()) == ("jabc", "net", ["jabc"])
    assert world.server.connections == 1


@WIRES
def test_a_refusal_is_the_error_of_the_blocking_client(world: Hub) -> None:
    client = world.client()
    with pytest.raises(hub.UserError) as raised:
        asyncio.run(client.get_job("jnone"))
    with pytest.raises(hub.UserError) as expected:
        client._client.get_job("jnone")
    client._client.close()
    assert str(raised.value) == str(expected.value) == "no such thing"
    assert raised.value.status_code == expected.value.status_code == 404
    assert raised.value.url == expected.value.url


@WIRES
def test_who_asks_too_often_is_served_later(world: Hub) -> None:
    world.before["POST /api/v1/jobs/"] = [Reply(429, headers={"Retry-After": "0"})]
    assert asyncio.run(submit(world.client())).job_id == "jabc"
    first, second = world.sent("POST /api/v1/jobs/")
    assert first.body == second.body
    keys = {one.headers.get("idempotency-key") for one in (first, second)}
    assert len(keys) == 1
    assert (keys == {None}) == (world.wire_name == "protobuf")


@WIRES
def test_who_does_not_want_that_is_told(world: Hub) -> None:
    world.before["POST /api/v1/jobs/"] = [Reply(429)]
    with pytest.raises(hub.RateLimitedError):
        asyncio.run(submit(world.client(), retry=False))
    assert len(world.sent("POST /api/v1/jobs/")) == 1


@WIRES
def test_a_submit_whose_answer_is_lost_is_sent_again_only_with_a_key(world: Hub) -> None:
    world.before["POST /api/v1/jobs/"] = [Drop()]
    if world.wire_name == "json":
        assert asyncio.run(submit(world.client())).job_id == "jabc"
        keys = {one.headers["idempotency-key"] for one in world.sent("POST /api/v1/jobs/")}
        assert len(keys) == 1
    else:
        with pytest.raises(hub.InternalError, match="may have been"):
            asyncio.run(submit(world.client()))
        assert len(world.sent("POST /api/v1/jobs/")) == 1


@WIRES
def test_a_cancelled_submit_sends_nothing_more(world: Hub) -> None:
    world.before["POST /api/v1/jobs/"] = [Reply(201, delay=20)]
    asyncio.run(cancelled_at(world.reached, submit(world.client())))
    assert len(world.sent("POST /api/v1/jobs/")) == 1
    assert world.sent("GET /api/v1/jobs/jabc/") == []


def test_a_time_limit_of_asyncio_ends_a_submit(json_hub: Hub) -> None:
    json_hub.before["POST /api/v1/jobs/"] = [Reply(201, delay=20)]

    async def submit_in_time() -> None:
        async with json_hub.client() as client, asyncio.timeout(1):
            await submit(client)

    with pytest.raises(TimeoutError):
        asyncio.run(submit_in_time())
    assert len(json_hub.sent("POST /api/v1/jobs/")) == 1


def test_a_cancelled_upload_ends_its_transfer_and_makes_no_job(
    json_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    json_hub.before["PUT /part"] = [Reply(500, delay=1), Reply(500, delay=1)]
    client = json_hub.client()
    asyncio.run(
        cancelled_at(json_hub.reached, client.submit_compile_job(affine(), hub.Device("D")))
    )
    assert list(tmp_path.iterdir()) == []
    assert json_hub.sent("POST /api/v1/models/mabc/multipart_upload/") == []
    assert json_hub.sent("POST /api/v1/jobs/") == []
    assert len(json_hub.sent("POST /api/v1/models/")) == 1
    assert len(json_hub.sent("PUT /part")) == 1


def test_a_cancelled_download_ends_its_transfer_and_leaves_no_file(
    json_hub: Hub, tmp_path: Path
) -> None:
    json_hub.before["GET /file"] = [Reply(200, b"a model", delay=1)]
    client = json_hub.client()

    async def download() -> str:
        return await client.download_model(await client.get_model("mabc"), str(tmp_path / "net"))

    asyncio.run(cancelled_at(json_hub.reached, download()))
    assert list(tmp_path.iterdir()) == []
    assert len(json_hub.sent("GET /file")) == 1


def test_a_model_that_is_written_when_its_upload_is_cancelled_leaves_no_file(
    json_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    begun, go_on = threading.Event(), threading.Event()
    write = write_model

    def slowly(*args: Any) -> Any:
        begun.set()
        go_on.wait(20)
        return write(*args)

    monkeypatch.setattr("qai_hub.sources.write_model", slowly)
    threading.Timer(1.0, go_on.set).start()
    asyncio.run(cancelled_at(begun, json_hub.client().upload_model(affine())))
    wait_until(lambda: list(tmp_path.iterdir()) == [])
    assert json_hub.server.requests == []


def test_twenty_submits_at_once_make_twenty_jobs(json_hub: Hub) -> None:
    async def use() -> list[hub.CompileJob]:
        async with json_hub.client() as client:
            return list(await asyncio.gather(*(submit(client) for _ in range(20))))

    assert len(asyncio.run(use())) == 20
    posts = json_hub.sent("POST /api/v1/jobs/")
    assert len({one.headers["idempotency-key"] for one in posts}) == len(posts) == 20


def test_each_call_of_an_operation_can_be_seen(json_hub: Hub) -> None:
    seen: list[str] = []

    class Watched(AsyncClient):
        async def _api_call(
            self, api_func: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any
        ) -> T:
            seen.append(args[0].__module__.rpartition(".")[2])
            return await super()._api_call(api_func, *args, **kwargs)

    url = json_hub.server.url
    asyncio.run(submit(Watched(hub.ClientConfig("token", url, url))))
    assert seen == ["get_model", "list_devices", "create_job", "get_job"]


def test_what_is_dropped_in_the_middle_of_a_list_leaves_no_connection(json_hub: Hub) -> None:
    async def drop() -> None:
        async for _ in json_hub.client().iter_jobs():
            break

    asyncio.run(drop())


def test_arguments_are_checked_before_anything_is_sent(json_hub: Hub) -> None:
    client = json_hub.client()
    with pytest.raises(hub.UserError, match="page_size"):
        client.iter_jobs(page_size=0)
    for work, told in (
        (client.submit_compile_job("absent.onnx", "D"), "device must be a Device"),  # type: ignore[call-overload]
        (client.submit_inference_job("absent.onnx", hub.Device("D"), profile=False), "to do"),
        (client.submit_link_job([], hub.Device("D")), "empty list"),
        (client.get_job("../x"), "identifier"),
    ):
        with pytest.raises(hub.UserError, match=told):
            asyncio.run(work)
    with pytest.raises(FileNotFoundError):
        asyncio.run(client.upload_model("absent.onnx"))
    assert json_hub.server.requests == []


def test_a_client_is_one_context_at_a_time(json_hub: Hub) -> None:
    async def enter_twice() -> None:
        async with json_hub.client() as client:
            with pytest.raises(hub.UserError, match="create one for each"):
                await client.__aenter__()

    asyncio.run(enter_twice())


def test_its_repr_shows_no_token(json_hub: Hub) -> None:
    assert re.fullmatch(
        r"AsyncClient\(ClientConfig\(api_token='\*\*\*'.*\)\)", repr(json_hub.client())
    )


BLOCKING_ONLY = {
    *("close", "set_session_token", "set_verbose", "submit_profile_job"),
}


def test_its_methods_are_those_of_the_blocking_client() -> None:
    def methods(kind: type) -> set[str]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {name for name, _ in found if not name.startswith("_")}

    ours, theirs = methods(AsyncClient), methods(hub.Client)
    assert theirs - ours == BLOCKING_ONLY
    for name in ours & theirs:
        found, expected = (
            inspect.signature(getattr(kind, name)).parameters for kind in (AsyncClient, hub.Client)
        )
        assert list(map(str, found.values())) == list(map(str, expected.values())), name


def test_a_blocking_call_never_waits_for_an_event_loop() -> None:
    async def suspended() -> None:
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError, match="event loop"):
        run_blocking(suspended())


def test_a_job_of_the_blocking_client_never_blocks_the_event_loop(
    json_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = json_hub.client()
    blocking = hub.Client(client.config)
    job = blocking.submit_compile_job(blocking.get_model("mabc"), hub.Device("D"))
    sent = len(json_hub.server.requests)

    def blocks(*_: object, **__: object) -> None:
        raise AssertionError("the event loop was blocked")

    monkeypatch.setattr(httpx.Client, "send", blocks)
    assert asyncio.run(client.get_target_model(job)) is None
    assert len(json_hub.server.requests) > sent
    monkeypatch.undo()
    blocking.close()
