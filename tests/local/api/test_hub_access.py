"""Who sees what over HTTP: owner, recipient, stranger."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api, problem
from support.recorded_statements import recorded_statements

from qai_hub.local import LocalHub

BOB = "bob@example.com"


@dataclass
class Work:
    """A compile job, an inference job on its target model, and all that belongs to them."""

    source: str
    compiled: str
    target: str
    data: str
    inferred: str
    outputs: str

    def paths(self) -> dict[str, list[str]]:
        """Return what can be looked at, by what it belongs to."""
        log = "device_runs/latest/artifact_list/5/"
        return {
            "source": [f"models/{self.source}/", f"models/{self.source}/download/"],
            "compiled": [
                f"jobs/{self.compiled}/",
                f"jobs/{self.compiled}/result/",
                f"jobs/{self.compiled}/download_compiled_model/",
                f"jobs/{self.compiled}/{log}",
            ],
            "target": [f"models/{self.target}/", f"models/{self.target}/download/"],
            "data": [f"datasets/{self.data}/", f"datasets/{self.data}/download_data/"],
            "inferred": [
                f"jobs/{self.inferred}/",
                f"jobs/{self.inferred}/result/",
                f"jobs/{self.inferred}/{log}",
            ],
            "outputs": [f"datasets/{self.outputs}/", f"datasets/{self.outputs}/download_data/"],
        }

    def own_path(self, name: str) -> str:
        return self.paths()[name][0]

    def seen_by(self, api: Api) -> set[str]:
        """Return what a person may look at; of each thing, all or nothing."""
        seen = set()
        for name, paths in self.paths().items():
            statuses = {api.http.get(path).status_code for path in paths}
            assert len(statuses) == 1, (name, statuses)
            if statuses == {200}:
                seen.add(name)
            else:
                assert statuses == {404}
        return seen


@pytest.fixture
def work(ada: Api) -> Iterator[Work]:
    source, data = ada.upload_model(), ada.upload_dataset()
    compiled, target = ada.compile(source)
    inferred = ada.submit("inference_job", target, dataset={"dataset_id": data})
    ada.wait(inferred)
    outputs = ada.get(f"jobs/{inferred}/result/")["inference_job_result"]["output_dataset_id"]
    made = Work(source, compiled, target, data, inferred, outputs)
    yield made
    for name in made.paths():
        ada.http.delete(f"{made.own_path(name)}shared_access/")


EVERYTHING = {"source", "compiled", "target", "data", "inferred", "outputs"}


@pytest.mark.parametrize(
    ("shared", "opened"),
    [
        ("inferred", EVERYTHING),
        ("compiled", {"compiled", "source", "target"}),
        ("source", {"source"}),
        ("target", {"target"}),
        ("data", {"data"}),
    ],
)
def test_a_share_opens_what_belongs_to_it_to_one_person(
    ada: Api, bob: Api, eve: Api, work: Work, shared: str, opened: set[str]
) -> None:
    sharing = f"{work.own_path(shared)}shared_access/"
    assert work.seen_by(ada) == EVERYTHING
    assert work.seen_by(bob) == set()
    ada.patch(sharing, {"add_email": [BOB]})
    assert work.seen_by(bob) == opened
    assert work.seen_by(eve) == set()
    ada.patch(sharing, {"remove_email": [BOB]})
    assert work.seen_by(bob) == set()


def test_taking_back_closes_what_nothing_else_opens(ada: Api, bob: Api, work: Work) -> None:
    ada.patch(f"jobs/{work.inferred}/shared_access/", {"add_email": [BOB]})
    ada.patch(f"models/{work.target}/shared_access/", {"add_email": [BOB]})
    assert ada.http.delete(f"jobs/{work.inferred}/shared_access/").status_code == 200
    assert work.seen_by(bob) == {"target"}


def test_recipients_look_and_do_not_change(ada: Api, bob: Api, eve: Api, work: Work) -> None:
    ada.patch(f"jobs/{work.inferred}/shared_access/", {"add_email": [BOB]})
    for name in EVERYTHING:
        path = work.own_path(name)
        shown = bob.get(path)
        assert shown["read_only"] is True
        (permission,) = shown["actor_authorization"]["permissions"]
        assert permission.endswith("_CAN_VIEW")
        requests = [
            ("PATCH", path, {"name": "mine"}),
            ("PATCH", f"{path}shared_access/", {"add_email": ["x@example.com"]}),
            ("DELETE", f"{path}shared_access/", None),
        ]
        for method, url, body in requests:
            problem(bob.http.request(method, url, json=body), 403)
            problem(eve.http.request(method, url, json=body), 404)
    problem(bob.http.get(f"models/{work.source}/multipart_upload/?file_size=5"), 403)
    problem(bob.http.post(f"models/{work.source}/upload_complete/"), 403)
    problem(bob.http.get(f"datasets/{work.data}/upload_url/"), 403)
    assert ada.job(work.inferred)["name"] == "net"
    assert bob.get(f"jobs/{work.inferred}/shared_access/") == {"email": [BOB]}


def test_strangers_cannot_tell_what_exists(ada: Api, eve: Api, work: Work) -> None:
    known = problem(eve.http.get(f"jobs/{work.inferred}/"), 404)
    unknown = problem(eve.http.get("jobs/j00000000/"), 404)
    assert known.replace(work.inferred, "X") == unknown.replace("j00000000", "X")
    body = {"compile_job": {"model": {"model_id": work.source}, "devices": {"devices": [{}]}}}
    assert work.source in problem(eve.http.post("jobs/", json=body), 404)


def test_what_is_shared_by_name_is_listed(ada: Api, bob: Api, eve: Api, work: Work) -> None:
    ada.patch(f"jobs/{work.inferred}/shared_access/", {"add_email": [BOB]})

    def listed(api: Api, **query: str) -> set[str]:
        jobs = api.get("jobs/", limit=1000, **query)["jobs"]
        return {
            str(job["inference_job"]["inference_job_id"]) for job in jobs if "inference_job" in job
        }

    assert work.inferred in listed(bob)
    assert work.inferred in listed(bob, creator="ada@example.com")
    assert work.inferred not in listed(bob, creator=BOB)
    assert work.inferred not in listed(eve)


def test_recipients_may_work_with_what_they_see(ada: Api, bob: Api, eve: Api, work: Work) -> None:
    ada.patch(f"models/{work.target}/shared_access/", {"add_email": [BOB]})
    own = bob.submit("inference_job", work.target, is_profiling_on=True)
    assert bob.wait(own)["job_state"] == "JOB_STATE_DONE"
    bob.patch(f"jobs/{own}/shared_access/", {"add_email": ["eve@example.com"]})
    assert eve.job(own)["model"]["model_id"] == work.target
    problem(eve.http.get(f"models/{work.target}/download/"), 404)


def test_the_list_of_people(ada: Api, work: Work) -> None:
    sharing = f"jobs/{work.compiled}/shared_access/"
    added = ["zoe@example.com", "Bob@Example.com", "ada@example.com"]
    ada.patch(sharing, {"add_email": added})
    ada.patch(sharing, {"add_email": ["zoe@example.com"], "remove_email": ["who@example.com"]})
    assert ada.get(sharing)["email"] == ["zoe@example.com", BOB]
    ada.patch(sharing, {"add_email": ["x@example.com"], "remove_email": ["ZOE@example.com"]})
    assert ada.get(sharing)["email"] == [BOB, "x@example.com"]
    for _ in range(2):
        assert ada.http.delete(sharing).json()["id"] == work.compiled
    assert ada.get(sharing)["email"] == []


@pytest.mark.parametrize("bad", ["", "bob", "a@b@c", "a b@c", "a,b@c", "x" * 300 + "@example.com"])
def test_what_is_no_address_is_refused(ada: Api, model: str, bad: str) -> None:
    response = ada.http.patch(f"models/{model}/shared_access/", json={"add_email": [bad]})
    problem(response, 400)


def test_a_person_who_gets_an_account_later_finds_what_was_shared(tmp_path: Path) -> None:
    with LocalHub(tmp_path, users=["ada@example.com"]) as hub:
        api = Api(hub)
        key = api.upload_model()
        api.patch(f"models/{key}/shared_access/", {"add_email": ["new@example.com"]})
        api.close()
    with LocalHub(tmp_path, users=["new@example.com"]) as hub:
        api = Api(hub)
        assert api.get(f"models/{key}/")["owner"]["email"] == "ada@example.com"
        api.close()


def shared_then_taken_back(ada: Api, bob: Api, worker: FakeWorker) -> tuple[str, str, str]:
    """Let Bob run Ada's model, which she fails to make, with her data; then take both back."""
    worker.failures["--bad"] = "Ada's secret."
    worker.may_finish.clear()
    failed, target = ada.compile(ada.upload_model(), name="Ada's plan", options="--bad")
    data = ada.upload_dataset()
    for path in (f"models/{target}/shared_access/", f"datasets/{data}/shared_access/"):
        ada.patch(path, {"add_email": [BOB]})
    run = bob.submit("inference_job", target, dataset={"dataset_id": data})
    worker.may_finish.set()
    ada.wait(failed)
    bob.wait(run)
    for path in (f"models/{target}/shared_access/", f"datasets/{data}/shared_access/"):
        ada.http.delete(path)
    return failed, target, run


