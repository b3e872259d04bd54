"""A hub keeps people's files, whatever becomes of its database, its clock and its folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api, ok, problem

from qai_hub.local import LocalHub

pytestmark = pytest.mark.small_hub("it is about the database in the folder, and starts without it")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONTENT = b"0123456789"


@contextmanager
def running(folder: Path, clock: datetime = NOW) -> Iterator[tuple[LocalHub, Api]]:
    with LocalHub(
        folder, users={"a@b": "tok"}, run_attempt=FakeWorker(), clock=lambda: clock, part_size=5
    ) as hub:
        api = Api(hub)
        try:
            yield hub, api
        finally:
            api.close()


def moved(url: str, hub: LocalHub) -> str:
    """Return a signed URL as it is after a restart, on another port."""
    return f"{hub.url}/api/{url.partition('/api/')[2]}"


def content(api: Api, path: str) -> bytes:
    answer = httpx.get(api.get(path)["url"]["url"])
    assert answer.status_code == 200, answer.text
    return answer.content


class Belongings:
    """A model, a dataset, a job that is done, and an upload of which half has come."""

    def __init__(self, api: Api) -> None:
        self.model = api.upload_model(CONTENT)
        self.dataset = api.upload_dataset(CONTENT)
        self.job, _ = api.compile(self.model, options="--output_names y")
        api.wait(self.job)
        self.unfinished = api.create_model()
        self.upload = api.get(f"models/{self.unfinished}/multipart_upload/", file_size=10)
        self.first = httpx.put(self._urls[0], content=CONTENT[:5]).headers["ETag"]

    @property
    def _urls(self) -> list[str]:
        urls: list[str] = self.upload["multipart_url"]["urls"]
        return urls

    def check(self, hub: LocalHub, api: Api) -> None:
        """See that all is there; then nothing is left to be finished."""
        assert content(api, f"models/{self.model}/download/") == CONTENT
        assert content(api, f"datasets/{self.dataset}/download_data/") == CONTENT
        made = content(api, f"jobs/{self.job}/download_compiled_model/")
        assert made == b"made from " + CONTENT
        answer = httpx.put(moved(self._urls[1], hub), content=CONTENT[5:])
        assert answer.status_code == 200, answer.text
        parts = self.upload["multipart_url"]["upload_id"]
        body = {"upload_id": parts, "etags": [self.first, answer.headers["ETag"]]}
        ok(api.http.post(f"models/{self.unfinished}/multipart_upload/", json=body))
        assert content(api, f"models/{self.unfinished}/download/") == CONTENT


@pytest.mark.parametrize("instead", ["nothing", "an empty file", "an older one"])
def test_a_hub_without_its_database_loses_nothing(tmp_path: Path, instead: str) -> None:
    data, aside, old = tmp_path / "data", tmp_path / "hub.db", tmp_path / "old.db"
    with running(data):
        pass
    shutil.copy(data / "hub.db", old)
    with running(data) as (_, api):
        belongings = Belongings(api)
    (data / "hub.db").rename(aside)
    if instead == "an empty file":
        (data / "hub.db").touch()
    elif instead == "an older one":
        shutil.copy(old, data / "hub.db")
    for number in range(3):
        with running(data) as (hub, api):
            assert len(api.get("models/")["models"]) == number
            assert hub.quarantined.count == 5
            assert hub.quarantined.size > 0
            assert hub.quarantined.folder == data / "quarantine"
            api.upload_model(b"in between")
    aside.replace(data / "hub.db")
    with running(data) as (hub, api):
        belongings.check(hub, api)
        # What was made in between is all that is not known now.
        assert hub.quarantined.count == 3


@pytest.mark.parametrize(
    "wrong", [datetime(1970, 1, 1, tzinfo=UTC), NOW - MINUTE, datetime(2099, 1, 1, tzinfo=UTC)]
)
def test_one_start_by_a_wrong_clock_destroys_nothing(tmp_path: Path, wrong: datetime) -> None:
    for clock in (NOW - 2 * MINUTE, NOW - MINUTE):
        with running(tmp_path, clock):
            pass
    with running(tmp_path) as (_, api):
        belongings = Belongings(api)
        first = api.post("datasets/", {}, Idempotency_Key="k")
    with running(tmp_path, wrong) as (_, api):
        later = api.upload_dataset(b"while it was wrong")
        assert api.post("datasets/", {}, Idempotency_Key="k") == first
    for minutes in range(1, 4):
        with running(tmp_path, NOW + minutes * MINUTE) as (hub, api):
            assert hub.quarantined.count == 0
            assert api.post("datasets/", {}, Idempotency_Key="k") == first
            assert content(api, f"datasets/{later}/download_data/") == b"while it was wrong"
            if minutes == 3:
                belongings.check(hub, api)


def test_an_upload_that_was_put_away_is_told_to_have_been_given_up(tmp_path: Path) -> None:
    with running(tmp_path) as (_, api):
        key = api.create_model()
        upload = api.get(f"models/{key}/multipart_upload/", file_size=5)["multipart_url"]
        tag = httpx.put(upload["urls"][0], content=b"12345").headers["ETag"]
        dataset = str(api.post("datasets/", {"name": "images"})["id"])
        form = api.get(f"datasets/{dataset}/upload_url/")["url"]["url"]
        assert httpx.post(form, files={"file": ("f", b"data")}).status_code == 201
    for days in (2, 3):
        with running(tmp_path, NOW + timedelta(days=days)):
            pass
    with running(tmp_path, NOW + timedelta(days=3)) as (hub, api):
        assert hub.quarantined.count == 2
        body = {"upload_id": upload["upload_id"], "etags": [tag]}
        finish = api.http.post(f"models/{key}/multipart_upload/", json=body)
        assert "abandoned: start another" in problem(finish, 409)
        again = api.http.patch(f"datasets/{dataset}/", json={"file_upload_complete": True})
        assert "abandoned: start another" in problem(again, 409)
        # Another upload does it.
        upload = api.get(f"models/{key}/multipart_upload/", file_size=5)["multipart_url"]
        tag = httpx.put(upload["urls"][0], content=b"54321").headers["ETag"]
        body = {"upload_id": upload["upload_id"], "etags": [tag]}
        ok(api.http.post(f"models/{key}/multipart_upload/", json=body))
        assert content(api, f"models/{key}/download/") == b"54321"


def test_what_somebody_has_put_into_its_folders_is_kept(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    for folder in ("files", "uploads", "work", "elsewhere"):
        (tmp_path / folder / "thesis").mkdir(parents=True)
        (tmp_path / folder / "thesis" / "chapter").write_text("text")
    with running(tmp_path) as (hub, _):
        assert hub.quarantined.count == 3
    found = [path.relative_to(tmp_path).parts for path in tmp_path.rglob("chapter")]
    assert sorted(parts[-3] for parts in found) == ["elsewhere", "files", "uploads", "work"]
