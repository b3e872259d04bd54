"""A hub goes on with the data folder of an older release."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api

from qai_hub.local import LocalHub

pytestmark = pytest.mark.small_hub("it upgrades the database in the folder")

DATA = Path(__file__).parents[2] / "data"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
FILES = {
    "foc8p0h5f": b"model",
    "fotk3qbsn": b"made from model",
    "fsapc86b6": b"made from made from model",
    "f1xksn4mm": b"data",
    "fighz1gfv": b"what happened",
    "fwrdm070i": b"what happened",
    "fsarrhwot": b"what happened",
}


# What these files hold is not read again.
FILES_2 = dict.fromkeys(
    ("f10hccyv9", "fvuxiyy37", "f3tulxlux", "fqtygbit6", "forpul1gg", "foeshpcc6"), b""
) | {
    "fz2ixgci5": b"model",
    "f8gnrshe4": b"made from model",
    "f4fwe0jbs": b"what made it",
    "fubyidv3w": b"data",
    "f7r3w0s00": b"model",
}


def old_folder(folder: Path, version: int, files: dict[str, bytes]) -> Path:
    """Make the folder as an old version left it: jobs that are done, failed and queued."""
    (folder / "files").mkdir(parents=True)
    for name, content in files.items():
        (folder / "files" / name).write_bytes(content)
    with sqlite3.connect(folder / "hub.db") as db:
        db.executescript((DATA / f"hub_v{version}.sql").read_text())
    db.close()
    return folder


def test_a_folder_of_version_1_goes_on(tmp_path: Path) -> None:
    users = {"ada@example.com": "tok-ada"}
    with LocalHub(
        old_folder(tmp_path / "hub", 1, FILES),
        users=users,
        run_attempt=FakeWorker(),
        clock=lambda: NOW,
    ) as hub:
        api = Api(hub)
        done, failed, queued = "j6skfb52s", "j9n5zpztk", "jdl6hgye4"
        assert api.wait(queued)["job_state"] == "JOB_STATE_DONE"
        job = api.wait(done)
        assert (job["job_state"], job["name"]) == ("JOB_STATE_DONE", "kept")
        assert api.wait(failed)["failure_reason"] == "--bad is no option."
        found = api.get(f"jobs/{done}/download_compiled_model/")["url"]
        assert httpx.get(found["url"]).content == b"made from model"
        (log,) = api.get(f"jobs/{done}/device_runs/latest/artifact_list/5/")["artifacts"]
        assert httpx.get(log["url"]).content == b"what happened"
        assert len(api.get("models/")["models"]) == 5
        assert len(api.get("datasets/")["datasets"]) == 2
        run = api.submit("inference_job", job["target_model"]["model_id"])
        assert api.wait(run)["job_state"] == "JOB_STATE_DONE"
        api.close()
    names = {path.name for path in (tmp_path / "hub" / "files").iterdir()}
    assert names > FILES.keys()


def test_a_folder_of_version_2_goes_on(tmp_path: Path) -> None:
    users = {"ada@example.com": "tok-ada", "bob@example.com": "tok-bob"}
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(
        old_folder(tmp_path / "hub", 2, FILES_2),
        users=users,
        run_attempt=worker,
        clock=lambda: NOW - timedelta(hours=11),
        max_parallel_jobs=1,
        max_unfinished_uploads=1,
    ) as hub:
        ada, bob = Api(hub, "ada@example.com"), Api(hub, "bob@example.com")
        running, waiting, queued = "j71d4uadi", "j65ukuewy", "jytxqmv1h"
        assert ada.job(waiting)["job_state"] == "JOB_STATE_CREATED"
        worker.may_finish.set()
        for job in (running, waiting, queued):
            assert ada.wait(job)["job_state"] == "JOB_STATE_DONE"
        # An upload of each was under way: they count.
        for api in (ada, bob):
            model = api.create_model()
            answer = api.http.get(f"models/{model}/multipart_upload/", params={"file_size": 1})
            assert answer.status_code == 429
        ada.close()
        bob.close()
