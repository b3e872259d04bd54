"""Whatever a commit of a hub tells of is on the disk before it, so that no power cut parts them.

`tests/faults` cuts the power of a real disk, which takes root. Here a model of one notes what has
been synced: the contents of files, and which names folders give to them.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, select
from support.fake_worker import FakeWorker
from support.hub_http import Api

from qai_hub.local import LocalHub
from qai_hub.local.disk import make_folder
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.store.schema import users

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="fsync is not what syncs there")
BAD = "--bad"
SHARED = {"files", "uploads", "QAI_HUB_DATA.txt"}
EMAIL = "of-the-disk@example.com"


class SyncedDisk:
    """What of a data folder is sure to be on the disk.

    Attributes:
        looks: Whether it looks at what is committed.
        seen: The files and parts that commits have told of.
        faults: Those that were not on the disk then.
    """

    def __init__(self, data: Path) -> None:
        self.looks = False
        self.seen: set[str] = set()
        self.faults: set[str] = set()
        self._data = data
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._sync = os.fsync

    def fsync(self, descriptor: int) -> None:
        """Sync a file or folder, and note what it holds."""
        self._sync(descriptor)
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(descriptor) as entries:
                self._names[status.st_ino] = {each.name: each.inode() for each in entries}
        else:
            self._contents[status.st_ino] = os.pread(descriptor, status.st_size, 0)

    def committed(self, db: Connection) -> None:
        """Look for all that is about to be committed."""
        if not self.looks or not _is_watched(db):
            return
        for key, size, sha256 in db.exec_driver_sql("SELECT id, size, sha256 FROM files"):
            content = self.content(self._data / "files" / key)
            self._judge(key, content, content is not None and len(content) == size, sha256)
        parts = db.exec_driver_sql(
            "SELECT u.id, p.number, p.size, p.sha256, u.part_size "
            "FROM parts AS p JOIN uploads AS u ON u.id = p.upload_id"
        )
        for key, number, size, sha256, step in parts:
            offset = (number - 1) * (step or 0)
            path = self._data / "uploads" / key
            if path.is_dir():
                content = self.content(path / f"{offset}-{sha256}") or b""
            else:
                content = (self.content(path) or b"")[offset : offset + size]
            self._judge(f"{key}-{number}", content, len(content) == size, sha256)

    def content(self, path: Path) -> bytes | None:
        """Return what a file holds after a power cut; None if it is not there."""
        inode = self.inode(path)
        return None if inode is None else self._contents.get(inode)

    def inode(self, path: Path) -> int | None:
        """Return what a path leads to after a power cut; None if it leads nowhere."""
        if path in (self._data.parents[1], Path("/")):
            return path.stat().st_ino
        folder = self.inode(path.parent)
        return self._names.get(folder or 0, {}).get(path.name)

    def _judge(self, name: str, content: bytes | None, there: bool, sha256: str | None) -> None:
        self.seen.add(name)
        if not there or sha256 not in (None, hashlib.sha256(content or b"").hexdigest()):
            self.faults.add(name)


def _is_watched(db: Connection) -> bool:
    """Return whether a database is that of the hub here: others run in this process, too."""
    return bool(db.scalar(select(users.c.id).where(users.c.email == EMAIL)))


@contextmanager
def watched(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncedDisk]:
    disk = SyncedDisk(data)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    look = disk.committed
    event.listen(Engine, "commit", look)
    try:
        yield disk
    finally:
        event.remove(Engine, "commit", look)


def work(data: Path, disk: SyncedDisk) -> None:
    """Have a hub do all that makes files."""
    worker = FakeWorker()
    worker.extra_files = {"profile_trace": b"trace", "runtime_log": b"log", "source": b"source"}
    worker.failures = {BAD: "it is bad"}
    with LocalHub(data, users=[EMAIL], run_attempt=worker, part_size=4, cache=True) as running:
        disk.looks = True
        api = Api(running)
        model, dataset = api.upload_model(b"0123456789"), api.upload_dataset(b"data")
        done, target = api.compile(model)
        api.wait(done)
        again, _ = api.compile(model)
        api.wait(again)
        failed, missing = api.compile(model, options=BAD)
        behind = api.submit("inference_job", missing)
        for key in (failed, behind, api.submit("inference_job", missing)):
            assert api.wait(key)["job_state"] == "JOB_STATE_FAILED"
        api.wait(api.submit("inference_job", target, dataset={"dataset_id": dataset}))
        api.close()


@pytest.mark.shared_folder
def test_files_and_their_names_are_synced_before_each_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "new" / "data"
    with watched(data, monkeypatch) as disk:
        work(data, disk)
    assert disk.faults == set()
    kinds = {name[0] for name in disk.seen}
    assert kinds == {"f", "u"}
    assert len(disk.seen) > 15
    # A team has no database here, and its folders of work are below another.
    found = {"hub.db", "work", *SHARED} & {path.name for path in data.iterdir()}
    assert found >= SHARED
    for name in found:
        assert disk.inode(data / name) == (data / name).stat().st_ino


@pytest.mark.parametrize("lazy", ["stage", "flush"])
def test_the_model_of_a_disk_shows_what_is_not_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lazy: str
) -> None:
    monkeypatch.setattr(FolderStore, lazy, lambda *_: None)
    with watched(tmp_path / "new" / "data", monkeypatch) as disk:
        work(tmp_path / "new" / "data", disk)
    assert disk.faults


@pytest.mark.shared_folder
def test_a_failed_sync_fails_the_request_and_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalHub(tmp_path, users=["a@b"], run_attempt=FakeWorker()) as running:
        api = Api(running)
        key = api.create_model()
        synced: list[str] = []

        def fail(_: int) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            refused = api.http.get(f"models/{key}/multipart_upload/", params={"file_size": 5})
            assert refused.status_code == 500
        real = os.fsync

        def note(descriptor: int) -> None:
            synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
            real(descriptor)

        monkeypatch.setattr(os, "fsync", note)
        # By the process whose sync has failed, if there are two.
        for _ in range(2):
            api.create_model()
        assert synced == ["uploads"]
        api.close()


@pytest.mark.small_hub("a team is never temporary")
def test_a_temporary_hub_syncs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with LocalHub(users=["a@b"], run_attempt=FakeWorker()) as running:
        api = Api(running)
        api.wait(api.compile(api.upload_model())[0])
        api.upload_dataset()
        api.close()
    assert synced == []


def test_new_folders_are_synced_up_to_those_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SyncedDisk(tmp_path / "a" / "b" / "c")
    monkeypatch.setattr(os, "fsync", disk.fsync)
    (tmp_path / "a").mkdir()
    make_folder(tmp_path / "a" / "b" / "c", durable=True)
    assert disk.inode(tmp_path / "a" / "b" / "c") == (tmp_path / "a" / "b" / "c").stat().st_ino
