"""Cancelling and deleting through the facade, on a hub whose jobs really run."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from support.execution_models import endless_model
from support.job_hub import RUNNING, JobHub
from support.polling import wait_until
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step, json_reply
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, Job, JobStatus, JobType, Model
from qai_hub.local import LocalHub

OFFICIAL = hub.ClientConfig(
    "token", "https://workbench.aihub.qualcomm.com", "https://workbench.aihub.qualcomm.com"
)


@pytest.fixture(scope="module")
def endless(client: Client) -> Model:
    return client.upload_model(endless_model())


def begin(client: Client, endless: Model, device: Device) -> Job:
    job = client.submit_inference_job(endless, device)
    wait_until(lambda: job.get_status() == JobStatus.State.MEASURING_PERFORMANCE)
    return job


@pytest.fixture
def running(client: Client, endless: Model, device: Device) -> Iterator[Job]:
    job = begin(client, endless, device)
    yield job
    job.cancel()


def is_gone(group: int) -> bool:
    """Whether no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_running_job_is_cancelled_with_all_its_processes(
    client: Client, endless: Model, device: Device, tmp_path: Path
) -> None:
    def find_process(folder: Path) -> re.Match[str] | None:
        (log,) = job.download_job_logs(str(folder))
        text = Path(log).read_text()
        assert text.rstrip().endswith("Cancelled by me@example.com.")
        return re.search(r"Process (\d+) started", text)

    group = None
    # A job runs a moment before its process does, and may be cancelled in that moment.
    for number in range(20):
        job = begin(client, endless, device)
        time.sleep(0.02 * number)
        status = job.cancel()
        assert status == JobStatus.State.FAILED
        assert status.message == "Cancelled by me@example.com."
        assert job.failure_type == "CANCELLED"
        assert job.completed_at is not None
        for look in range(10):
            # Another machine than the one that answers may have to add what it has logged.
            if group := find_process(tmp_path / f"{number}-{look}"):
                break
            time.sleep(0.05)
        if group:
            break
    assert group is not None
    wait_until(lambda: is_gone(int(group[1])))


def test_a_wait_ends_when_another_cancels(running: Job, client: Client) -> None:
    waited: list[JobStatus] = []
    thread = threading.Thread(target=lambda: waited.append(running.wait(60)))
    thread.start()
    assert client.cancel_job(running.job_id) == JobStatus.State.FAILED
    thread.join(30)
    assert [status.message for status in waited] == ["Cancelled by me@example.com."]


def test_cancelling_by_id_tells_the_status_and_may_come_too_late(
    client: Client, compiled: CompileJob, running: Job
) -> None:
    assert client.cancel_job(compiled.job_id) == JobStatus.State.SUCCESS
    assert compiled.cancel().success
    assert client.cancel_job(running.job_id).message == "Cancelled by me@example.com."
    assert client.cancel_job(running.job_id).message == "Cancelled by me@example.com."


def test_others_may_not_cancel(running: Job, colleague: Client, stranger: Client) -> None:
    running.modify_sharing(add_emails=["colleague@example.com"])
    with pytest.raises(hub.UserError, match="Only its owner may change the job"):
        colleague.cancel_job(running.job_id)
    with pytest.raises(hub.UserError, match="There is no job"):
        stranger.cancel_job(running.job_id)
    with pytest.raises(hub.UserError, match="identifier"):
        stranger.cancel_job("../models")
    assert not running.get_status().finished


@pytest.mark.parametrize("wire", ["json", "protobuf"])
def test_both_wires_cancel_and_delete(
    lh: LocalHub, endless: Model, device: Device, wire: Any
) -> None:
    with Client(replace(lh.config("me@example.com"), wire=wire)) as client:
        job = client.submit_inference_job(client.get_model(endless.model_id), device)
        assert job.cancel().message == "Cancelled by me@example.com."
        assert job.failure_type == "CANCELLED"
        model = client.upload_model(affine())
        model.delete()
        dataset = client.upload_dataset({"x": [np.zeros((1, 4), np.float32)]})
        dataset.delete()
        with pytest.raises(hub.UserError, match="There is no model"):
            client.get_model(model.model_id)
        with pytest.raises(hub.UserError, match="There is no dataset"):
            client.get_dataset(dataset.dataset_id)
        with pytest.raises(hub.UserError, match="There is no model"):
            model.delete()


