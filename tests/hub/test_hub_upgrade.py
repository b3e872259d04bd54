"""A hub goes on with the data folder of an older release."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import httpx
from support.fake_worker import FakeWorker
from support.hub_http import Api

from qai_hub.local import LocalHub

DUMP = Path(__file__).parents[1] / "data" / "hub_v1.sql"
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


def old_folder(folder: Path) -> Path:
    """Make the folder as version 1 left it: jobs that are done, failed and queued."""
    (folder / "files").mkdir(parents=True)
    for name, content in FILES.items():
        (folder / "files" / name).write_bytes(content)
    with sqlite3.connect(folder / "hub.db") as db:
        db.executescript(DUMP.read_text())
    db.close()
    return folder


def test_a_folder_of_version_1_goes_on(tmp_path: Path) -> None:
    users = {"ada@example.com": "tok-ada"}
    with LocalHub(
        old_folder(tmp_path / "hub"), users=users, run_attempt=FakeWorker(), clock=lambda: NOW
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
