"""The official client beside what a local hub adds: it reads on, and says what the hub says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.polling import wait_until
from support.users import ME

from qai_hub.local import LocalHub

LOOK = """
import json, sys
import qai_hub as hub
token, url, cancelled, behind, deleted, queued = sys.argv[1:]
client = hub.Client(hub.ClientConfig(token, url, url, False))
told = {}
for name, key in (("cancelled", cancelled), ("behind", behind), ("deleted", deleted)):
    job = client.get_job(key)
    status = job.wait()
    told[name] = [status.code, status.message, job.model.model_id]
told["summaries"] = len(client.get_job_summaries())
try:
    device = client.get_devices("Samsung Galaxy S24")[0]
    client.submit_profile_job(client.get_model(queued), device, retry=False)
except hub.client.RateLimitedError as error:
    told["full"] = str(error)
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the official client is run on Linux")
def test_the_official_client_reads_cancelled_jobs_and_deleted_models(tmp_path: Path) -> None:
    worker = FakeWorker()
    with LocalHub(
        users=[ME], max_parallel_jobs=1, max_queued_jobs=1, cache=False, run_attempt=worker
    ) as hub:
        api = Api(hub)
        kept, gone = api.upload_model(), api.upload_model()
        deleted, _ = api.compile(gone)
        api.wait(deleted)
        assert api.http.delete(f"models/{gone}/").status_code == 200
        worker.may_finish.clear()
        cancelled, target = api.compile(kept)
        wait_until(lambda: worker.running)
        behind = api.submit("inference_job", target)
        api.post(f"jobs/{cancelled}/cancel/")
        api.wait(cancelled)
        running, _ = api.compile(kept)
        wait_until(lambda: api.job(running)["job_state"] != "JOB_STATE_CREATED")
        api.compile(kept)
        arguments = [hub.token(), hub.url, cancelled, behind, deleted, kept]
        done = subprocess.run(
            [os.environ["OFFICIAL_PYTHON"], "-c", LOOK, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        worker.may_finish.set()
        api.close()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["cancelled"] == ["FAILED", f"Cancelled by {ME}.", kept]
    assert told["behind"][:2] == ["FAILED", told["behind"][1]]
    assert f"Cancelled by {ME}." in told["behind"][1]
    assert told["deleted"] == ["SUCCESS", "", gone]
    assert told["summaries"] == 5
    assert "You have 1 queued jobs" in told["full"]