def test_what_is_taken_back_is_an_id_in_other_things(
    ada: Api, bob: Api, eve: Api, worker: FakeWorker
) -> None:
    _, target, run = shared_then_taken_back(ada, bob, worker)
    bob.patch(f"jobs/{run}/shared_access/", {"add_email": ["eve@example.com"]})
    for api in (bob, eve):
        job = api.job(run)
        assert job["model"] == {"model_id": target}
        assert set(job["dataset"]) == {"dataset_id"}
        assert "tensor_type_list" not in job
        (summary,) = (
            each["inference_job_summary"]
            for each in api.get("job_summaries/", limit=1000)["job_summaries"]
            if each.get("inference_job_summary", {}).get("job_id") == run
        )
        assert "target_model_type" not in summary
        text = api.http.get(f"jobs/{run}/").text
        assert "ada@example.com" not in text
        assert "Ada's plan" not in text
    ada.patch(f"models/{target}/shared_access/", {"add_email": [BOB]})
    assert bob.job(run)["model"]["name"] == "Ada's plan"


def test_why_another_job_failed_is_told_to_those_who_may_see_it(
    ada: Api, bob: Api, worker: FakeWorker
) -> None:
    failed, target, run = shared_then_taken_back(ada, bob, worker)
    told = f"A model that this job needs was not made: the job {failed} failed."
    assert bob.job(run)["failure_reason"] == told
    assert problem(bob.http.get(f"jobs/{run}/result/"), 409) == f"The job {run} failed: {told}"
    (log,) = bob.get(f"jobs/{run}/device_runs/latest/artifact_list/5/")["artifacts"]
    text = httpx.get(log["url"]).text
    assert told in text
    assert "secret" not in text
    # The model alone opens no reason of the job that was to make it.
    ada.patch(f"models/{target}/shared_access/", {"add_email": [BOB]})
    missing = problem(bob.http.get(f"models/{target}/download/"), 409)
    assert missing == f"The model {target} was not made: the job {failed} failed."
    assert bob.job(run)["failure_reason"] == told
    ada.patch(f"jobs/{failed}/shared_access/", {"add_email": [BOB]})
    assert bob.job(run)["failure_reason"] == f"{told[:-1]}: Ada's secret."
    assert (
        problem(bob.http.get(f"models/{target}/download/"), 409) == f"{missing[:-1]}: Ada's secret."
    )
    # After it has failed, jobs fail at once, and tell no more.
    late = bob.submit("inference_job", target, is_profiling_on=True)
    ada.http.delete(f"jobs/{failed}/shared_access/")
    assert bob.job(late)["failure_reason"] == told


