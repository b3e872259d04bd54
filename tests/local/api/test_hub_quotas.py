"""How much one person may store, and create in a minute."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, problem

import qai_hub as hub_api
from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig

LIMIT = 5_000
PEOPLE = [f"person{number}@example.com" for number in range(12)]
_people = iter(PEOPLE)


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A hub where everybody may store 5,000 bytes, and create 6 things in a minute."""
    config = HubConfig(
        users=tuple((each, None) for each in PEOPLE),
        max_storage=LIMIT,
        max_creations=6,
        max_parallel_jobs=1,
        validate_responses=True,
    )
    with LocalHub.from_config(config, run_attempt=FakeWorker()) as running:
        yield running


@pytest.fixture
def email() -> str:
    """Somebody who has nothing yet."""
    return next(_people)


@pytest.fixture
def api(hub: LocalHub, email: str) -> Iterator[Api]:
    made = Api(hub, email)
    yield made
    made.close()


def begin(api: Api, model: str, size: int) -> httpx.Response:
    return api.http.get(f"models/{model}/multipart_upload/", params={"file_size": size})


def test_an_upload_that_does_not_fit_is_refused_at_its_start(api: Api) -> None:
    api.upload_model(b"x" * 4600)
    model = api.create_model()
    told = problem(begin(api, model, 401), 409)
    assert told.startswith("You store 4,600 of at most 5,000 bytes, unfinished uploads included: ")
    assert "401 bytes more do not fit. Delete models and datasets" in told
    assert begin(api, model, 400).status_code == 200
    # What has begun is reserved, and can be finished.
    data = api.post("datasets/", {"name": "images"})["id"]
    answer = api.http.get(f"datasets/{data}/upload_url/", params={"file_size": 1})
    assert "1 bytes more do not fit" in problem(answer, 409)
    assert "1 bytes more do not fit" in problem(api.http.get(f"datasets/{data}/upload_url/"), 409)


def test_what_has_begun_is_finished_however_little_space_there_is(api: Api) -> None:
    model = api.create_model()
    parts = begin(api, model, 4900).json()["multipart_url"]
    problem(begin(api, api.create_model(), 101), 409)
    etag = httpx.put(parts["urls"][0], content=b"x" * 4900).headers["ETag"]
    again = api.get(
        f"models/{model}/multipart_upload/", file_size=4900, upload_id=parts["upload_id"]
    )
    assert len(again["multipart_url"]["parts"]) == 1
    api.post(
        f"models/{model}/multipart_upload/", {"upload_id": parts["upload_id"], "etags": [etag]}
    )
    assert begin(api, api.create_model(), 100).status_code == 200


def test_an_upload_that_is_begun_again_takes_its_space_once(api: Api) -> None:
    model = api.create_model()
    for _ in range(2):
        assert begin(api, model, LIMIT).status_code == 200
    problem(begin(api, model, LIMIT + 1), 409)
    problem(begin(api, api.create_model(), 1), 409)


def test_space_is_free_once_a_model_is_deleted(api: Api) -> None:
    model = api.upload_model(b"x" * LIMIT)
    other = api.create_model()
    problem(begin(api, other, 1), 409)
    assert api.http.delete(f"models/{model}/").status_code == 200
    assert begin(api, other, LIMIT).status_code == 200


def test_no_job_starts_without_space_for_its_results(api: Api) -> None:
    model = api.upload_model(b"x" * LIMIT)
    body = {"compile_job": {"model": {"model_id": model}, "devices": {"devices": [DEVICE]}}}
    told = problem(api.http.post("jobs/", json=body), 409)
    assert "there is no space for the results of a job" in told


@pytest.mark.small_hub("object storage receives forms itself, and signs their limit")
def test_a_form_of_unknown_size_cannot_exceed_the_space(api: Api) -> None:
    data = api.post("datasets/", {"name": "images"})["id"]
    forms = [api.get(f"datasets/{data}/upload_url/")["url"]["url"] for _ in range(2)]
    file = {"file": ("f", b"x" * 70_000)}
    assert httpx.post(forms[0], files=file).status_code == 413
    assert httpx.post(forms[0], files={"file": ("f", b"x" * 800)}).status_code == 201
    model = api.upload_model(b"x" * 4500)
    # It has arrived, and waits for space.
    done = api.http.patch(f"datasets/{data}/", json={"file_upload_complete": True})
    assert "800 bytes more do not fit" in problem(done, 409)
    assert api.http.delete(f"models/{model}/").status_code == 200
    api.patch(f"datasets/{data}/", {"file_upload_complete": True})


def test_results_of_jobs_count(api: Api) -> None:
    model = api.upload_model(b"x" * 100)
    job, target = api.compile(model)
    assert api.wait(job)["job_state"] == "JOB_STATE_DONE"
    other = api.create_model()
    told = problem(begin(api, other, LIMIT - 100), 409)
    used = int(told.split()[2].replace(",", ""))
    assert used > 100
    assert api.http.delete(f"models/{target}/").status_code == 200
    assert begin(api, other, LIMIT - used + 1).status_code == 200


def test_more_than_the_rate_waits(api: Api) -> None:
    keys = [{"Idempotency-Key": str(number)} for number in range(7)]
    body = {"name": "net", "model_type": "MODEL_TYPE_ONNX"}
    made = [api.http.post("models/", json=body, headers=key) for key in keys[:6]]
    assert [each.status_code for each in made] == [201] * 6
    refused = api.http.post("datasets/", json={"name": "images"}, headers=keys[6])
    told = problem(refused, 429)
    seconds = int(refused.headers["Retry-After"])
    assert 0 < seconds <= 10
    assert told == (
        f"You may create 6 jobs, models and datasets in a minute: try again in {seconds} seconds."
    )
    # What was created is answered again, and everything else goes on.
    again = api.http.post("models/", json=body, headers=keys[0])
    assert again.json()["id"] == made[0].json()["id"]
    assert begin(api, made[0].json()["id"], 5).status_code == 200
    assert api.http.delete(f"models/{made[1].json()['id']}/").status_code == 200


def test_what_is_refused_for_another_reason_takes_nothing_from_the_rate(api: Api) -> None:
    body = {"compile_job": {"model": {"model_id": "mnone"}, "devices": {"devices": [DEVICE]}}}
    for _ in range(8):
        assert api.http.post("jobs/", json=body).status_code == 404
    api.create_model()


def test_the_client_tells_what_is_full(hub: LocalHub, email: str) -> None:
    client = hub.client(email)
    with pytest.raises(hub_api.UserError, match=r"of at most 5,000 bytes.*Delete models"):
        client.upload_dataset({"x": [np.random.default_rng(0).random((100, 100), np.float32)]})
