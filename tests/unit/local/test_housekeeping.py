"""What a hub throws away when it starts, and what it keeps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.store_world import add_dataset, add_model

from qai_hub.local.housekeeping import clean_up
from qai_hub.local.storage import Storage
from qai_hub.local.store import Store
from qai_hub.local.store.files import add_file, add_upload, get_upload
from qai_hub.local.store.idempotency import StoredAnswer, find_answer, keep_answer
from qai_hub.local.store.records import File, Upload, User
from qai_hub.local.store.rows import DATASETS
from qai_hub.local.times import rfc3339

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ago(**span: int) -> str:
    return rfc3339(NOW - timedelta(**span))


def clean(store: Store, storage: Storage) -> None:
    clean_up(store, storage, lambda: NOW)


def test_expired_data_goes_and_other_data_stays(store: Store, ada: User, tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    expirations = {"old": ago(seconds=0), "new": rfc3339(NOW + timedelta(seconds=1)), "kept": None}
    with store.write() as db:
        for name, expires in expirations.items():
            storage.file(name).write_text("data")
            add_file(db, File(name, 4, None))
            DATASETS.change(db, add_dataset(db, ada, expires=expires), file_id=name)
    for _ in range(2):
        clean(store, storage)
        assert {path.name for path in storage.file("new").parent.iterdir()} == {"new", "kept"}


def test_uploads_that_nobody_finished_go(store: Store, ada: User, tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with store.write() as db:
        model = add_model(db, ada)
        for name, created in (("u1", ago(hours=24)), ("u2", ago(hours=23))):
            storage.begin_upload(name)
            add_upload(db, Upload(name, model, created, 5, 5))
    clean(store, storage)
    assert not storage.upload("u1").exists()
    assert storage.upload("u2").exists()
    with store.read() as db:
        assert get_upload(db, "u1") is None
        assert get_upload(db, "u2") is not None


def test_files_that_the_database_does_not_know_go(store: Store, ada: User, tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with store.write() as db:
        add_file(db, File("known", 4, None))
        add_upload(db, Upload("u1", add_model(db, ada), ago(hours=1), 5, 5))
    for path in (storage.file("known"), storage.file("f1"), storage.upload("u1")):
        path.write_text("data")
    storage.upload("u1.form").write_text("cut off")
    storage.upload("u2").write_text("ended")
    clean(store, storage)
    left = {path.name for folder in ("files", "uploads") for path in (tmp_path / folder).iterdir()}
    assert left == {"known", "u1"}


def test_answers_of_yesterday_go(store: Store, ada: User, tmp_path: Path) -> None:
    with store.write() as db:
        for key, created in (("old", ago(hours=24)), ("new", ago(hours=23))):
            keep_answer(db, StoredAnswer(ada.id, "/jobs/", key, created, "d", None, {}, {}))
    clean(store, Storage(tmp_path))
    with store.read() as db:
        assert find_answer(db, ada.id, "/jobs/", "old") is None
        assert find_answer(db, ada.id, "/jobs/", "new") is not None
