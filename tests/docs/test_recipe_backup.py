"""Backup and restore of a data folder, by the scripts of the page, while a hub runs in it."""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from support.hub_http import Api, problem
from support.page_blocks import blocks
from support.tiny_models import affine
from support.users import ME

from qai_hub.client import Device, InferenceJob
from qai_hub.local import LocalHub

BACKUP, RESTORE = blocks("docs/recipes/backup.md", "bash")
TOKEN = "of-before"
DEVICE = Device("Samsung Galaxy S24")

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="there is no sqlite3")


def run(script: str, data: Path, copy: Path) -> None:
    environment = os.environ | {"DATA": str(data), "COPY": str(copy)}
    subprocess.run(["bash", "-c", script], env=environment, check=True, timeout=60)


def test_a_copy_of_a_running_hub_is_a_hub(tmp_path: Path) -> None:
    data, copy, restored = tmp_path / "data", tmp_path / "copy", tmp_path / "restored"
    inputs = {"x": [np.ones((1, 4), np.float32)]}
    with LocalHub(data, users={ME: TOKEN}) as before:
        client = before.client()
        target = client.submit_compile_job(affine(), DEVICE).get_target_model()
        assert target is not None
        job = client.submit_inference_job(target, DEVICE, inputs)
        assert job.wait().success
        api = Api(before)
        dataset = api.post("datasets/", {"name": "unfinished"})["id"]
        form = api.get(f"datasets/{dataset}/upload_url/")["url"]
        run(BACKUP, data, copy)
        # Neither is in the copy.
        client.upload_model(affine(), "later")
        target.delete()
        api.close()
    assert copy.stat().st_mode & 0o077 == 0
    run(RESTORE, restored, copy)
    with LocalHub(restored, users={ME: TOKEN}) as after:
        assert after.quarantined.count == 0
        client = after.client()
        assert "later" not in [model.name for model in client.get_models()]
        again = client.get_job(job.job_id)
        assert isinstance(again, InferenceJob)
        outputs = again.download_output_data()
        assert outputs is not None
        np.testing.assert_array_equal(outputs["y"], [[[3.0] * 4]])
        model = client.get_model(target.model_id)
        assert client.submit_inference_job(model, DEVICE, inputs).wait().success
        # An upload under way has to begin again, of which its client is told.
        api = Api(after)
        url = urlsplit(form["url"])._replace(netloc=urlsplit(after.url).netloc).geturl()
        files = {form["file_field_name"]: ("data", b"data")}
        sent = httpx.post(url, data=form["fields"], files=files)
        assert problem(sent, 409) == "This upload is finished, or was abandoned."
        api.close()


def test_nothing_is_restored_over_a_folder(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(RESTORE, tmp_path, tmp_path)
