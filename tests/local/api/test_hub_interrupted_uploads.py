"""Uploads that are sent again, cut off, overtaken, or in the way when the hub is killed."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from support.hub_http import Api, ok, problem

from qai_hub.local import LocalHub
from qai_hub.local.files.folder import FolderStore

CONTENT = b"0123456789"


def begin(api: Api, key: str) -> dict[str, Any]:
    answer = api.get(f"models/{key}/multipart_upload/", file_size=len(CONTENT))
    upload: dict[str, Any] = answer["multipart_url"]
    return upload


def finish(api: Api, key: str, upload: dict[str, Any], tag: str) -> httpx.Response:
    body = {"upload_id": upload["upload_id"], "etags": [tag]}
    return api.http.post(f"models/{key}/multipart_upload/", json=body)


def test_a_part_that_is_written_over_in_part_does_not_count(ada: Api) -> None:
    key = ada.create_model()
    upload = begin(ada, key)
    (url,) = upload["urls"]
    tag = httpx.put(url, content=CONTENT).headers["ETag"]
    problem(httpx.put(url, content=iter([b"cut"])), 400)
    assert "Part 1" in problem(finish(ada, key, upload, tag), 409)
    assert httpx.put(url, content=CONTENT).headers["ETag"] == tag
    ok(finish(ada, key, upload, tag))
    found = httpx.get(ada.get(f"models/{key}/download/")["url"]["url"])
    assert found.content == CONTENT
    assert found.headers["ETag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'


def test_a_form_of_a_wrong_size_does_not_spoil_one_that_had_come_whole(ada: Api) -> None:
    key = str(ada.post("datasets/", {"name": "images"})["id"])
    url = ada.get(f"datasets/{key}/upload_url/", file_size=len(CONTENT))["url"]["url"]
    assert httpx.post(url, files={"file": ("f", CONTENT)}).status_code == 201
    problem(httpx.post(url, files={"file": ("f", b"cut")}), 400)
    ada.patch(f"datasets/{key}/", {"file_upload_complete": True})
    assert httpx.get(ada.get(f"datasets/{key}/download_data/")["url"]["url"]).content == CONTENT


def test_a_part_that_comes_after_another_upload_has_ended_is_refused(ada: Api) -> None:
    key = ada.create_model()
    late, upload = begin(ada, key), begin(ada, key)

    def overtaken() -> Iterator[bytes]:
        yield CONTENT[:5]
        tag = httpx.put(upload["urls"][0], content=CONTENT).headers["ETag"]
        ok(finish(ada, key, upload, tag))
        yield CONTENT[5:]

    assert "abandoned" in problem(httpx.put(late["urls"][0], content=overtaken()), 409)


@pytest.mark.shared_folder
def test_a_hub_that_stops_does_not_wait_for_slow_uploads(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qai_hub.local.server.run._SHUTDOWN_SECONDS", 0.2)
    with LocalHub() as hub:
        api = Api(hub)
        url = urlsplit(begin(api, api.create_model())["urls"][0])
        api.close()
        head = (
            f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 10\r\n"
        )
        with socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=10) as slow:
            slow.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            assert slow.recv(4096).startswith(b"HTTP/1.1 100 ")
            hub.stop()
            assert slow.recv(4096).startswith(b"HTTP/1.1 503 ")
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.small_hub("it is about what a start cleans up")
def test_an_upload_survives_a_hub_that_dies_while_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FolderStore.publish_upload

    def publish_and_die(self: FolderStore, *args: Any) -> None:
        real(self, *args)
        raise OSError("the hub dies before its database knows")

    with LocalHub(tmp_path, users={"a@b": "tok"}) as hub:
        api = Api(hub)
        key = api.create_model()
        upload = begin(api, key)
        tag = httpx.put(upload["urls"][0], content=CONTENT).headers["ETag"]
        monkeypatch.setattr(FolderStore, "publish_upload", publish_and_die)
        problem(finish(api, key, upload, tag), 500)
        api.close()
    monkeypatch.undo()
    with LocalHub(tmp_path, users={"a@b": "tok"}) as hub:
        api = Api(hub)
        assert list((tmp_path / "files").iterdir()) == []
        ok(finish(api, key, upload, tag))
        assert httpx.get(api.get(f"models/{key}/download/")["url"]["url"]).content == CONTENT
        assert list((tmp_path / "uploads").iterdir()) == []
        api.close()
