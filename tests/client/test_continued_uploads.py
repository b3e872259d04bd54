"""Uploads of models that go on where another process has stopped."""

import asyncio
import json
import logging
import os
import random
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.cutting_relay import CUTS, CuttingRelay
from support.scripted_server import ScriptedServer, Step
from support.upload_proxy import EXPIRED, REFUSED, UploadProxy

from qai_hub.aio import AsyncClient
from qai_hub.client import Client, ClientConfig
from qai_hub.errors import UserError
from qai_hub.local import LocalHub

PART = 10_000
CONTENT = random.Random(3).randbytes(10 * PART - 5)
TOKEN = "tok-en-of-the-tests"


class Time:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Time:
    return Time()


@pytest.fixture(scope="module")
def lh(clock: Time) -> Iterator[LocalHub]:
    with LocalHub(
        part_size=PART,
        users={"me@example.com": TOKEN, "you@example.com": "another"},
        clock=clock,
        validate_responses=True,
    ) as hub:
        yield hub


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/qai_hub/uploads"


@pytest.fixture
def proxy(lh: LocalHub) -> UploadProxy:
    return UploadProxy(lh)


@pytest.fixture
def server(proxy: UploadProxy) -> Iterator[ScriptedServer]:
    with ScriptedServer(proxy) as running:
        yield running


@pytest.fixture
def client(proxy: UploadProxy, server: ScriptedServer) -> Client:
    return Client(proxy.config(server))


@pytest.fixture
def file(tmp_path: Path, notes: Path) -> Path:
    path = tmp_path / "model.onnx"
    # Content of its own, so that no other test has uploaded it.
    path.write_bytes(os.urandom(8) + CONTENT[8:])
    return path


def content_of(client: Client, model_id: str, tmp_path: Path) -> bytes:
    return Path(client.get_model(model_id).download(str(tmp_path / "back.onnx"))).read_bytes()


def interrupt(client: Client, proxy: UploadProxy, file: Path, at: int = 6) -> list[int]:
    """Upload up to a part that is refused; return the parts that the hub has."""
    proxy.interfere = lambda number: REFUSED if number >= at else None
    proxy.stored.clear()
    with pytest.raises(UserError, match="No") as caught:
        client.upload_model(file, "net")
    notes = caught.value.__notes__
    is_kept = client.config.wire != "protobuf"
    assert ("Upload the same file again to send only what is missing." in notes) == is_kept
    proxy.interfere = lambda number: None
    proxy.sent_numbers()
    return sorted(number for _, number in proxy.stored)


