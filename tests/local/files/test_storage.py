"""Files on disk and the signatures of their URLs."""

import asyncio
import errno
import hashlib
import os
import stat
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from anyio.to_thread import run_sync
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.disk import file_digest
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.signing import HubLinks, Signer
from qai_hub.local.files.store import FileLinks, FileStore, Received
from qai_hub.local.files.streams import UploadWriters, write_stream
from qai_hub.local.files.work import WorkFolders

START = datetime(2026, 1, 2, tzinfo=UTC)


class FakeClock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


async def stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def receive(
    path: Path,
    chunks: Iterable[bytes],
    *,
    offset: int = 0,
    limit: int = 1 << 30,
    durable: bool = False,
) -> Received:
    path.touch()
    written = write_stream(stream(chunks), path, offset=offset, limit=limit, durable=durable)
    return asyncio.run(written)


@pytest.mark.parametrize("sizes", [[], [0], [1], [1 << 20], [1 << 16] * 40, [(1 << 20) - 1, 2, 5]])
def test_a_stream_is_written_and_hashed(tmp_path: Path, sizes: list[int]) -> None:
    chunks = [bytes([index % 251]) * size for index, size in enumerate(sizes)]
    whole = b"".join(chunks)
    received = receive(tmp_path / "f", chunks)
    assert received == Received(len(whole), hashlib.sha256(whole).hexdigest())
    assert (tmp_path / "f").read_bytes() == whole
    assert file_digest(tmp_path / "f") == received.sha256


