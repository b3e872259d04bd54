"""Deleting over HTTP: what goes, what stays, and what is refused."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, ok, problem

from qai_hub.local import LocalHub

ADA, BOB = "ada@example.com", "bob@example.com"


def delete(api: Api, path: str) -> None:
    assert ok(api.http.delete(path)) == {"id": path.split("/")[1], "error_status": ""}


def test_a_deleted_model_is_gone_for_everybody(ada: Api, bob: Api, eve: Api) -> None:
    key = ada.upload_model()
    ada.patch(f"models/{key}/shared_access/", {"add_email": [BOB]})
    url = bob.get(f"models/{key}/download/")["url"]["url"]
    assert "Only its owner" in problem(bob.http.delete(f"models/{key}/"), 403)
    problem(eve.http.delete(f"models/{key}/"), 404)
    assert httpx.get(url).content == b"model"
    delete(ada, f"models/{key}/")
    for api in (ada, bob):
        for path in ("", "download/", "shared_access/"):
            problem(api.http.get(f"models/{key}/{path}"), 404)
        listed = api.get("models/", limit=1000)["models"]
        assert key not in {model["model_id"] for model in listed}
    problem(httpx.get(url), 404)
    problem(ada.http.delete(f"models/{key}/"), 404)
    body = {"compile_job": {"model": {"model_id": key}, "devices": {"devices": [{"name": "x"}]}}}
    problem(ada.http.post("jobs/", json=body), 404)


def test_a_deleted_dataset_is_gone(ada: Api, bob: Api, eve: Api) -> None:
    key = ada.upload_dataset()
    ada.patch(f"datasets/{key}/shared_access/", {"add_email": [BOB]})
    url = bob.get(f"datasets/{key}/download_data/")["url"]["url"]
    problem(bob.http.delete(f"datasets/{key}/"), 403)
    problem(eve.http.delete(f"datasets/{key}/"), 404)
    delete(ada, f"datasets/{key}/")
    for api in (ada, bob):
        problem(api.http.get(f"datasets/{key}/"), 404)
        listed = api.get("datasets/", limit=1000)["datasets"]
        assert key not in {dataset["dataset_id"] for dataset in listed}
    problem(httpx.get(url), 404)


def test_an_answer_that_was_lost_is_given_again(ada: Api) -> None:
    key = ada.upload_model()
    header = {"Idempotency-Key": f"delete-{key}"}
    first, second = (ada.http.delete(f"models/{key}/", headers=header) for _ in range(2))
    assert ok(first) == ok(second)


def test_what_a_job_needs_is_not_deleted_and_the_job_is_named(
    ada: Api, bob: Api, held: FakeWorker
) -> None:
    model, data = ada.upload_model(), ada.upload_dataset()
    key, target = ada.compile(model)
    waiting = ada.submit("inference_job", target, dataset={"dataset_id": data})
    assert key in problem(ada.http.delete(f"models/{model}/"), 409)
    # The one that makes it, before the one that waits for it.
    assert key in problem(ada.http.delete(f"models/{target}/"), 409)
    assert waiting in problem(ada.http.delete(f"datasets/{data}/"), 409)
    # Somebody else's job counts as well, and is their secret.
    shared = ada.upload_model()
    ada.patch(f"models/{shared}/shared_access/", {"add_email": [BOB]})
    his, _ = bob.compile(shared)
    told = problem(ada.http.delete(f"models/{shared}/"), 409)
    assert "A job of somebody with whom it is shared needs the model" in told
    assert his not in told
    held.may_finish.set()
    for api, job in ((ada, key), (ada, waiting), (bob, his)):
        assert api.wait(job)["job_state"] == "JOB_STATE_DONE"
    for path in (f"models/{model}/", f"models/{target}/", f"datasets/{data}/", f"models/{shared}/"):
        delete(ada, path)


def test_jobs_that_have_ended_stay_and_show_no_more_than_ids(ada: Api) -> None:
    model, data = ada.upload_model(name="secret"), ada.upload_dataset()
    made, target = ada.compile(model, name="made")
    ran = ada.submit(
        "inference_job", target, name="ran", dataset={"dataset_id": data}, is_profiling_on=False
    )
    types = {
        "weights_dtype": "QUANTIZE_DTYPE_INT8",
        "activations_dtype": "QUANTIZE_DTYPE_INT8",
    }
    quantized = ada.submit(
        "quantize_job", model, name="q", calibration_dataset={"dataset_id": data}, **types
    )
    ada.wait(made)
    target_2 = ada.job(quantized)["target_model"]["model_id"]
    link = {"models": {"models": [{"model_id": target}]}, "name": "linked", "device": DEVICE}
    linked = ada.post("jobs/", {"link_job": link})["id"]
    for key in (ran, quantized, linked):
        ada.wait(key)
    target_3 = ada.job(linked)["target_model"]["model_id"]
    output = ada.get(f"jobs/{ran}/result/")["inference_job_result"]["output_dataset_id"]
    for key in (model, target, target_2, target_3):
        delete(ada, f"models/{key}/")
    for key in (data, output):
        delete(ada, f"datasets/{key}/")
    assert ada.job(made)["model"] == {"model_id": model}
    assert ada.job(made)["target_model"] == {"model_id": target}
    assert ada.job(ran)["model"] == {"model_id": target}
    assert ada.job(ran)["dataset"] == {"dataset_id": data}
    assert ada.job(quantized)["calibration_dataset"] == {"dataset_id": data}
    assert ada.job(linked)["models"] == {"models": [{"model_id": target}], "total_query_count": 1}
    assert "deleted" in problem(ada.http.get(f"jobs/{made}/download_compiled_model/"), 404)
    assert ada.get(f"jobs/{ran}/result/")["inference_job_result"]["output_dataset_id"] == output
    for path in ("jobs/", "job_summaries/"):
        assert "secret" not in ada.http.get(path, params={"limit": 4}).text
    for key in (made, ran, quantized, linked):
        ada.get(f"jobs/{key}/result/")
        wire = {"Content-Type": "application/x-protobuf"}
        assert ada.http.get(f"jobs/{key}/", headers=wire).status_code == 200


def test_uploads_end_with_what_they_are_for(ada: Api) -> None:
    model = ada.create_model()
    upload = ada.get(f"models/{model}/multipart_upload/", file_size=5)["multipart_url"]
    data = ada.post("datasets/", {"name": "images"})["id"]
    form = ada.get(f"datasets/{data}/upload_url/")["url"]["url"]
    assert httpx.post(form, files={"file": ("f", b"data")}).status_code == 201
    delete(ada, f"models/{model}/")
    delete(ada, f"datasets/{data}/")
    assert "abandoned" in problem(httpx.put(upload["urls"][0], content=b"model"), 409)
    assert "abandoned" in problem(httpx.post(form, files={"file": ("f", b"data")}), 409)


@pytest.mark.shared_folder
def test_a_file_that_several_have_from_the_cache_goes_with_the_last(tmp_path: Path) -> None:
    worker = FakeWorker()
    with LocalHub(
        tmp_path / "hub", users=[ADA, BOB], run_attempt=worker, validate_responses=True
    ) as hub:
        ada, bob = Api(hub, ADA), Api(hub, BOB)
        files = tmp_path / "hub" / "files"

        def compiled(api: Api, *shared_with: str) -> str:
            key, target = api.compile(api.upload_model())
            assert api.wait(key)["job_state"] == "JOB_STATE_DONE"
            api.patch(f"jobs/{key}/shared_access/", {"add_email": shared_with})
            return target

        def content(api: Api, key: str) -> bytes:
            return httpx.get(api.get(f"models/{key}/download/")["url"]["url"]).content

        made, given, again = compiled(ada, BOB), compiled(bob), compiled(bob)
        assert len(worker.requests) == 1
        count = len(list(files.iterdir()))
        delete(ada, f"models/{made}/")
        assert content(bob, given) == content(bob, again) == b"made from model"
        delete(bob, f"models/{given}/")
        assert len(list(files.iterdir())) == count
        # The cache serves no more from the one that is deleted.
        anew = compiled(ada)
        assert len(worker.requests) == 2
        count = len(list(files.iterdir()))
        delete(bob, f"models/{again}/")
        assert len(list(files.iterdir())) == count - 1
        assert content(ada, anew) == b"made from model"
        ada.close()
        bob.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_submit_and_a_delete_at_once_leave_no_job_without_its_file(
    ada: Api, worker: FakeWorker, seed: int
) -> None:
    rng = random.Random(seed)
    submitted: list[httpx.Response] = []
    deleted: list[httpx.Response] = []
    for _ in range(8):
        model = ada.upload_model()
        body = {
            "compile_job": {
                "model": {"model_id": model},
                "devices": {"devices": [DEVICE]},
            }
        }

        def submit(body: object = body, pause: float = rng.uniform(0, 0.004)) -> None:
            threading.Event().wait(pause)
            submitted.append(ada.http.post("jobs/", json=body))

        def remove(model: str = model, pause: float = rng.uniform(0, 0.004)) -> None:
            threading.Event().wait(pause)
            deleted.append(ada.http.delete(f"models/{model}/"))

        threads = [threading.Thread(target=each) for each in (submit, remove)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {answer.status_code for answer in submitted} <= {201, 404}
    assert {answer.status_code for answer in deleted} <= {200, 409}
    for answer in submitted:
        if answer.status_code == 201:
            assert ada.wait(answer.json()["id"])["job_state"] == "JOB_STATE_DONE"


@pytest.mark.shared_folder
def test_a_file_that_is_gone_from_the_disk_can_be_deleted(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    with LocalHub(tmp_path, users=[ADA], clock=lambda: moment) as hub:
        ada = Api(hub)
        key = ada.upload_dataset()
        for path in (tmp_path / "files").iterdir():
            path.unlink()
        delete(ada, f"datasets/{key}/")
        ada.close()


@contextmanager
def half_a_part(ada: Api, model: str) -> Iterator[socket.socket]:
    """Send a part of an upload as far as its middle."""
    upload = ada.get(f"models/{model}/multipart_upload/", file_size=5)["multipart_url"]
    url = httpx.URL(upload["urls"][0])
    lines = [f"PUT {url.raw_path.decode()} HTTP/1.1", f"Host: {url.host}", "Content-Length: 5"]
    with socket.create_connection((url.host, url.port or 0)) as sender:
        sender.sendall("\r\n".join([*lines, "", "mod"]).encode())
        yield sender


@pytest.mark.small_hub("a process knows of the parts that arrive by itself")
def test_what_is_being_uploaded_is_not_deleted_beneath(ada: Api) -> None:
    # The part may begin to arrive after the model is gone: then with another one, later.
    for pause in (0.0, 0.1, 0.5, 2.0, 8.0):
        model = ada.create_model()
        with half_a_part(ada, model) as sender:
            threading.Event().wait(pause)
            answer = ada.http.delete(f"models/{model}/")
            if answer.status_code == 200:
                continue
            assert "still being uploaded" in problem(answer, 409)
            sender.sendall(b"el")
            assert sender.recv(100).startswith(b"HTTP/1.1 200")
            delete(ada, f"models/{model}/")
            return
    pytest.fail("the part never began to arrive")