def test_only_what_is_missing_is_sent(
    client: Client,
    proxy: UploadProxy,
    file: Path,
    notes: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = {model.model_id for model in client.get_models()}
    arrived = interrupt(client, proxy, file)
    assert arrived
    with caplog.at_level(logging.INFO, "qai_hub"):
        model = client.upload_model(file, "net")
    assert proxy.sent_numbers() == [number for number in range(1, 11) if number not in arrived]
    assert f"{len(arrived)} of 10 parts have arrived" in caplog.text
    assert {each.model_id for each in client.get_models()} - before == {model.model_id}
    assert (model.name, model.model_type.name) == ("net", "ONNX")
    assert content_of(client, model.model_id, tmp_path) == file.read_bytes()
    assert list(notes.iterdir()) == []
    # What is finished is not continued.
    assert client.upload_model(file, "net").model_id != model.model_id


def test_in_an_event_loop(
    client: Client, proxy: UploadProxy, server: ScriptedServer, file: Path, tmp_path: Path
) -> None:
    arrived = interrupt(client, proxy, file)

    async def upload() -> str:
        async with AsyncClient(proxy.config(server)) as going_on:
            return (await going_on.upload_model(file, "net")).model_id

    model_id = asyncio.run(upload())
    assert proxy.sent_numbers() == [number for number in range(1, 11) if number not in arrived]
    assert content_of(client, model_id, tmp_path) == file.read_bytes()


def test_a_note_holds_no_secret_and_is_private(
    client: Client, proxy: UploadProxy, file: Path, notes: Path
) -> None:
    interrupt(client, proxy, file)
    (note,) = notes.iterdir()
    assert json.loads(note.read_text()).keys() == {"model_id", "upload_id"}
    assert TOKEN not in note.name
    if os.name == "posix":
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        assert stat.S_IMODE(notes.stat().st_mode) == 0o700


def test_a_copy_of_the_file_continues_too(
    client: Client, proxy: UploadProxy, file: Path, tmp_path: Path
) -> None:
    arrived = interrupt(client, proxy, file)
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(file.read_bytes())
    client.upload_model(copy, "net")
    assert proxy.sent_numbers() == [number for number in range(1, 11) if number not in arrived]


@pytest.mark.parametrize("other", ["name", "user", "content", "size"])
def test_another_upload_starts_anew(
    client: Client,
    proxy: UploadProxy,
    server: ScriptedServer,
    file: Path,
    tmp_path: Path,
    other: str,
) -> None:
    interrupt(client, proxy, file)
    if other == "content":
        file.write_bytes(b"other" + file.read_bytes()[5:])
    if other == "size":
        file.write_bytes(file.read_bytes()[:-1])
    if other == "user":
        client = Client(ClientConfig("another", server.url, server.url, verbose=False))
    model = client.upload_model(file, "another" if other == "name" else "net")
    assert proxy.sent_numbers() == [*range(1, 11)]
    assert content_of(client, model.model_id, tmp_path) == file.read_bytes()


def test_a_change_that_samples_miss_is_found_by_the_digests(
    client: Client, proxy: UploadProxy, tmp_path: Path, notes: Path
) -> None:
    file = tmp_path / "large.onnx"
    content = bytearray(random.Random(4).randbytes(100 * PART))
    file.write_bytes(content)
    arrived = interrupt(client, proxy, file, at=90)
    # In the fourth part, between two of the 64 samples.
    content[38_000:38_005] = b"other"
    file.write_bytes(content)
    model = client.upload_model(file, "net")
    missing = {number for number in range(1, 101) if number not in arrived}
    assert proxy.sent_numbers() == sorted({4} | missing)
    assert content_of(client, model.model_id, tmp_path) == content


def test_an_upload_that_the_hub_no_longer_has(
    client: Client,
    proxy: UploadProxy,
    file: Path,
    clock: Time,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    interrupt(client, proxy, file)
    clock.now += timedelta(days=2)
    with caplog.at_level(logging.INFO, "qai_hub"):
        model = client.upload_model(file, "net")
    assert "no longer exists" in caplog.text
    assert proxy.sent_numbers() == [*range(1, 11)]
    assert content_of(client, model.model_id, tmp_path) == file.read_bytes()


def test_a_model_that_was_deleted_meanwhile(
    client: Client, proxy: UploadProxy, file: Path, notes: Path
) -> None:
    interrupt(client, proxy, file)
    (note,) = notes.iterdir()
    gone = json.loads(note.read_text())["model_id"]
    client.get_model(gone).delete()
    assert client.upload_model(file, "net").model_id != gone
    assert proxy.sent_numbers() == [*range(1, 11)]


def test_an_upload_whose_end_was_not_heard_of(
    client: Client, proxy: UploadProxy, file: Path, notes: Path
) -> None:
    interrupt(client, proxy, file)
    (note,) = notes.iterdir()
    kept = note.read_bytes()
    model = client.upload_model(file, "net")
    # As if the process had died before it could delete the note.
    note.write_bytes(kept)
    proxy.sent_numbers()
    assert client.upload_model(file, "net").model_id == model.model_id
    assert proxy.sent_numbers() == []
    assert list(notes.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"model_id": 5, "upload_id": "u"}', b"\xff"]
)
def test_a_note_that_is_damaged(
    client: Client, proxy: UploadProxy, file: Path, notes: Path, content: bytes
) -> None:
    interrupt(client, proxy, file)
    (note,) = notes.iterdir()
    note.write_bytes(content)
    client.upload_model(file, "net")
    assert proxy.sent_numbers() == [*range(1, 11)]
    assert list(notes.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be made read-only")
def test_without_a_cache_it_uploads_all_the_same(
    client: Client,
    proxy: UploadProxy,
    file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A file in the place of the folder fails for root as well, unlike permissions.
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/qai_hub").touch()
    with caplog.at_level(logging.DEBUG, "qai_hub"):
        model = client.upload_model(file, "net")
    assert "could not be written" in caplog.text
    assert content_of(client, model.model_id, tmp_path) == file.read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_leaves_no_note(
    client: Client, proxy: UploadProxy, file: Path, notes: Path, tmp_path: Path
) -> None:
    interrupt(client, proxy, file)
    (note,) = notes.iterdir()
    note.unlink()
    note.symlink_to("/dev/full")
    model = client.upload_model(file, "net")
    assert content_of(client, model.model_id, tmp_path) == file.read_bytes()


def test_old_notes_are_deleted(client: Client, proxy: UploadProxy, file: Path, notes: Path) -> None:
    notes.mkdir(parents=True)
    (notes / "old").touch()
    (notes / "young").touch()
    os.utime(notes / "old", (1e9, 1e9))
    client.upload_model(file, "net")
    assert [path.name for path in notes.iterdir()] == ["young"]


def test_while_another_upload_of_the_same_file_is_under_way(
    client: Client, proxy: UploadProxy, file: Path, notes: Path, tmp_path: Path
) -> None:
    second: list[str] = []

    def meanwhile(number: int) -> Step | None:
        if number == 7 and not second:
            second.append("")
            proxy.interfere = lambda number: None
            second[0] = client.upload_model(file, "net").model_id
        return None

    proxy.interfere = meanwhile
    first = client.upload_model(file, "net").model_id
    assert first != second[0]
    for model_id in (first, second[0]):
        assert content_of(client, model_id, tmp_path) == file.read_bytes()
    assert proxy.sent_numbers() == sorted([*range(1, 11)] * 2)
    assert list(notes.iterdir()) == []


def test_expired_urls_are_renewed(
    client: Client,
    proxy: UploadProxy,
    server: ScriptedServer,
    file: Path,
    tmp_path: Path,
    clock: Time,
) -> None:
    left = {3: 1, 4: 1, 8: 1}

    def expire(number: int) -> Step | None:
        if left.get(number):
            left[number] -= 1
            clock.now += timedelta(minutes=1)
            return EXPIRED
        return None

    proxy.interfere = expire
    model = client.upload_model(file, "net")
    assert content_of(client, model.model_id, tmp_path) == file.read_bytes()
    starts = [target for target in server.targets if "multipart_upload/?" in target]
    assert 2 <= len(starts) <= 4
    assert proxy.sent_numbers() == sorted([*range(1, 11), 3, 4, 8])


def test_expired_urls_are_renewed_in_an_event_loop(
    proxy: UploadProxy, server: ScriptedServer, file: Path, clock: Time
) -> None:
    expired: list[int] = []

    def expire(number: int) -> Step | None:
        if number != 2 or expired:
            return None
        expired.append(number)
        clock.now += timedelta(minutes=1)
        return EXPIRED

    async def upload() -> None:
        async with AsyncClient(proxy.config(server)) as client:
            await client.upload_model(file, "net")

    proxy.interfere = expire
    asyncio.run(upload())
    assert proxy.sent_numbers() == [1, 2, 2, *range(3, 11)]


def test_urls_that_are_refused_again_end_the_upload(
    client: Client, proxy: UploadProxy, file: Path, clock: Time
) -> None:
    def expire(number: int) -> Step | None:
        clock.now += timedelta(minutes=1)
        return EXPIRED if number == 5 else None

    proxy.interfere = expire
    with pytest.raises(UserError, match="expired") as caught:
        client.upload_model(file, "net")
    assert caught.value.status_code == 403
    assert proxy.sent_numbers().count(5) == 2


def test_an_hour_later_the_urls_have_really_expired(
    client: Client, proxy: UploadProxy, file: Path, clock: Time, tmp_path: Path
) -> None:
    def wait(number: int) -> Step | None:
        proxy.interfere = lambda number: None
        clock.now += timedelta(hours=2)
        return None

    proxy.interfere = wait
    model = client.upload_model(file, "net")
    assert content_of(client, model.model_id, tmp_path) == file.read_bytes()


@pytest.mark.parametrize("change", ["append", "replace", "touch", "after"])
def test_a_file_that_changes_is_not_published(
    client: Client, proxy: UploadProxy, file: Path, change: str
) -> None:
    def alter(number: int) -> Step | None:
        if number != (10 if change == "after" else 1):
            return None
        if change == "append":
            with file.open("ab") as stream:
                stream.write(b"more")
        elif change == "replace":
            other = file.with_name("other")
            other.write_bytes(file.read_bytes())
            other.replace(file)
        else:
            os.utime(file, (1e9, 1e9))
        return None

    proxy.interfere = alter
    before = {model.model_id for model in client.get_models()}
    with pytest.raises(UserError, match="changed during the upload, so that nothing was published"):
        client.upload_model(file, "net")
    (left,) = {model.model_id for model in client.get_models()} - before
    with pytest.raises(UserError, match="has not been uploaded"):
        client.get_model(left).download(str(file.with_name("back")))


def test_a_service_that_cannot_continue_leaves_no_note(
    proxy: UploadProxy, server: ScriptedServer, file: Path, notes: Path
) -> None:
    config = ClientConfig(TOKEN, server.url, server.url, verbose=False, wire="protobuf")
    client = Client(config)
    interrupt(client, proxy, file)
    assert not notes.exists()
    client.upload_model(file, "net")
    assert proxy.sent_numbers() == [*range(1, 11)]


def test_connections_that_are_reset_at_any_byte(
    lh: LocalHub, proxy: UploadProxy, file: Path, tmp_path: Path
) -> None:
    cuts = dict(enumerate(CUTS, 2))
    with CuttingRelay(int(lh.url.rpartition(":")[2]), cuts) as relay:
        client = Client(ClientConfig(TOKEN, relay.url, relay.url, verbose=False))
        model = client.upload_model(file, "net")
        assert content_of(client, model.model_id, tmp_path) == file.read_bytes()
    # Each of these parts was sent twice, and no other.
    assert sorted(number for _, number in relay.begun) == sorted([*range(1, 11), *cuts])


# -- reuse ---------------------------------------------------------------------------------------


def test_a_model_that_is_there_is_reused(
    client: Client, proxy: UploadProxy, file: Path, tmp_path: Path
) -> None:
    first = client.upload_model(file, "net")
    proxy.sent_numbers()
    for name in (None, "net"):
        found = client.upload_model(file, name, reuse=True)
        assert (found.model_id, found.name, found.date) == (first.model_id, "net", first.date)
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(file.read_bytes())
    assert client.upload_model(copy, reuse=True).model_id == first.model_id
    assert proxy.sent_numbers() == []
    assert client.upload_model(file, "net").model_id != first.model_id


def test_a_model_that_is_there_is_reused_in_an_event_loop(
    client: Client, proxy: UploadProxy, server: ScriptedServer, file: Path
) -> None:
    first = client.upload_model(file, "net")

    async def upload() -> str:
        async with AsyncClient(proxy.config(server)) as again:
            return (await again.upload_model(file, reuse=True)).model_id

    assert asyncio.run(upload()) == first.model_id


@pytest.mark.parametrize(
    "other", ["name", "format", "content", "deleted", "user", "wire", "project"]
)
def test_what_is_not_reused(client: Client, server: ScriptedServer, file: Path, other: str) -> None:
    first = client.upload_model(file, "net")
    if other == "format":
        file = file.rename(file.with_suffix(".dlc"))
    if other == "content":
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    if other == "deleted":
        first.delete()
    if other == "user":
        first.modify_sharing(add_emails=["you@example.com"])
        client = Client(ClientConfig("another", server.url, server.url, verbose=False))
    if other == "wire":
        config = ClientConfig(TOKEN, server.url, server.url, verbose=False, wire="protobuf")
        client = Client(config)
    if other == "project":
        with pytest.raises(UserError, match="no project"):
            client.upload_model(file, project="pother", reuse=True)
        return
    name = "another" if other == "name" else None
    assert client.upload_model(file, name, reuse=True).model_id != first.model_id
