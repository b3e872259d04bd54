"""What a hub puts away when it starts, what it keeps, and what comes back."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_builders import add_dataset, add_job, add_model

from qai_hub.local.clock import rfc3339
from qai_hub.local.config import Retention
from qai_hub.local.core.cleanup import CleanupResult, clean_up
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store import Store
from qai_hub.local.store.files import (
    StoredResponse,
    add_file,
    add_upload,
    claim_key,
    delete_uploads,
    get_upload_times,
)
from qai_hub.local.store.records import File, Upload, User
from qai_hub.local.store.rows import DATASETS
from qai_hub.local.store.schema import files
from qai_hub.local.store.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WRONG = [
    datetime(1970, 1, 1, tzinfo=UTC),
    NOW - timedelta(days=20),
    datetime(2099, 1, 1, tzinfo=UTC),
]


@pytest.fixture
def storage(tmp_path: Path) -> FolderStore:
    WorkFolders(tmp_path / "data", durable=False)
    return FolderStore(tmp_path / "data", durable=False)


@pytest.fixture
def quarantine(tmp_path: Path) -> Path:
    return tmp_path / "data" / "quarantine"


def ago(**span: int) -> str:
    return rfc3339(NOW - timedelta(**span))


def start(store: Store, storage: FolderStore, *clocks: datetime) -> CleanupResult:
    """Start once by each clock; twice, with a minute between, where there is none."""
    for clock in clocks or (NOW, NOW + MINUTE):
        order = clean_up(
            store,
            storage,
            WorkFolders(storage.files.parent, durable=False),
            iter([clock]).__next__,
            Retention(),
        )
    return order


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def put_away(quarantine: Path) -> set[str]:
    """Return what is in quarantine, each with the folder that it comes from."""
    return {"/".join(path.parts[-2:]) for path in quarantine.glob("*/*/*")}


def add_data(
    store: Store, storage: FolderStore, owner: User, name: str, expires: str | None
) -> None:
    with store.write() as db:
        add_file(db, File(name, 4, None))
        DATASETS.update(db, add_dataset(db, owner, expires=expires), file_id=name)
    storage.file_path(name).write_text("data")


def begin(store: Store, storage: FolderStore, owner: User, name: str, created: str) -> None:
    with store.write() as db:
        add_upload(db, Upload(name, add_model(db, owner), created, 5, 5))
    storage.begin_upload(name)


def answer(user: User, key: str, created: str) -> StoredResponse:
    return StoredResponse(user.id, "/jobs/", key, created, "digest")


def is_answered(store: Store, user: User, key: str) -> bool:
    with store.write() as db:
        return claim_key(db, answer(user, key, ago())) is not None


def test_expired_data_is_put_away_and_other_data_stays(
    store: Store, storage: FolderStore, ada: User, quarantine: Path
) -> None:
    expirations = {"old": ago(seconds=0), "new": rfc3339(NOW + timedelta(hours=1)), "kept": None}
    for name, expires in expirations.items():
        add_data(store, storage, ada, name, expires)
    start(store, storage, NOW)
    assert names(storage.files) == {"new", "kept", "old"}
    for _ in range(2):
        start(store, storage)
        assert names(storage.files) == {"new", "kept"}
        assert put_away(quarantine) == {"files/old"}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_start_by_a_wrong_clock_destroys_nothing(
    store: Store, storage: FolderStore, ada: User, quarantine: Path, wrong: datetime
) -> None:
    start(store, storage, NOW - timedelta(days=30), NOW - MINUTE)
    add_data(store, storage, ada, "data", rfc3339(NOW + timedelta(days=30)))
    begin(store, storage, ada, "u1", ago(hours=20))
    with store.write() as db:
        claim_key(db, answer(ada, "k", ago(hours=20)))
    storage.file_path("unknown").write_text("unknown")
    for clock in (NOW, wrong, NOW + MINUTE, NOW + 2 * MINUTE, NOW + 3 * MINUTE):
        start(store, storage, clock)
        assert names(storage.files) == {"data"}
        assert names(storage.uploads) == {"u1"}
        assert put_away(quarantine) == {"files/unknown"}
        assert is_answered(store, ada, "k")


@pytest.mark.parametrize("wrong", WRONG)
def test_what_a_start_by_a_wrong_clock_puts_away_is_kept_as_long(
    store: Store, storage: FolderStore, quarantine: Path, wrong: datetime
) -> None:
    start(store, storage, NOW - timedelta(days=60))
    storage.file_path("unknown").write_text("unknown")
    for clock in (wrong, *(NOW + number * timedelta(days=1) for number in range(8))):
        start(store, storage, clock)
        assert put_away(quarantine) == {"files/unknown"}
    start(store, storage, *(NOW + number * timedelta(days=1) for number in (10, 11)))
    assert names(quarantine) == set()


def test_uploads_that_nobody_finished_are_put_away(
    store: Store, storage: FolderStore, ada: User, quarantine: Path
) -> None:
    begin(store, storage, ada, "u1", ago(hours=24))
    begin(store, storage, ada, "u2", ago(hours=23))
    start(store, storage, NOW, NOW, NOW)
    assert names(storage.uploads) == {"u2"}
    assert put_away(quarantine) == {"uploads/u1"}
    with store.read() as db:
        assert get_upload_times(db).keys() == {"u1", "u2"}
    later = [NOW + timedelta(days=days) for days in (5, 6, 13, 14, 21, 22)]
    start(store, storage, *later[:2])
    assert put_away(quarantine) == {"uploads/u1", "uploads/u2"}
    # With their files the uploads end.
    start(store, storage, *later[2:])
    with store.read() as db:
        assert get_upload_times(db) == {}
    assert put_away(quarantine) == set()


def test_what_the_database_does_not_know_is_put_away_and_comes_back_once_it_does(
    store: Store,
    storage: FolderStore,
    ada: User,
    quarantine: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_data(store, storage, ada, "known", None)
    for path in (
        storage.file_path("f1"),
        storage.upload_path("u1"),
        storage.upload_path("u1.form"),
    ):
        path.write_text("data")
    order = start(store, storage, NOW)
    assert names(storage.files) == {"known"}
    assert put_away(quarantine) == {"files/f1", "uploads/u1", "uploads/u1.form"}
    assert (order.quarantined.folder, order.quarantined.count) == (quarantine, 3)
    assert order.quarantined.size == 12
    (warning,) = [record.getMessage() for record in caplog.records]
    assert f"unknown or expired files were moved to {quarantine}:" in warning
    assert warning.startswith("3 unknown or expired files")
    add_data(store, storage, ada, "f1", None)
    storage.file_path("f1").unlink()
    begin(store, storage, ada, "u2", ago(hours=1))
    order = start(store, storage, NOW)
    assert storage.file_path("f1").read_text() == "data"
    assert put_away(quarantine) == {"uploads/u1", "uploads/u1.form"}
    assert order.quarantined.count == 2


def test_a_file_of_another_size_does_not_come_back(
    store: Store, storage: FolderStore, ada: User, quarantine: Path
) -> None:
    for content in ("short", "data", "longer"):
        storage.file_path("f1").write_text(content)
        start(store, storage, NOW)
    assert len(list(quarantine.glob("*/files/f1"))) == 3
    add_data(store, storage, ada, "f1", None)
    storage.file_path("f1").unlink()
    start(store, storage, NOW)
    assert storage.file_path("f1").read_text() == "data"
    assert {path.read_text() for path in quarantine.glob("*/files/f1")} == {"short", "longer"}


def test_folders_and_links_are_put_away_as_they_are(
    store: Store, storage: FolderStore, ada: User, quarantine: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thesis").write_text("thesis")
    add_data(store, storage, ada, "known", None)
    storage.file_path("known").unlink()
    for folder in (storage.files, storage.uploads, storage.files.parent / "work"):
        (folder / "folder" / "sub").mkdir(parents=True)
        (folder / "folder" / "sub" / "file").write_text("12345")
        (folder / "link").symlink_to(outside)
        (folder / "nowhere").symlink_to(tmp_path / "nowhere")
    storage.file_path("known").symlink_to(outside / "thesis")
    order = start(store, storage, NOW)
    for folder in (storage.files, storage.uploads, storage.files.parent / "work"):
        assert names(folder) == set()
        (found,) = quarantine.glob(f"*/{folder.name}/folder/sub/file")
        assert found.read_text() == "12345"
    assert order.quarantined.count == 10
    start(store, storage, *(NOW + timedelta(days=days) for days in (1, 2, 20, 21)))
    assert names(quarantine) == set()
    assert (outside / "thesis").read_text() == "thesis"


def test_what_attempts_of_known_jobs_have_left_is_made_again(
    store: Store, storage: FolderStore, ada: User, quarantine: Path
) -> None:
    with store.write() as db:
        job = add_job(db, ada)
    for name in (f"{job}-1", f"{job}-x", "jelsewhere-1", "mine"):
        (storage.files.parent / "work" / name).mkdir()
    (storage.files.parent / "work" / f"{job}-2").write_text("no folder")
    start(store, storage, NOW)
    assert names(storage.files.parent / "work") == set()
    left = {f"{job}-x", f"{job}-2", "jelsewhere-1", "mine"}
    assert put_away(quarantine) == {f"work/{name}" for name in left}


def test_an_upload_whose_file_is_published_leaves_nothing(
    store: Store, storage: FolderStore, ada: User, quarantine: Path
) -> None:
    begin(store, storage, ada, "u1", ago(hours=1))
    storage.upload_path("u1").write_text("data")
    storage.publish_upload("u1", "f1")
    with store.write() as db:
        add_file(db, File("f1", 4, None))
        delete_uploads(db, ["u1"])
    start(store, storage, NOW)
    assert storage.file_path("f1").read_text() == "data"
    assert names(storage.uploads) == set()
    assert not quarantine.exists()


@pytest.mark.parametrize("first", [lambda path: path.touch(), lambda path: path.symlink_to("/x")])
def test_what_cannot_be_put_away_stays_and_is_told(
    store: Store,
    storage: FolderStore,
    quarantine: Path,
    first: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first(quarantine)
    storage.file_path("f1").write_text("data")
    order = start(store, storage, NOW)
    assert storage.file_path("f1").read_text() == "data"
    assert order.quarantined.count == 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cannot be moved" in caplog.text


@pytest.mark.parametrize("note", ["", "2026-01-01\n2026-01-01\n", "nonsense", "\ud800", None])
def test_a_start_that_was_cut_short_is_taken_up(
    store: Store, storage: FolderStore, quarantine: Path, note: str | None
) -> None:
    """Batches may be empty, without a note of who has seen them, or with one that was cut off."""
    for name in ("20260301T120000Z", "20260301T120000Z-2"):
        (quarantine / name / "files").mkdir(parents=True)
    batch = quarantine / "20260301T120000Z-2"
    (batch / "files" / "f1").write_text("data")
    if note is not None:
        (batch / "seen.txt").write_bytes(note.encode("utf-8", "surrogatepass"))
    (quarantine / "somebody's").mkdir()
    (quarantine / "notes.txt").write_text("notes")
    start(store, storage, *(NOW + timedelta(days=days) for days in range(3)))
    assert put_away(quarantine) == {"files/f1"}
    start(store, storage, *(NOW + timedelta(days=days) for days in (9, 10)))
    assert names(quarantine) == {"somebody's", "notes.txt"}


def test_answers_of_yesterday_go(store: Store, storage: FolderStore, ada: User) -> None:
    with store.write() as db:
        for key, created in (("old", ago(hours=24)), ("new", ago(hours=23))):
            claim_key(db, answer(ada, key, created))
    start(store, storage, NOW)
    assert is_answered(store, ada, "old")
    start(store, storage, NOW)
    assert not is_answered(store, ada, "old")
    assert is_answered(store, ada, "new")


@given(
    known=st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=7),
    wrong=st.lists(st.one_of(st.none(), st.sampled_from(WRONG)), min_size=7, max_size=7),
    often=st.integers(0, 1),
)
@settings(max_examples=40)
def test_whatever_databases_and_clocks_come_nothing_is_lost_within_days(
    known: list[set[str]], wrong: list[datetime | None], often: int
) -> None:
    """Each start finds a database that knows other files; no two clocks in succession are wrong."""
    with TemporaryDirectory() as folder:
        store, storage = (
            SqliteStore(Path(folder), durable=False),
            FolderStore(Path(folder), durable=False),
        )
        for name in "abc":
            storage.file_path(name).write_text(name)
        for number, names_known in enumerate(known):
            with store.write() as db:
                db.execute(files.delete())
                for name in names_known:
                    add_file(db, File(name, 1, None))
            clock = wrong[number] if number % 2 == often else None
            start(store, storage, clock or NOW + timedelta(days=number))
            assert names(storage.files) == names_known
            away = {f"files/{name}" for name in set("abc") - names_known}
            assert put_away(storage.files.parent / "quarantine") == away
            for path in (*storage.files.iterdir(), *Path(folder).glob("quarantine/*/files/*")):
                assert path.read_text() == path.name
        store.close()
