"""What a hub deletes while it runs, and what it keeps."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.hub_http import Api
from support.polling import wait_until
from support.store_builders import add_job, add_model

from qai_hub.local import LocalHub
from qai_hub.local.clock import rfc3339
from qai_hub.local.config import HubConfig, Retention
from qai_hub.local.core.expiry import Expiry
from qai_hub.local.core.kinds import DONE
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.streams import UploadWriters
from qai_hub.local.store import Store
from qai_hub.local.store.files import (
    Part,
    StoredResponse,
    add_file,
    add_upload,
    claim_key,
    get_parts,
    get_upload_times,
    save_part,
)
from qai_hub.local.store.records import File, Upload, User
from qai_hub.local.store.rows import JOBS, MODELS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Running:
    """A hub's data, and the sweeps over it by a clock that a test sets."""

    def __init__(
        self, store: Store, folder: Path, owner: User, retention: Retention | None = None
    ) -> None:
        self.now = NOW
        self.store = store
        self.storage = FolderStore(folder)
        self.writers = UploadWriters()
        self._owner = owner
        self._expiry = Expiry(
            store, self.storage, self.writers, lambda: self.now, retention or Retention()
        )

    def sweep(self, *hours: float) -> None:
        """Sweep at some times, in hours from the beginning."""
        for each in hours:
            self.now = NOW + each * HOUR
            self._expiry.sweep()

    def begin(self, name: str) -> None:
        with self.store.write() as db:
            model = add_model(db, self._owner)
            add_upload(db, Upload(name, model, rfc3339(self.now), 5, 5, self._owner.id))
            save_part(db, Part(name, 1, 5, "digest"))
        self.storage.begin_upload(name)

    def add_ended_job(self) -> tuple[str, str]:
        """Add a job that ends now, and return the names of the files of its source and target."""
        with self.store.write() as db:
            names = (add_model(db, self._owner), add_model(db, self._owner))
            for name in names:
                add_file(db, File(name, 1, None), self._owner.id)
                MODELS.update(db, name, file_id=name, created=rfc3339(self.now))
                (self.storage.files / name).write_bytes(b"x")
            job = add_job(db, self._owner, state=DONE, input=names[:1], target=names[1:])
            MODELS.update(db, names[1], producer_id=job)
            JOBS.update(db, job, created=rfc3339(self.now), completed=rfc3339(self.now))
        return names

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.storage.files.iterdir()}

    @property
    def uploads(self) -> set[str]:
        with self.store.read() as db:
            known = get_upload_times(db)
            assert {name for name in known if get_parts(db, name)} == set(known)
        assert {path.name for path in self.storage.uploads.iterdir()} == set(known)
        return set(known)


@pytest.fixture
def running(store: Store, tmp_path: Path, ada: User) -> Running:
    return Running(store, tmp_path / "data", ada)


def test_an_upload_goes_once_nobody_can_continue_it(running: Running) -> None:
    running.begin("first")
    running.sweep(0, 3)
    running.begin("later")
    # An hour after a day: so long are the last signed URLs valid.
    running.sweep(23, 24, 24.9, 24.95)
    assert running.uploads == {"first", "later"}
    running.sweep(25.5, 26)
    assert running.uploads == {"later"}
    running.sweep(28.5, 29)
    assert running.uploads == set()


@pytest.mark.parametrize("wrong", [24 * 365 * 50, -24 * 365 * 50])
def test_one_reading_of_a_wrong_clock_deletes_nothing(running: Running, wrong: float) -> None:
    running.begin("first")
    running.sweep(wrong, 1, wrong, 2)
    assert running.uploads == {"first"}


def test_what_is_still_arriving_stays(running: Running) -> None:
    async def sweep_during_a_part() -> None:
        async with running.writers.writing("first", 1):
            running.sweep(40, 41)

    running.begin("first")
    asyncio.run(sweep_during_a_part())
    assert running.uploads == {"first"}
    running.sweep(42)
    assert running.uploads == set()


def test_old_answers_go(running: Running, ada: User) -> None:
    def is_answered(key: str) -> bool:
        with running.store.write() as db:
            request = StoredResponse(ada.id, "/jobs/", key, rfc3339(running.now), "digest")
            return claim_key(db, request) is not None

    assert not is_answered("first")
    running.sweep(1, 23)
    assert is_answered("first")
    running.sweep(24.5, 25)
    assert not is_answered("first")


def test_jobs_and_models_go_after_their_time(store: Store, tmp_path: Path, ada: User) -> None:
    retention = Retention(jobs=timedelta(hours=100), models=timedelta(hours=200))
    running = Running(store, tmp_path / "data", ada, retention)
    source, target = running.add_ended_job()
    running.sweep(0, 98, 99.9)
    later = running.add_ended_job()
    # A wrong clock alone deletes nothing.
    running.sweep(9999, 99.9)
    assert running.files == {source, target, *later}
    running.sweep(101, 102)
    assert running.files == {source, *later}
    running.sweep(198, 201, 202)
    assert running.files == {later[0]}


def test_jobs_are_kept_for_ever_unless_a_time_is_set(running: Running) -> None:
    source, target = running.add_ended_job()
    running.sweep(0, 24 * 3650, 24 * 3651)
    assert running.files == {source, target}


def test_a_running_hub_frees_the_space_of_abandoned_uploads(tmp_path: Path) -> None:
    moment = timedelta(seconds=0.1)
    config = HubConfig(
        data_dir=tmp_path / "hub", retention=Retention(uploads=moment, signatures=moment)
    )
    with LocalHub.from_config(config) as hub:
        api = Api(hub)
        api.get(f"models/{api.create_model()}/multipart_upload/", file_size=5)
        wait_until(lambda: not list((tmp_path / "hub/uploads").iterdir()))
        api.close()
