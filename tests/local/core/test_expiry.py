"""What a hub deletes while it runs, and what it keeps."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.hub_http import Api
from support.polling import wait_until
from support.store_builders import add_model

from qai_hub.local import LocalHub
from qai_hub.local.clock import rfc3339
from qai_hub.local.config import HubConfig, Retention
from qai_hub.local.core.expiry import Expiry
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.streams import UploadWriters
from qai_hub.local.store import Store
from qai_hub.local.store.files import (
    Part,
    StoredResponse,
    add_upload,
    claim_key,
    get_parts,
    get_upload_times,
    save_part,
)
from qai_hub.local.store.records import Upload, User

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Running:
    """A hub's data, and the sweeps over it by a clock that a test sets."""

    def __init__(self, store: Store, folder: Path, owner: User) -> None:
        self.now = NOW
        self.store = store
        self.storage = FolderStore(folder)
        self.writers = UploadWriters()
        self._owner = owner
        self._expiry = Expiry(store, self.storage, self.writers, lambda: self.now, Retention())

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
