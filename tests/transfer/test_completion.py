"""Saying that an upload is complete, over a service that loses its answers."""

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.driver import run_blocking
from qai_hub.errors import Error, InternalError, UserError
from qai_hub.transfer.completion import CONFIRMATION_TIMEOUT, complete_upload
from qai_hub.wire import encode

LOST = InternalError("lost")


class Service:
    """Takes an upload in some time after it was told of it, in a time that only pauses move."""

    def __init__(self, outcomes: list[Error | None], takes: float) -> None:
        self.outcomes = iter(outcomes)
        self.takes = takes
        self.now = 0.0
        self.told: list[float] = []

    async def send(self) -> None:
        self.told.append(self.now)
        outcome = next(self.outcomes, LOST)
        if outcome is not None:
            raise outcome

    async def is_complete(self) -> bool:
        return bool(self.told) and self.now >= self.told[0] + self.takes

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def complete_upload(self) -> None:
        run_blocking(
            complete_upload(
                self.send, self.is_complete, "Model mabc", clock=lambda: self.now, sleep=self.sleep
            )
        )


def test_an_answer_is_enough() -> None:
    service = Service([None], 0.0)
    service.complete_upload()
    assert (service.told, service.now) == ([0.0], 0.0)


@given(st.floats(0.0, 280.0))
def test_a_lost_answer_is_looked_for(takes: float) -> None:
    service = Service([], takes)
    service.complete_upload()
    assert takes <= service.now <= takes + 10.0


def test_what_is_never_confirmed_is_an_error_that_names_the_model() -> None:
    service = Service([], 10_000.0)
    with pytest.raises(InternalError, match="Model mabc was uploaded"):
        service.complete_upload()
    assert CONFIRMATION_TIMEOUT <= service.now <= CONFIRMATION_TIMEOUT + 10.0


def test_a_refusal_is_one_unless_the_upload_is_there() -> None:
    refusal = UserError("The upload is over.", status_code=409)
    with pytest.raises(UserError, match="is over"):
        Service([refusal], 10.0).complete_upload()
    service = Service([LOST, refusal], 100.0)
    service.complete_upload()
    assert len(service.told) == 2
    with pytest.raises(UserError, match="no model"):
        Service([LOST, UserError("It is no model.", status_code=400)], 100.0).complete_upload()


# -- over both wires -----------------------------------------------------------------------------

MODEL = {"model_id": "m1", "name": "n", "file_upload_complete": True}


@pytest.mark.parametrize(
    ("wire", "lost"),
    [
        ("protobuf", Drop()),
        ("protobuf", Reply(503)),
        ("protobuf", Reply(200, b"<html>portal</html>")),
        ("json", Reply(200, b"<html>portal</html>")),
    ],
)
def test_a_lost_completion_uploads_nothing_again(
    wire: Literal["json", "protobuf"], lost: Step
) -> None:
    parts: list[Request] = []

    def in_wire(message: str, value: dict[str, object]) -> Reply:
        if wire == "protobuf":
            content = encode(f"qai_hub.api.{message}", value)
            return Reply(200, content, {"Content-Type": "application/x-protobuf"})
        return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def script(request: Request) -> Step:
        if request.path == "/part":
            parts.append(request)
            return Reply(200, b"", {"ETag": '"tag"'})
        if request.path.endswith("/multipart_upload/"):
            if request.method == "POST":
                return lost
            inner = {"urls": [f"{server.url}/part"], "upload_id": "u", "max_part_size": 10**8}
            return in_wire("FileUploadResponse", {"multipart_url": inner})
        if request.method == "POST":
            return in_wire("CreateUpdateResponse", {"id": "m1"})
        return in_wire("Model", MODEL)

    with ScriptedServer(script) as server:
        config = hub.ClientConfig("token", server.url, server.url, wire=wire)
        with hub.Client(config) as client:
            assert client.upload_model(affine()).model_id == "m1"
    assert len(parts) == 1
