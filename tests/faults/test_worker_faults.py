"""Each way in which a job's process can come to grief, on a hub that really runs it."""

import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import onnx
import pytest
from support.execution_models import endless_model, has_exited, huge_model
from support.hub_http import Api, problem

from qai_hub.local import LocalHub

USERS = {"ada@example.com": "tok"}


def worker_of(folder: Path) -> int:
    """Wait until a worker runs its model; return its process."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for log in folder.glob("work/*/hub.log"):
            text = log.read_text()
            found = re.search(r"Process (\d+) started", text)
            if found and "Running the model" in text:
                return int(found[1])
        time.sleep(0.01)
    raise AssertionError("no worker runs")


def nothing(_: Path) -> None:
    """Let the job come to grief by itself."""


def send(number: signal.Signals) -> Callable[[Path], None]:
    return lambda folder: os.kill(worker_of(folder), number)


FAULTS = [
    pytest.param(
        endless_model, {}, send(signal.SIGKILL), "RUNTIME_CRASH", "killed by SIGKILL", id="kill"
    ),
    pytest.param(
        endless_model, {}, send(signal.SIGSEGV), "RUNTIME_CRASH", "killed by SIGSEGV", id="crash"
    ),
    pytest.param(
        endless_model,
        {"job_timeout": 2.0},
        nothing,
        "RUNTIME_TIMEOUT",
        "the time limit of this hub is 2 s",
        id="time limit",
    ),
    pytest.param(
        lambda: huge_model(10**9),
        {"memory_limit": 1 << 30},
        nothing,
        "RUNTIME_OUT_OF_MEMORY",
        "the limit of this hub is 1024 MiB",
        id="memory limit",
    ),
]


@pytest.mark.parametrize(("model", "options", "harm", "kind", "reason"), FAULTS)
def test_a_job_that_comes_to_grief_says_how(
    tmp_path: Path,
    model: Callable[[], onnx.ModelProto],
    options: dict[str, Any],
    harm: Callable[[Path], None],
    kind: str,
    reason: str,
) -> None:
    with LocalHub(tmp_path, users=USERS, **options) as hub:
        api = Api(hub)
        key, target = api.compile(
            api.upload_model(model().SerializeToString()), options="--target_runtime onnx"
        )
        harm(tmp_path)
        job = api.wait(key)
        assert job["job_state"] == "JOB_STATE_FAILED"
        assert reason in job["failure_reason"]
        assert api.get(f"jobs/{key}/")["failure_type"] == f"JOB_FAILURE_TYPE_{kind}"
        (log,) = api.get(f"jobs/{key}/device_runs/latest/artifact_list/5/")["artifacts"]
        text = httpx.get(log["url"]).text
        assert f"JOB_FAILURE_TYPE_{kind}" in text.splitlines()[-1]
        assert has_exited(int(re.findall(r"Process (\d+) started", text)[0]))
        problem(api.http.get(f"models/{target}/download/"), 409)
        api.close()
    assert list((tmp_path / "work").iterdir()) == []
    with sqlite3.connect(tmp_path / "hub.db") as db:
        known = {name for (name,) in db.execute("SELECT id FROM files")}
    db.close()
    assert {path.name for path in (tmp_path / "files").iterdir()} == known
