"""No POST that names itself is carried out twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, Json, problem

from qai_hub.local import LocalHub

MODEL: Json = {"name": "net", "model_type": "MODEL_TYPE_ONNX"}


def count(api: Api) -> int:
    return int(api.get("models/", limit=1)["total_query_count"])


def test_the_first_answer_is_given_again(ada: Api) -> None:
    before = count(ada)
    headers = {"Idempotency-Key": "first-answer"}
    first = ada.http.post("models/", json=MODEL, headers=headers)
    # The order of the fields is no part of what a body says.
    again = ada.http.post("models/", json=dict(reversed(MODEL.items())), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(ada) == before + 1


def test_another_body_under_the_same_key_is_refused(ada: Api) -> None:
    headers = {"Idempotency-Key": "another-body"}
    ada.http.post("models/", json=MODEL, headers=headers)
    refused = ada.http.post("models/", json=MODEL | {"name": "other"}, headers=headers)
    assert "new key" in problem(refused, 409)


def test_keys_are_each_persons_and_each_paths_own(ada: Api, bob: Api) -> None:
    key = {"Idempotency_Key": "shared-key"}
    made = {
        ada.post("models/", MODEL, **key)["id"],
        bob.post("models/", MODEL, **key)["id"],
        ada.post("datasets/", {}, **key)["id"],
    }
    assert len(made) == 3


def test_a_failure_is_not_kept(ada: Api, model: str) -> None:
    headers = {"Idempotency-Key": "failed-before"}
    empty = ada.create_model()
    body = {"compile_job": {"model": {"model_id": empty}, "devices": {"devices": [DEVICE]}}}
    problem(ada.http.post("jobs/", json=body, headers=headers), 409)
    body["compile_job"]["model"] = {"model_id": model}
    assert ada.http.post("jobs/", json=body, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\x7f"])
def test_keys_that_cannot_be_one_are_refused(ada: Api, key: str) -> None:
    response = ada.http.post("models/", json=MODEL, headers={"Idempotency-Key": key})
    assert "Idempotency-Key" in problem(response, 400)


def test_many_at_once_make_one_job(ada: Api, model: str) -> None:
    body = {"compile_job": {"model": {"model_id": model}, "devices": {"devices": [DEVICE]}}}
    barrier = threading.Barrier(8)

    def submit(_: int) -> str:
        barrier.wait()
        return str(ada.post("jobs/", body, Idempotency_Key="all-at-once")["id"])

    before = ada.get("jobs/", limit=1)["total_query_count"]
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(submit, range(8)))
    assert len(keys) == 1
    assert ada.get("jobs/", limit=1)["total_query_count"] == before + 1


def model_of_a_start(folder: Path, clock: datetime) -> str:
    """Return the model that a start of a hub makes under a key, or an earlier one has made."""
    with LocalHub(folder, run_attempt=FakeWorker(), clock=lambda: clock) as hub:
        api = Api(hub)
        key = str(api.post("models/", MODEL, Idempotency_Key="k")["id"])
        api.close()
        return key


def test_keys_outlast_the_process_and_live_for_a_day(tmp_path: Path) -> None:
    clock = datetime(2026, 1, 1, tzinfo=UTC)
    first = model_of_a_start(tmp_path, clock)
    clock += timedelta(hours=23, minutes=59)
    assert model_of_a_start(tmp_path, clock) == first


@pytest.mark.small_hub("starts of a team clean nothing up")
def test_a_start_a_day_later_forgets_keys(tmp_path: Path) -> None:
    clock = datetime(2026, 1, 1, tzinfo=UTC)
    first = model_of_a_start(tmp_path, clock)
    clock += timedelta(days=1)
    # No clock is believed before another start has agreed.
    assert model_of_a_start(tmp_path, clock) == first
    clock += timedelta(minutes=1)
    assert model_of_a_start(tmp_path, clock) != first


def test_completing_an_upload_twice_under_one_key(ada: Api, model: str) -> None:
    headers = {"Idempotency-Key": "complete"}
    answers = [ada.http.post(f"models/{model}/upload_complete/", headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
