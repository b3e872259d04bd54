"""Cancelling over HTTP: who may, what ends, and who hears of it."""

import threading

import httpx
from support.fake_worker import FakeWorker
from support.hub_http import Api, Json, ok, problem
from support.polling import wait_until

from qai_hub.local import LocalHub
from qai_hub.wire import decode

REASON = "Cancelled by ada@example.com."
CANCELLED = "JOB_FAILURE_TYPE_CANCELLED"


def until_gone(worker: FakeWorker) -> None:
    wait_until(lambda: worker.running == 0, "the attempt did not end")


def running(ada: Api, worker: FakeWorker, model: str) -> str:
    key, _ = ada.compile(model)
    begun = "JOB_STATE_OPTIMIZING_MODEL"
    wait_until(lambda: worker.running and ada.job(key)["job_state"] == begun)
    return key


def log_of(api: Api, key: str) -> str:
    (log,) = api.get(f"jobs/{key}/device_runs/latest/artifact_list/5/")["artifacts"]
    return httpx.get(log["url"]).text


def test_a_running_job_ends_at_once(ada: Api, held: FakeWorker, model: str) -> None:
    key = running(ada, held, model)
    answer = ada.post(f"jobs/{key}/cancel/")
    assert (answer["id"], answer["status"]) == (key, "JOB_STATE_FAILED")
    whole = ada.get(f"jobs/{key}/")
    job = whole["compile_job"]
    assert (job["job_state"], job["failure_reason"]) == ("JOB_STATE_FAILED", REASON)
    assert job["start_time"] <= job["completion_time"]
    assert whole["failure_type"] == CANCELLED
    assert REASON in log_of(ada, key)
    until_gone(held)
    assert REASON in problem(ada.http.get(f"jobs/{key}/download_compiled_model/"), 409)


def test_cancelling_again_or_too_late_changes_nothing(
    ada: Api, held: FakeWorker, model: str
) -> None:
    key = running(ada, held, model)
    ada.post(f"jobs/{key}/cancel/")
    before = ada.get(f"jobs/{key}/")
    assert ada.post(f"jobs/{key}/cancel/")["status"] == "JOB_STATE_FAILED"
    assert ada.get(f"jobs/{key}/") == before
    held.may_finish.set()
    done, _ = ada.compile(model)
    ada.wait(done)
    before = ada.get(f"jobs/{done}/")
    assert ada.post(f"jobs/{done}/cancel/")["status"] == "JOB_STATE_DONE"
    assert ada.get(f"jobs/{done}/") == before


def test_the_same_key_gives_the_first_answer(ada: Api, held: FakeWorker, model: str) -> None:
    key = running(ada, held, model)
    header = {"Idempotency-Key": f"cancel-{key}"}
    first, second = (ada.http.post(f"jobs/{key}/cancel/", headers=header) for _ in range(2))
    assert ok(first) == ok(second)
    assert second.headers["Idempotency-Replayed"] == "true"


def test_what_waits_for_its_model_fails_with_that_reason(
    ada: Api, held: FakeWorker, model: str
) -> None:
    key = running(ada, held, model)
    target = ada.job(key)["target_model"]["model_id"]
    behind = ada.submit("inference_job", target)
    heard: list[Json] = []
    waiting = threading.Thread(target=lambda: heard.append(ada.wait(behind)))
    waiting.start()
    ada.post(f"jobs/{key}/cancel/")
    waiting.join(15)
    (job,) = heard
    assert job["job_state"] == "JOB_STATE_FAILED"
    assert REASON in job["failure_reason"]
    failure_type = ada.get(f"jobs/{behind}/")["failure_type"]
    assert failure_type == "JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY"
    assert ada.get(f"models/{target}/")["file_upload_complete"] is False
    # As is one that comes later.
    late = ada.submit("inference_job", target)
    assert REASON in ada.job(late)["failure_reason"]


def test_whoever_waits_hears_of_it_at_once(ada: Api, held: FakeWorker, model: str) -> None:
    key = running(ada, held, model)
    heard: list[Json] = []
    waiting = threading.Thread(target=lambda: heard.append(ada.wait(key, 30)))
    waiting.start()
    ada.post(f"jobs/{key}/cancel/")
    waiting.join(15)
    assert heard[0]["failure_reason"] == REASON


def test_only_the_owner_may_cancel(
    ada: Api, bob: Api, eve: Api, held: FakeWorker, model: str
) -> None:
    key = running(ada, held, model)
    ada.patch(f"jobs/{key}/shared_access/", {"add_email": ["bob@example.com"]})
    assert "Only its owner" in problem(bob.http.post(f"jobs/{key}/cancel/"), 403)
    problem(eve.http.post(f"jobs/{key}/cancel/"), 404)
    problem(ada.http.post("jobs/jnone0000/cancel/"), 404)
    problem(ada.http.post(f"jobs/{key}/cancel/", headers={"Authorization": ""}), 401)
    assert ada.job(key)["job_state"] == "JOB_STATE_OPTIMIZING_MODEL"
    ada.post(f"jobs/{key}/cancel/")
    assert bob.job(key)["failure_reason"] == REASON


def test_a_queued_job_ends_without_having_run() -> None:
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(
        users=["ada@example.com"], max_parallel_jobs=1, run_attempt=worker, validate_responses=True
    ) as hub:
        ada = Api(hub)
        model = ada.upload_model()
        first = running(ada, worker, model)
        queued, _ = ada.compile(model, options="--queued")
        assert ada.post(f"jobs/{queued}/cancel/")["status"] == "JOB_STATE_FAILED"
        assert ada.job(queued)["failure_reason"] == REASON
        assert REASON in log_of(ada, queued)
        worker.may_finish.set()
        ada.wait(first)
        ada.close()
    assert [request.options for request in worker.requests] == [""]


def test_the_other_wire_cancels_too(ada: Api, held: FakeWorker, model: str) -> None:
    key = running(ada, held, model)
    wire = {"Content-Type": "application/x-protobuf"}
    answer = ada.http.post(f"jobs/{key}/cancel/", headers=wire)
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    told = decode("qai_hub.api.CreateUpdateResponse", answer.content)
    assert (told["id"], told["status"]) == (key, "JOB_STATE_FAILED")
    job = decode("qai_hub.api.Job", ada.http.get(f"jobs/{key}/", headers=wire).content)
    assert job["failure_type"] == CANCELLED
