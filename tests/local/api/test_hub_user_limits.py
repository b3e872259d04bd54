"""What one person may have at once, and that nobody else notices."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, problem

from qai_hub.local import LocalHub

ADA, BOB = "ada@example.com", "bob@example.com"


def refused(answer: httpx.Response) -> str:
    assert int(answer.headers["Retry-After"]) > 0
    return problem(answer, 429)


def test_a_full_queue_is_told_and_frees_itself() -> None:
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(
        users=[ADA, BOB],
        max_parallel_jobs=1,
        max_queued_jobs=2,
        run_attempt=worker,
        validate_responses=True,
    ) as hub:
        ada, bob = Api(hub, ADA), Api(hub, BOB)
        model = ada.upload_model()
        first, target = ada.compile(model)
        while ada.job(first)["job_state"] == "JOB_STATE_CREATED":
            time.sleep(0.01)
        # What waits for a model counts as well.
        queued = [ada.submit("inference_job", target), ada.compile(model)[0]]
        device = {"devices": {"devices": [DEVICE]}}
        body = {"compile_job": {"model": {"model_id": model}, **device}}
        key = {"Idempotency-Key": "third"}
        told = refused(ada.http.post("jobs/", json=body, headers=key))
        assert told.startswith("You have 2 queued jobs, the maximum for one user")
        project = ada.get("users/auth/user/")["default_project_id"]
        refused(ada.http.post(f"projects/{project}/jobs/", json=body))
        bob.compile(bob.upload_model())
        ada.post(f"jobs/{queued[1]}/cancel/")
        made = ada.http.post("jobs/", json=body, headers=key)
        assert made.status_code == 201
        # One that was made before is answered, however full the queue is.
        again = ada.http.post("jobs/", json=body, headers=key)
        assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])
        worker.may_finish.set()
        for job in (first, queued[0], made.json()["id"]):
            assert ada.wait(job)["job_state"] == "JOB_STATE_DONE"
        ada.close()
        bob.close()


@pytest.mark.shared_folder
def test_unfinished_uploads_are_bounded_and_free_themselves() -> None:
    moments = [datetime(2026, 11, 1, tzinfo=UTC)]
    with LocalHub(
        users=[ADA, BOB],
        max_unfinished_uploads=2,
        clock=lambda: moments[0],
        validate_responses=True,
    ) as hub:
        ada, bob = Api(hub, ADA), Api(hub, BOB)
        model = ada.create_model()
        data = str(ada.post("datasets/", {"name": "images"})["id"])

        def begin(api: Api, key: str) -> httpx.Response:
            if key.startswith("d"):
                return api.http.get(f"datasets/{key}/upload_url/")
            return api.http.get(f"models/{key}/multipart_upload/", params={"file_size": 5})

        upload = begin(ada, model).json()["multipart_url"]
        form = begin(ada, data).json()["url"]["url"]
        other = ada.create_model()
        told = refused(begin(ada, other))
        assert told.startswith("You have 2 unfinished uploads")
        refused(begin(ada, data))
        bob.upload_model()
        # One that is finished does not count, nor one whose dataset is deleted.
        etag = httpx.put(upload["urls"][0], content=b"model").headers["ETag"]
        body = {"upload_id": upload["upload_id"], "etags": [etag]}
        ada.post(f"models/{model}/multipart_upload/", body)
        assert begin(ada, other).status_code == 200
        refused(begin(ada, other))
        assert httpx.post(form, files={"file": ("f", b"data")}).status_code == 201
        assert ada.http.delete(f"datasets/{data}/").status_code == 200
        assert begin(ada, other).status_code == 200
        refused(begin(ada, other))
        # Nor those of days ago, which the hub gives up.
        moments[0] += timedelta(days=1)
        assert begin(ada, other).status_code == 200
        ada.close()
        bob.close()


@pytest.mark.parametrize("name", ["max_parallel_jobs", "max_queued_jobs", "max_unfinished_uploads"])
def test_bounds_let_something_through(name: str) -> None:
    bounds: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be 1 or more"):
        LocalHub(**bounds)
