"""Files on object storage, and beside it the same in a folder."""

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.object_storage import ENVIRONMENT, ObjectStorage, unique_prefix
from support.scripted_server import Forward, Raw, Reply, Request, Reset, ScriptedServer, Step

from qai_hub.local.errors import ProblemError
from qai_hub.local.files.bucket import Bucket, BucketUrl
from qai_hub.local.files.cache import FileCache
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.s3 import S3Store
from qai_hub.local.files.s3_uploads import S3Uploads
from qai_hub.local.files.store import FileStore, FilesUnavailableError, NewFile, StoredPart

PART = 5 << 20
SECRET = ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]


OpenBucket = Callable[..., tuple[S3Store, S3Uploads]]


@pytest.fixture
def open_bucket(tmp_path: Path) -> Iterator[OpenBucket]:
    """Opens buckets by their URLs."""
    with ExitStack() as stack:

        def open_one(url: str, lifetime: float = 60.0) -> tuple[S3Store, S3Uploads]:
            bucket = Bucket(BucketUrl.parse(url))
            stack.callback(bucket.close)
            uploads = S3Uploads(bucket, timedelta(seconds=lifetime))
            cache = FileCache(tmp_path / "cache", 1 << 30)
            return S3Store(bucket, uploads, cache, tmp_path / "inputs"), uploads

        yield open_one


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == "folder":
        return FolderStore(tmp_path)
    server: ObjectStorage = request.getfixturevalue("object_storage")
    opener: OpenBucket = request.getfixturevalue("open_bucket")
    return opener(server.url(unique_prefix()))[0]


@pytest.fixture
def bucket(object_storage: ObjectStorage, open_bucket: OpenBucket) -> tuple[S3Store, S3Uploads]:
    return open_bucket(object_storage.url(unique_prefix()))


def new_file(path: Path, content: bytes, file_id: str = "f1") -> NewFile:
    path.write_bytes(content)
    return NewFile(file_id, path, len(content), hashlib.sha256(content).hexdigest())


def publish(storage: FileStore, file: NewFile) -> None:
    storage.stage([file])
    storage.put_if_absent(file.id, file.path)
    storage.flush()


def test_files_are_read_in_ranges_and_known_by_their_digests(
    storage: FileStore, tmp_path: Path
) -> None:
    content = bytes(range(256)) * (1 << 13)
    made = new_file(tmp_path / "made", content)
    publish(storage, made)
    assert not made.path.exists()
    assert b"".join(storage.open_range("f1", 5, len(content) - 7)) == content[5:-7]
    assert list(storage.open_range("f1", 5, 5)) == []
    assert storage.digest("f1") == storage.digest("f1", len(content)) == made.sha256
    assert storage.digest("f1", len(content) - 1) is None
    attempt = tmp_path / "work" / "j1-1"
    attempt.mkdir(parents=True)
    assert storage.localize("f1", attempt).read_bytes() == content
    assert storage.has("f1")
    (listed,) = storage.list_files()
    assert (listed.id, listed.size) == ("f1", len(content))
    assert abs(datetime.now(UTC) - listed.modified) < timedelta(minutes=5)
    storage.remove(["f1", "f2"])
    assert not storage.has("f1")
    assert storage.digest("f1") is None
    assert list(storage.list_files()) == []
    for read in (
        lambda: next(storage.open_range("f1", 0, 1)),
        lambda: storage.localize("f1", attempt),
    ):
        with pytest.raises(FileNotFoundError):
            read()


def test_an_empty_file_is_a_file(storage: FileStore, tmp_path: Path) -> None:
    made = new_file(tmp_path / "made", b"")
    publish(storage, made)
    assert storage.digest("f1", 0) == made.sha256
    assert b"".join(storage.open_range("f1", 0, 0)) == b""


def test_a_published_file_never_takes_the_place_of_another(
    storage: FileStore, tmp_path: Path
) -> None:
    publish(storage, new_file(tmp_path / "first", b"first"))
    second = new_file(tmp_path / "second", b"second")
    with pytest.raises(FileExistsError):
        publish(storage, second)
    assert b"".join(storage.open_range("f1", 0, 5)) == b"first"
    assert second.path.read_bytes() == b"second"


def test_a_large_file_goes_in_parts(bucket: tuple[S3Store, S3Uploads], tmp_path: Path) -> None:
    storage, _ = bucket
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate((128 << 20) + 5)
        file.write(b"first")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    made = NewFile("f1", path, path.stat().st_size, sha256)
    publish(storage, made)
    assert storage.digest("f1", made.size) == sha256
    fetched = hashlib.sha256()
    for block in storage.open_range("f1", 0, made.size):
        fetched.update(block)
    assert fetched.hexdigest() == sha256
    # No part stays.
    again = new_file(tmp_path / "again", b"another")
    with pytest.raises(FileExistsError):
        storage.stage([again])