def test_what_a_job_needs_is_not_deleted(running: Job, endless: Model) -> None:
    with pytest.raises(hub.UserError, match=f"The job {running.job_id} needs the model"):
        endless.delete()


def test_a_finished_job_outlives_what_it_was_made_of(client: Client, device: Device) -> None:
    model = client.upload_model(affine(batch="n"), "short-lived")
    made = client.submit_compile_job(model, device, input_specs={"x": (1, 4)})
    target = made.get_target_model()
    assert target is not None
    ran = client.submit_inference_job(target, device, {"x": [np.zeros((1, 4), np.float32)]})
    assert ran.wait(60).success
    for thing in (model, target, ran.inputs, ran.get_output_dataset()):
        assert thing is not None
        thing.delete()
    made = client.get_job(made.job_id, JobType.COMPILE)
    again = client.get_job(ran.job_id, JobType.INFERENCE)
    assert made.model.model_id == model.model_id
    assert "short-lived" not in (made.model.name, again.model.name)
    assert made.get_status().success
    with pytest.raises(hub.UserError, match="has been deleted"):
        made.download_target_model("gone")
    assert again.get_status().success


def acts(job: Job) -> dict[str, Callable[[], object]]:
    client = job._owner
    model = Model._from_api(answered_model(), client)
    return {
        "cancel jobs": job.cancel,
        "delete models": model.delete,
    }


def answered_model() -> Any:
    from qai_hub_api.models import Model as ApiModel

    return ApiModel(model_id="mabc12345")


def test_the_official_service_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(OFFICIAL)

    def call(*_: object, **__: object) -> object:
        pytest.fail("something was sent")

    monkeypatch.setattr(client, "_api_call", call)
    model = Model._from_api(answered_model(), client)
    for act in (lambda: client.cancel_job("jabc12345"), model.delete):
        with pytest.raises(
            hub.UserError, match=r"Qualcomm AI Hub cannot .* only a local hub can\."
        ):
            act()


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_without_these_operations_is_named(status: int) -> None:
    def lacking(request: Request) -> Step | None:
        if request.method in {"POST", "DELETE"}:
            return Reply(status, b"<html>nothing here</html>", {"Content-Type": "text/html"})
        return json_reply({"model_id": "mabc12345"}) if "/models/" in request.path else None

    with JobHub(RUNNING) as server:
        server.override = lacking
        client = server.client()
        for doing, act in acts(client.get_job("jabc12345")).items():
            with pytest.raises(hub.UserError, match=rf"cannot {doing}: it has no such operation"):
                act()


def test_what_is_not_there_is_told_from_what_the_server_cannot_do() -> None:
    def nothing(request: Request) -> Step | None:
        body = b'{"detail": "There is nothing called that."}'
        return Reply(404, body, {"Content-Type": "application/problem+json"})

    with JobHub(RUNNING) as server:
        client = server.client()
        job = client.get_job("jabc12345")
        server.override = nothing
        for act in acts(job).values():
            with pytest.raises(hub.UserError, match=r"There is nothing called that\.$"):
                act()


def test_a_delete_whose_answer_was_lost_has_been_done(lh: LocalHub) -> None:
    with lh.client("me@example.com") as client:
        model = client.upload_model(affine())
    lost: list[Request] = []

    def forward(request: Request) -> Step:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() in {"authorization", "idempotency-key", "accept"}
        }
        answer = httpx.request(request.method, f"{lh.url}{request.target}", headers=headers)
        if request.method == "DELETE" and not lost:
            lost.append(request)
            return Drop()
        kind = {"Content-Type": answer.headers["Content-Type"]}
        return Reply(answer.status_code, answer.content, kind)

    with ScriptedServer(forward) as server:
        config = replace(lh.config("me@example.com"), api_url=server.url)
        with Client(config) as between:
            between.get_model(model.model_id).delete()
    assert lost
