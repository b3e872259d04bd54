"""Uploads that are continued, and models that are found by the digest of their file."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.hub_http import Api, problem
from support.polling import wait_until

from qai_hub.local import LocalHub
from qai_hub.local.files.folder import FolderStore

SIZE = 2500
CONTENT = bytes(index % 249 for index in range(SIZE))


def start(api: Api, key: str, **params: Any) -> dict[str, Any]:
    answer = api.get(f"models/{key}/multipart_upload/", **{"file_size": SIZE, **params})
    upload: dict[str, Any] = answer["multipart_url"]
    return upload


def refused(api: Api, key: str, status: int, **params: Any) -> str:
    params = {"file_size": SIZE, **params}
    return problem(api.http.get(f"models/{key}/multipart_upload/", params=params), status)


def put(upload: dict[str, Any], number: int) -> str:
    content = CONTENT[(number - 1) * 1000 : number * 1000]
    response = httpx.put(upload["urls"][number - 1], content=content)
    assert response.status_code == 200
    return str(response.headers["ETag"])


def finish(api: Api, key: str, upload: dict[str, Any], etags: list[str]) -> None:
    api.post(f"models/{key}/multipart_upload/", {"upload_id": upload["upload_id"], "etags": etags})


def look_up(api: Api, content: bytes) -> list[str]:
    sha256 = hashlib.sha256(content).hexdigest()
    found = api.get("models/", sha256=sha256, file_size=len(content))
    assert {model["sha256"] for model in found["models"]} <= {sha256}
    assert found["total_query_count"] == len(found["models"])
    return [model["model_id"] for model in found["models"]]


def test_the_parts_that_have_arrived_are_told(ada: Api) -> None:
    key = ada.create_model()
    upload = start(ada, key)
    assert upload["parts"] == []
    tags = {number: put(upload, number) for number in (3, 1)}
    again = start(ada, key, upload_id=upload["upload_id"])
    assert again["upload_id"] == upload["upload_id"]
    assert again["max_part_size"] == upload["max_part_size"]
    assert again["parts"] == [
        {
            "number": number,
            "size": size,
            "etag": tags[number],
            "sha256": hashlib.sha256(CONTENT[begin : begin + size]).hexdigest(),
        }
        for number, begin, size in ((1, 0, 1000), (3, 2000, 500))
    ]
    tags[2] = put(again, 2)
    finish(ada, key, again, [tags[1], tags[2], tags[3]])
    assert httpx.get(ada.get(f"models/{key}/download/")["url"]["url"]).content == CONTENT
    # What has ended cannot be continued.
    assert "already has its file" in refused(ada, key, 409, upload_id=upload["upload_id"])


def test_only_an_upload_of_this_model_and_size_is_continued(ada: Api, bob: Api) -> None:
    key, other = ada.create_model(), ada.create_model()
    upload_id = start(ada, key)["upload_id"]
    assert "no such unfinished upload" in refused(ada, other, 404, upload_id=upload_id)
    assert "no such unfinished upload" in refused(ada, key, 404, upload_id="unone")
    assert "2500 bytes, not of 2501" in refused(ada, key, 409, upload_id=upload_id, file_size=2501)
    refused(bob, key, 404, upload_id=upload_id)
    refused(bob, bob.create_model(), 404, upload_id=upload_id)
    assert start(ada, key, upload_id=upload_id)["upload_id"] == upload_id


def test_an_upload_that_was_left_for_a_day_has_expired() -> None:
    now = datetime.now(UTC)
    with LocalHub(part_size=1000, clock=lambda: now) as hub:
        api = Api(hub)
        key = api.create_model()
        upload = start(api, key)
        put(upload, 1)
        now += timedelta(hours=23)
        assert len(start(api, key, upload_id=upload["upload_id"])["parts"]) == 1
        now += timedelta(hours=2)
        assert "start another" in refused(api, key, 404, upload_id=upload["upload_id"])
        api.close()


def test_an_upload_is_continued_after_a_restart(tmp_path: Path) -> None:
    with LocalHub(tmp_path, users={"a@b": "tok"}, part_size=1000) as hub:
        api = Api(hub)
        key = api.create_model()
        upload = start(api, key)
        first = put(upload, 1)
        api.close()
    # With another size of parts: that of the upload stays.
    with LocalHub(tmp_path, users={"a@b": "tok"}, part_size=700) as hub:
        api = Api(hub)
        again = start(api, key, upload_id=upload["upload_id"])
        assert (len(again["urls"]), again["max_part_size"]) == (3, 1000)
        finish(api, key, again, [first, put(again, 2), put(again, 3)])
        assert httpx.get(api.get(f"models/{key}/download/")["url"]["url"]).content == CONTENT
        api.close()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read as a whole for their digest."""
    seen: list[str] = []
    real = FolderStore.open_range

    def open_range(self: FolderStore, file_id: str, start: int, end: int) -> Iterator[bytes]:
        seen.append(file_id)
        return real(self, file_id, start, end)

    monkeypatch.setattr(FolderStore, "open_range", open_range)
    return seen


