"""Databases and buckets that belong together, and those that do not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from support.object_storage import ObjectStorage, requests_within_transactions, unique_prefix
from support.postgresql_server import PostgresqlServer

from qai_hub.local.admin.backup import back_up
from qai_hub.local.admin.garbage import collect_garbage
from qai_hub.local.core.bucket_claim import claim_bucket
from qai_hub.local.files.bucket import Bucket, BucketUrl
from qai_hub.local.store import DatabaseError, DataFolderError
from qai_hub.local.store.data_folder import claim_folder, claim_shared_folder, database_key
from qai_hub.local.store.postgresql import PostgresqlStore

OpenBucket = Callable[[str], Bucket]


@pytest.fixture
def prefix() -> str:
    return unique_prefix()


@pytest.fixture
def open_bucket(object_storage: ObjectStorage) -> Iterator[OpenBucket]:
    """Opens the bucket with a prefix, and sees to it that no transaction waits for it."""
    with ExitStack() as stack:
        found = stack.enter_context(requests_within_transactions())

        def open_one(prefix: str) -> Bucket:
            bucket = Bucket(BucketUrl.parse(object_storage.url(prefix)))
            stack.callback(bucket.close)
            return bucket

        yield open_one
    assert found == []


@pytest.fixture
def store(postgresql_url: str) -> Iterator[PostgresqlStore]:
    store = PostgresqlStore(postgresql_url)
    yield store
    store.close()


def test_a_database_has_its_files_in_one_place(
    store: PostgresqlStore, open_bucket: OpenBucket, prefix: str
) -> None:
    for _ in range(2):
        claim_bucket(store, open_bucket(prefix))
    with pytest.raises(DatabaseError, match="does not have the files of this database"):
        claim_bucket(store, open_bucket(f"{prefix}/other"))
    # That has left nothing there.
    assert "Contents" not in open_bucket(prefix).call("list_objects_v2", Prefix=f"{prefix}/other/")


def test_what_tells_them_is_no_secret(
    store: PostgresqlStore, open_bucket: OpenBucket, prefix: str
) -> None:
    bucket = open_bucket(prefix)
    claim_bucket(store, bucket)
    text = bucket.read_text("QAI_HUB_DATABASE.txt")
    assert text is not None
    assert database_key(store.secret) in text
    assert store.secret.hex() not in text


def test_a_place_has_the_files_of_one_database(
    store: PostgresqlStore, postgresql: PostgresqlServer, open_bucket: OpenBucket, prefix: str
) -> None:
    claim_bucket(store, open_bucket(prefix))
    url = postgresql.create_database()
    other = PostgresqlStore(url)
    with pytest.raises(DatabaseError, match="has the files of another database"):
        claim_bucket(other, open_bucket(prefix))
    claim_bucket(other, open_bucket(f"{prefix}/other"))
    other.close()
    postgresql.drop_database(url)


def test_files_may_move(store: PostgresqlStore, open_bucket: OpenBucket, prefix: str) -> None:
    old, new = open_bucket(prefix), open_bucket(f"{prefix}/new")
    claim_bucket(store, old)
    name = "QAI_HUB_DATABASE.txt"
    new.call("copy_object", Key=new.key(name), CopySource=f"{old.name}/{old.key(name)}")
    claim_bucket(store, new)


def test_of_processes_that_start_at_once_in_two_places_one_is_refused(
    store: PostgresqlStore, open_bucket: OpenBucket, prefix: str
) -> None:
    buckets = [open_bucket(f"{prefix}/{name}") for name in "ab"]
    barrier = Barrier(2)

    def start(bucket: Bucket) -> bool:
        barrier.wait()
        try:
            claim_bucket(store, bucket)
        except DatabaseError:
            return False
        return True

    with ThreadPoolExecutor() as pool:
        started = list(pool.map(start, buckets))
        assert sorted(started) == [False, True]
        # It stays so.
        assert list(pool.map(start, buckets)) == started


def test_files_are_in_a_folder_or_in_a_bucket(
    store: PostgresqlStore, open_bucket: OpenBucket, prefix: str, tmp_path: Path
) -> None:
    claim_folder(tmp_path, durable=False)
    with store.write() as db:
        claim_shared_folder(db, tmp_path, store.secret)
    with pytest.raises(DatabaseError, match="are in a data folder, not in s3://"):
        claim_bucket(store, open_bucket(prefix))


def test_a_folder_is_no_bucket(
    store: PostgresqlStore,
    postgresql_url: str,
    open_bucket: OpenBucket,
    prefix: str,
    tmp_path: Path,
) -> None:
    claim_bucket(store, open_bucket(prefix))
    claim_folder(tmp_path / "data", durable=False)

    def claim() -> None:
        with store.write() as db:
            claim_shared_folder(db, tmp_path / "data", store.secret)

    for use in (
        claim,
        lambda: back_up(postgresql_url, tmp_path / "data", tmp_path / "backup"),
        lambda: collect_garbage(postgresql_url, tmp_path / "data", timedelta(0)),
    ):
        with pytest.raises(DataFolderError, match="are in a bucket"):
            use()
    assert not (tmp_path / "backup").exists()