def test_jobs_pass_no_name_of_another_on(ada: Api, bob: Api) -> None:
    model = ada.upload_model(name="Ada's net")
    ada.patch(f"models/{model}/shared_access/", {"add_email": [BOB]})
    own, target = ada.compile(model)
    assert ada.job(own)["name"] == ada.get(f"models/{target}/")["name"] == "Ada's net"
    theirs, target = bob.compile(model)
    assert bob.job(theirs)["name"] == bob.get(f"models/{target}/")["name"] == model


def test_the_filter_by_person_does_not_tell_whom_the_hub_knows(eve: Api, work: Work) -> None:
    for path in ("jobs/", "job_summaries/"):
        answers = [
            eve.http.get(path, params={"creator": email})
            for email in ("ada@example.com", "nobody@example.com", "ADA@example.com ")
        ]
        assert [answer.json()["total_query_count"] for answer in answers] == [0, 0, 0]
        assert len({answer.text for answer in answers}) == 1


def test_strangers_learn_nothing_by_submitting(ada: Api, bob: Api, work: Work) -> None:
    """What is there and what is not is refused alike, wherever a job may name it."""
    device = {"name": "Samsung Galaxy S24"}
    own = bob.upload_model()

    def bodies(model: str, data: str) -> list[dict[str, Any]]:
        models = {"models": [{"model_id": own}, {"model_id": model}]}
        run = {"model": {"model_id": own}, "device": device, "dataset": {"dataset_id": data}}
        return [
            {"link_job": {"models": models, "device": device}},
            {"inference_job": {"model": {"model_id": model}, "device": device}},
            {"inference_job": run},
        ]

    half_made = ada.create_model()
    for model, data in ((work.source, work.data), (half_made, work.data)):
        known = [bob.http.post("jobs/", json=body) for body in bodies(model, data)]
        unknown = [bob.http.post("jobs/", json=body) for body in bodies("m0000000", "d0000000")]
        for mine, theirs in zip(known, unknown, strict=True):
            told = problem(mine, 404).replace(model, "m0000000").replace(data, "d0000000")
            assert told == problem(theirs, 404)


def test_other_jobs_on_a_shared_jobs_model_are_not_looked_through_for_it(
    ada: Api, bob: Api, work: Work
) -> None:
    # The latest job, so that it is the first on the list.
    key, _ = ada.compile(ada.upload_model())
    for shared in (key, work.inferred):
        ada.patch(f"jobs/{shared}/shared_access/", {"add_email": [BOB]})
    with recorded_statements() as said:
        for path in ("job_summaries/", "jobs/", f"jobs/{key}/"):
            assert key in str(bob.get(path, limit=1))
        assert said
        assert [statement for statement in said if "RECURSIVE" in statement] == []
        # Which way leads to this one, only the walk can tell.
        bob.get(f"jobs/{work.compiled}/")
    assert [statement for statement in said if "RECURSIVE" in statement]