def test_models_are_found_by_their_digest(ada: Api, hashed: list[str]) -> None:
    content = b"found" * 400
    first = ada.upload_model(content)
    second = ada.upload_model(content, "other")
    another = ada.upload_model(content[:-1] + b"!")
    assert look_up(ada, content) == [second, first]
    assert look_up(ada, content[:-1] + b"!") == [another]
    # None of the three files was read twice after its upload.
    assert len(hashed) == len(set(hashed))
    assert look_up(ada, content[:-1] + b"?") == []
    assert ada.get(f"models/{first}/")["sha256"] == hashlib.sha256(content).hexdigest()
    ada.http.delete(f"models/{second}/").raise_for_status()
    assert look_up(ada, content) == [first]


def test_a_file_of_one_part_is_not_read_again(ada: Api, hashed: list[str]) -> None:
    key = ada.upload_model(b"of one part")
    assert ada.get(f"models/{key}/")["sha256"] == hashlib.sha256(b"of one part").hexdigest()
    assert look_up(ada, b"of one part") == [key]
    ada.get(f"models/{key}/download/")
    assert hashed == []


def test_models_of_others_are_never_found(ada: Api, bob: Api) -> None:
    content = b"shared and yet not Bob's"
    key = ada.upload_model(content)
    ada.patch(f"models/{key}/shared_access/", {"add_email": ["bob@example.com"]})
    assert bob.get(f"models/{key}/")["model_id"] == key
    assert look_up(bob, content) == []
    own = bob.upload_model(content)
    assert (look_up(bob, content), look_up(ada, content)) == ([own], [key])


def test_a_model_that_a_job_made_is_not_found(ada: Api) -> None:
    job, target = ada.compile(ada.upload_model(b"to be compiled"))
    ada.wait(job)
    content = httpx.get(ada.get(f"models/{target}/download/")["url"]["url"]).content
    assert target not in look_up(ada, content)


@pytest.mark.small_hub("a team computes digests while it puts parts together")
def test_a_file_is_read_for_its_digest_before_anybody_asks(ada: Api, hashed: list[str]) -> None:
    content = b"of a size" * 200
    key, sha256 = ada.upload_model(content), hashlib.sha256(content).hexdigest()
    wait_until(lambda: ada.get(f"models/{key}/").get("sha256") == sha256)
    assert len(hashed) == 1
    assert [model["model_id"] for model in ada.get("models/", sha256=sha256)["models"]] == [key]
    assert ada.get(f"models/{key}/download/")["url"]["sha256"] == sha256
    job, _ = ada.compile(key)
    ada.wait(job)
    assert len(hashed) == 1


@pytest.mark.small_hub("a team computes digests while it puts parts together")
def test_whoever_needs_a_digest_waits_for_the_thread_that_computes_it(
    ada: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the hub answers others, and the end of the upload has been confirmed."""
    may_read, reads, real = threading.Event(), [0], FolderStore.open_range

    def open_range(self: FolderStore, file_id: str, start: int, end: int) -> Iterator[bytes]:
        reads[0] += 1
        assert may_read.wait(20)
        yield from real(self, file_id, start, end)

    monkeypatch.setattr(FolderStore, "open_range", open_range)
    content = b"slowly read" * 200
    key, sha256 = ada.upload_model(content), hashlib.sha256(content).hexdigest()
    with ThreadPoolExecutor() as pool:
        try:
            answers = [pool.submit(ada.get, f"models/{key}/download/") for _ in range(3)]
            done, _ = wait(answers, timeout=0.2)
            assert not done
            assert "sha256" not in ada.get(f"models/{key}/")
        finally:
            may_read.set()
        assert {answer.result()["url"]["sha256"] for answer in answers} == {sha256}
    assert reads == [1]


@pytest.mark.small_hub("a team computes digests while it puts parts together")
def test_a_digest_that_a_stop_cut_short_is_computed_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, stopping = threading.Event(), threading.Event()

    def endless(self: FolderStore, file_id: str, start: int, end: int) -> Iterator[bytes]:
        reading.set()
        while True:
            yield b"without end"
            stopping.wait(0.01)

    content = b"cut short" * 300
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "open_range", endless)
        with LocalHub(tmp_path, users={"a@b": "tok"}, part_size=1000) as hub:
            api = Api(hub)
            key = api.upload_model(content)
            assert reading.wait(20)
            api.close()
    with LocalHub(tmp_path, users={"a@b": "tok"}, part_size=1000) as hub:
        api = Api(hub)
        assert "sha256" not in api.get(f"models/{key}/")
        assert look_up(api, content) == [key]
        api.close()