def test_inputs_stay_as_long_as_their_attempt(
    bucket: tuple[S3Store, S3Uploads], tmp_path: Path
) -> None:
    storage, _ = bucket
    publish(storage, new_file(tmp_path / "made", b"content"))
    first, second = (tmp_path / "work" / name for name in ("j1-1", "j1-2"))
    for folder in (first, second):
        folder.mkdir(parents=True)
    path = storage.localize("f1", first)
    # Not where the attempt may write.
    assert not path.is_relative_to(first)
    storage.remove(["f1"])
    for copy in (tmp_path / "cache").iterdir():
        copy.unlink()
    assert path.read_bytes() == b"content"
    first.rmdir()
    publish(storage, new_file(tmp_path / "made", b"content"))
    storage.localize("f1", second)
    assert not path.exists()


def send(uploads: S3Uploads, upload_id: str, parts: list[bytes], order: list[int]) -> list[str]:
    etags = [""] * len(parts)
    for index in order:
        url = uploads.part(
            "", upload_id, index + 1, size=len(parts[index]), offset=index * len(parts[0])
        )
        response = httpx.put(url, content=parts[index]).raise_for_status()
        etags[index] = response.headers["ETag"]
    return etags


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    count=st.integers(0, 2), rest=st.integers(1, PART), seed=st.integers(0, 1 << 30), data=st.data()
)
def test_what_is_sent_in_parts_comes_out_again(
    bucket: tuple[S3Store, S3Uploads], count: int, rest: int, seed: int, data: st.DataObject
) -> None:
    storage, uploads = bucket
    upload_id = f"u{os.urandom(8).hex()}"
    content = random.Random(seed).randbytes(count * PART + rest)
    parts = [content[start : start + PART] for start in range(0, len(content), PART)]
    uploads.begin_parts(upload_id)
    assert uploads.get_parts(upload_id) == []
    order = data.draw(st.permutations(range(len(parts))))
    # The first of them twice: the last one counts.
    send(uploads, upload_id, [bytes(len(part)) for part in parts], order[:1])
    etags = send(uploads, upload_id, parts, order)
    sizes = [len(part) for part in parts]
    arrived = uploads.get_parts(upload_id)
    assert arrived is not None
    assert [part.number for part in arrived] == list(range(1, len(parts) + 1))
    for index in order[1:]:
        md5 = hashlib.md5(parts[index]).hexdigest()
        assert arrived[index] == StoredPart(index + 1, sizes[index], etags[index], md5)
    file_id = uploads.finish_parts(upload_id, sizes, etags)
    assert uploads.finish_parts(upload_id, sizes, etags) == file_id
    assert uploads.get_parts(upload_id) is None
    assert b"".join(storage.open_range(file_id, 0, len(content))) == content
    downloaded = httpx.get(uploads.download("", file_id, filename="a.onnx"))
    assert downloaded.content == content
    assert downloaded.headers["Content-Disposition"] == 'attachment; filename="a.onnx"'
    storage.remove([file_id])


def test_an_upload_is_finished_only_as_it_was_sent(
    bucket: tuple[S3Store, S3Uploads], object_storage: ObjectStorage
) -> None:
    _, uploads = bucket
    uploads.begin_parts("u1")
    parts = [bytes(PART), b"rest"]
    url = uploads.part("", "u1", 2, size=4, offset=PART)
    assert httpx.put(url, content=b"four and more").status_code == 403
    first = send(uploads, "u1", parts, [0])
    with pytest.raises(ProblemError, match="Part 2 of 2") as caught:
        uploads.finish_parts("u1", [PART, 4], first)
    assert caught.value.status == 409
    etags = send(uploads, "u1", parts, [1])
    with pytest.raises(ProblemError, match="etags"):
        uploads.finish_parts("u1", [PART, 4], [first[0], '"another"'])
    file_id = uploads.finish_parts("u1", [PART, 4], [first[0], etags[1]])
    # A part that arrives late, over a connection that was given up.
    assert httpx.put(url, content=b"late").status_code == 404
    body = httpx.get(uploads.download("", file_id, filename="a")).content
    assert body == b"".join(parts)


def test_another_process_goes_on_with_an_upload(
    object_storage: ObjectStorage, open_bucket: OpenBucket
) -> None:
    url = object_storage.url(unique_prefix())
    _, first = open_bucket(url)
    storage, second = open_bucket(url)
    first.begin_parts("u1")
    (etag,) = send(second, "u1", [b"content"], [0])
    file_id = second.finish_parts("u1", [7], [etag])
    assert first.finish_parts("u1", [7], [etag]) == file_id
    first.begin_parts("u2")
    storage.remove_uploads(["u1", "u2", "u3"])
    assert first.get_parts("u2") is None
    assert storage.has(file_id)
    with pytest.raises(ProblemError, match="abandoned"):
        second.finish_parts("u2", [7], [etag])