def test_what_must_be_durable_is_synced_little_by_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So little is left for the end: clients of slow disks would give the last answer up."""
    sizes: list[int] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    chunks = [bytes(1 << 20)] * 20
    receive(tmp_path / "f", chunks)
    assert sizes == []
    receive(tmp_path / "g", chunks, durable=True)
    assert sizes == [8 << 20, 16 << 20, 20 << 20]
    receive(tmp_path / "h", [b"little"], durable=True)
    assert sizes[3:] == [6]


def test_parts_are_written_in_place_in_any_order(tmp_path: Path) -> None:
    receive(tmp_path / "f", [b"67"], offset=6)
    receive(tmp_path / "f", [b"012345"], offset=0)
    assert (tmp_path / "f").read_bytes() == b"01234567"


def test_the_limit_holds_however_the_stream_is_cut(tmp_path: Path) -> None:
    assert receive(tmp_path / "f", [b"a" * 10], limit=10).size == 10
    for chunks in ([b"a" * 11], [b"a"] * 11):
        with pytest.raises(ProblemError, match="the 10 bytes") as caught:
            receive(tmp_path / "g", chunks, limit=10)
        assert caught.value.status == 413
    assert (tmp_path / "g").stat().st_size <= 10


def test_a_full_disk_is_503(tmp_path: Path) -> None:
    async def full() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "f").touch()
    with pytest.raises(ProblemError, match="disk") as caught:
        asyncio.run(write_stream(full(), tmp_path / "f", limit=10))
    assert caught.value.status == 503


def test_files_are_private_and_published_as_a_whole(tmp_path: Path) -> None:
    storage = FolderStore(tmp_path)
    storage.begin_upload("u1")
    storage.upload_path("u1").write_bytes(b"data")
    with pytest.raises(FileExistsError):
        storage.begin_upload("u1")
    storage.put_if_absent("f1", storage.upload_path("u1"))
    assert storage.file_path("f1").read_bytes() == b"data"
    assert not storage.upload_path("u1").exists()
    assert stat.S_IMODE(storage.file_path("f1").stat().st_mode) == 0o600
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in tmp_path.iterdir())


def test_an_upload_is_published_without_leaving_its_old_place(tmp_path: Path) -> None:
    storage = FolderStore(tmp_path)
    storage.begin_upload("u1")
    storage.upload_path("u1").write_bytes(b"data")
    storage.publish_upload("u1", "f1")
    storage.publish_upload("u1", "f2")
    storage.remove_uploads(["u1", "u2"])
    assert list(storage.uploads.iterdir()) == []
    assert storage.file_path("f1").read_bytes() == b"data"


def test_work_folders_are_each_attempts_own_and_do_not_stay(tmp_path: Path) -> None:
    work = WorkFolders(tmp_path)
    first, second = work.create("j1", 1), work.create("j1", 2)
    assert first != second
    (first / "sub").mkdir()
    (first / "sub" / "file").write_text("x")
    (second / "hub.log").write_text("so far")
    assert (work.read_log("j1", 1), work.read_log("j1", 2)) == ("", "so far")
    work.remove("j1", 1)
    assert list(work.folder.iterdir()) == [second]


def test_a_text_that_a_full_disk_cuts_short_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkFolders(tmp_path)

    def write(path: Path, text: str, **_: str) -> None:
        path.write_bytes(text.encode()[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", write)
        with pytest.raises(OSError, match="No space left"):
            work.write_text("log")
    assert list(work.folder.iterdir()) == []


def test_a_published_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    storage, work = FolderStore(tmp_path), WorkFolders(tmp_path)
    storage.put_if_absent("f1", work.write_text("first"))
    second = work.write_text("second")
    with pytest.raises(FileExistsError):
        storage.put_if_absent("f1", second)
    assert storage.file_path("f1").read_text() == "first"
    assert list(work.folder.iterdir()) == [second]


def test_files_are_read_in_ranges_and_known_by_their_digests(tmp_path: Path) -> None:
    storage: FileStore = FolderStore(tmp_path)
    content = bytes(range(256)) * (1 << 13)
    source = tmp_path / "made"
    source.write_bytes(content)
    storage.put_if_absent("f1", source)
    assert b"".join(storage.open_range("f1", 5, len(content) - 7)) == content[5:-7]
    assert list(storage.open_range("f1", 5, 5)) == []
    sha256 = hashlib.sha256(content).hexdigest()
    assert storage.digest("f1") == storage.digest("f1", len(content)) == sha256
    assert storage.digest("f1", len(content) - 1) is None
    assert storage.localize("f1", tmp_path).read_bytes() == content
    assert storage.has("f1")
    storage.remove(["f1", "f2"])
    assert not storage.has("f1")
    assert storage.digest("f1") is None
    for read in (
        lambda: next(storage.open_range("f1", 0, 1)),
        lambda: storage.localize("f1", tmp_path),
    ):
        with pytest.raises(FileNotFoundError):
            read()


def test_links_carry_what_may_be_done_with_a_file() -> None:
    signer = Signer(b"secret", FakeClock(), timedelta(hours=1))
    paths = {"uploadPart": "/u/{upload_id}/{part_number}", "downloadFile": "/f/{file_id}"}
    links: FileLinks = HubLinks(signer, paths)
    url, _, signature = links.part("http://h:1", "u1", 2, size=5, offset=5).partition("?signature=")
    assert url == "http://h:1/u/u1/2"
    signed = signer.check("uploadPart", signature, upload_id="u1", part_number=2)
    assert (signed["size"], signed["offset"]) == (5, 5)
    url, _, signature = links.download("http://h:1", "f1", filename="a.onnx").partition(
        "?signature="
    )
    assert url == "http://h:1/f/f1"
    assert signer.check("downloadFile", signature, file_id="f1")["filename"] == "a.onnx"


def test_nobody_writes_to_what_is_being_finished() -> None:
    async def run() -> None:
        writers = UploadWriters()
        async with writers.writing("u1", 1), writers.writing("u1", 2), writers.writing("u2", 1):
            with pytest.raises(ProblemError, match="still being uploaded"), writers.finishing("u1"):
                pass
        with writers.finishing("u1"):
            with pytest.raises(ProblemError, match="being finished"):
                async with writers.writing("u1", 1):
                    pass
            async with writers.writing("u2", 1):
                pass
        async with writers.writing("u1", 1):
            pass
        with writers.finishing("u1"):
            pass

    asyncio.run(run())


@given(
    steps=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    blocks=st.lists(st.integers(0, 3), min_size=8, max_size=8),
)
def test_a_newer_request_takes_the_place_of_an_older_one(
    steps: list[int], blocks: list[int]
) -> None:
    """At any moment one writes, the newest has the last word, and the others are told."""
    writing: list[int] = []
    told: dict[int, str] = {}

    async def write(writers: UploadWriters, number: int) -> None:
        try:
            async with writers.writing("u1", 1):
                assert not writing
                writing.append(number)
                try:
                    # As with a block on its way to the disk, which is not broken off.
                    for _ in range(blocks[number]):
                        await run_sync(time.sleep, 0)
                    if number < len(steps) - 1:
                        await asyncio.Event().wait()
                finally:
                    assert writing == [number]
                    writing.remove(number)
        except ProblemError as problem:
            told[number] = problem.detail

    async def run() -> None:
        writers = UploadWriters()
        tasks = []
        for number, pause in enumerate(steps):
            tasks.append(asyncio.create_task(write(writers, number)))
            for _ in range(pause):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        with writers.finishing("u1"):
            pass

    asyncio.run(run())
    assert set(told) == set(range(len(steps) - 1))
    assert all("sent again by a newer request" in text for text in told.values())


def test_an_older_request_writes_nothing_once_a_newer_one_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "u1"
    path.touch()

    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"old" * (1 << 19)
        begun.set()
        await asyncio.Event().wait()

    async def write(writers: UploadWriters, chunks: AsyncIterator[bytes]) -> Received:
        async with writers.writing("u1", 1):
            return await write_stream(chunks, path, limit=1 << 30)

    async def run() -> None:
        writers = UploadWriters()
        older = asyncio.create_task(write(writers, slow()))
        await begun.wait()
        received = await write(writers, stream([b"new" * (1 << 19)]))
        with pytest.raises(ProblemError, match="newer request"):
            await older
        assert file_digest(path) == received.sha256

    asyncio.run(run())


def refused(signer: Signer, operation: str, signature: str, **claims: str | int) -> str:
    with pytest.raises(ProblemError) as caught:
        signer.check(operation, signature, **claims)
    assert caught.value.status == 403
    assert signature not in caught.value.detail
    return caught.value.detail


def test_a_signature_is_good_for_what_it_says_until_it_expires() -> None:
    clock = FakeClock()
    signer = Signer(b"secret", clock, timedelta(hours=1))
    signature = signer.sign("uploadPart", upload_id="u1", part_number=2, size=5)
    signed = signer.check("uploadPart", signature, upload_id="u1", part_number=2)
    assert signed["size"] == 5
    clock.now = START + timedelta(minutes=59, seconds=59)
    signer.check("uploadPart", signature, upload_id="u1", part_number=2)
    clock.now = START + timedelta(hours=1)
    assert "expired" in refused(signer, "uploadPart", signature, upload_id="u1", part_number=2)


def test_a_signature_is_good_for_nothing_else() -> None:
    signer = Signer(b"secret", FakeClock(), timedelta(hours=1))
    signature = signer.sign("uploadPart", upload_id="u1", part_number=2)
    assert "another resource" in refused(
        signer, "uploadPart", signature, upload_id="u1", part_number=1
    )
    assert "another resource" in refused(
        signer, "uploadPart", signature, upload_id="u2", part_number=2
    )
    assert "another resource" in refused(signer, "uploadPart", signature, file_id="f1")
    assert "invalid" in refused(signer, "uploadForm", signature, upload_id="u1")
    assert "invalid" in refused(
        Signer(b"other", FakeClock(), timedelta(hours=1)), "uploadPart", signature
    )


@given(st.text())
def test_what_this_hub_did_not_sign_is_refused(signature: str) -> None:
    signer = Signer(b"secret", FakeClock(), timedelta(hours=1))
    with pytest.raises(ProblemError, match="invalid"):
        signer.check("uploadPart", signature)


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_changed_signature_is_refused(index: int, character: str) -> None:
    signer = Signer(b"secret", FakeClock(), timedelta(hours=1))
    good = signer.sign("downloadFile", file_id="f1", filename="model.onnx")
    index %= len(good)
    changed = good[:index] + character + good[index + 1 :]
    if changed != good and index < len(good) - 1:
        with pytest.raises(ProblemError):
            signer.check("downloadFile", changed)