def test_a_form_is_copied_to_its_place(bucket: tuple[S3Store, S3Uploads]) -> None:
    storage, uploads = bucket
    url, fields = uploads.form("", "u1", size=7, limit=7)
    assert uploads.finish_form(["u1"], "f1") is None

    def post(content: bytes) -> int:
        return httpx.post(url, data=dict(fields), files={"file": ("model", content)}).status_code

    for wrong in (b"more than 7 bytes", b"less"):
        assert post(wrong) in (400, 403)
    assert uploads.finish_form(["u1"], "f1") is None
    assert post(b"content") == 204
    assert uploads.finish_form(["u2", "u1"], "f1") == 7
    # The form may be sent again, as its URL is still valid; the file stays as it is.
    assert post(b"CONTENT") == 204
    assert b"".join(storage.open_range("f1", 0, 7)) == b"content"
    storage.remove_uploads(["u1"])
    assert uploads.finish_form(["u1"], "f2") is None


def test_signed_urls_expire(
    object_storage: ObjectStorage, open_bucket: OpenBucket, tmp_path: Path
) -> None:
    url = object_storage.url(unique_prefix())
    storage, lasting = open_bucket(url)
    publish(storage, new_file(tmp_path / "made", b"content"))
    assert httpx.get(lasting.download("", "f1", filename="a")).content == b"content"
    _, uploads = open_bucket(url, lifetime=1)
    uploads.begin_parts("u1")
    download = uploads.download("", "f1", filename="a")
    part = uploads.part("", "u1", 1, size=1, offset=0)
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while httpx.get(download).status_code == 200:
        assert datetime.now(UTC) < deadline
    assert httpx.get(download).status_code == 403
    assert httpx.put(part, content=b"x").status_code == 403


class Relay(ScriptedServer):
    """Forwards to the storage, but for what a test harms."""

    def __init__(self, port: int, harm: Callable[[Request], Step | None]) -> None:
        super().__init__(lambda request: harm(request) or Forward(port))


@pytest.fixture
def harms() -> list[Step]:
    """What happens to the next requests."""
    return []


@pytest.fixture
def relayed(
    object_storage: ObjectStorage, open_bucket: OpenBucket, harms: list[Step]
) -> Iterator[S3Store]:
    def harm(_: Request) -> Step | None:
        return harms.pop(0) if harms else None

    with Relay(object_storage.port, harm) as relay:
        url = object_storage.url(unique_prefix(), relay.port)
        yield open_bucket(url)[0]


def test_requests_are_sent_again_that_break(
    relayed: S3Store, harms: list[Step], tmp_path: Path, object_storage: ObjectStorage
) -> None:
    # The first is carried out, and nobody hears of it.
    harms += [Forward(object_storage.port, lambda _: Reset()), Reply(503)]
    publish(relayed, new_file(tmp_path / "made", b"content"))
    harms += [Reset(), Reply(500)]
    assert relayed.digest("f1", 7) == hashlib.sha256(b"content").hexdigest()


def test_a_download_that_breaks_goes_on_where_it_stopped(
    relayed: S3Store, harms: list[Step], tmp_path: Path, object_storage: ObjectStorage
) -> None:
    content = random.Random(1).randbytes(3 << 20)
    publish(relayed, new_file(tmp_path / "made", content))
    cut = Forward(object_storage.port, lambda answer: Raw(answer[: len(answer) * 2 // 3]))
    harms += [cut, cut]
    assert b"".join(relayed.open_range("f1", 0, len(content))) == content


def test_a_storage_that_is_down_is_named_without_secrets(
    object_storage: ObjectStorage, open_bucket: OpenBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, _ = open_bucket("s3://hub/team?endpoint=http://127.0.0.1:9&region=us-east-1")
    with pytest.raises(FilesUnavailableError, match="s3://hub/team/ cannot be reached") as caught:
        storage.check()
    assert SECRET not in str(caught.value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    storage, _ = open_bucket(object_storage.url(unique_prefix()))
    with pytest.raises(FilesUnavailableError, match="SignatureDoesNotMatch"):
        storage.check()
    storage, _ = open_bucket(object_storage.url("").replace("s3://hub", "s3://none"))
    with pytest.raises(FilesUnavailableError):
        storage.check()
    # What can wait does.
    storage.remove(["f1"])
    storage.remove_uploads(["u1"])


def test_without_credentials_nothing_is_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="AWS_ACCESS_KEY_ID"):
        Bucket(BucketUrl.parse("s3://hub?region=us-east-1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://hub", BucketUrl("hub")),
        ("s3://hub/team/a/?region=eu-west-1", BucketUrl("hub", "team/a/", None, "eu-west-1")),
        ("s3://hub?endpoint=http://minio:9000", BucketUrl("hub", "", "http://minio:9000")),
    ],
)
def test_urls_of_buckets(text: str, expected: BucketUrl) -> None:
    assert BucketUrl.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hub",
        "https://hub.s3.amazonaws.com",
        "s3:///team",
        "s3://hub?endpoint=minio:9000",
        "s3://hub?key=s3cret",
        "s3://me:s3cret@hub",
        "s3://hub?endpoint=http://me:s3cret@minio",
    ],
)
def test_urls_that_are_no_buckets(text: str) -> None:
    with pytest.raises(ValueError, match=r"files|endpoint") as caught:
        BucketUrl.parse(text)
    assert "s3cret" not in str(caught.value)
