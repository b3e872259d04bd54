"""Calls in processes of their own, and how they end."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.execution_models import has_exited

from qai_hub.local.engine import isolated
from qai_hub.local.engine.environment import worker_environment
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import CallError, call_isolated


def acted(folder: Path, how: str, time_limit: float = 60) -> dict[str, Any]:
    return call_isolated("support.isolated_calls:act", {"how": how}, folder, time_limit)


# The same from a process that may start no programs, and has a helper instead.
SCRIPT = """
import json, os, sys
from pathlib import Path
from qai_hub.local.engine import isolated
from qai_hub.local.engine.failures import JobFailure
isolated.prepare_isolated_calls()
isolated._run_program = None
ends = {}
for how, limit in json.loads(sys.argv[2]):
    try:
        found = isolated.call_isolated(
            "support.isolated_calls:act", {"how": how}, Path(sys.argv[1], how), limit
        )
        ends[how] = [found["given"], found["pid"] != os.getpid()]
    except JobFailure as failure:
        ends[how] = [failure.failure_type, failure.reason]
    except isolated.CallError as error:
        ends[how] = [error.reason, error.cause]
print(json.dumps(ends))
"""

ENDS: dict[str, list[Any]] = {
    "crash": ["was killed by SIGSEGV", None],
    "hang": ["took longer than 1 s", None],
    "memory": ["ran out of memory", FailureType.OUT_OF_MEMORY],
    "raise": ["ended with an error, which the log of the job tells", None],
    "fail": [FailureType.UNSUPPORTED, "The model has no legs."],
    "return": [{"how": "return"}, True],
}


def limit_of(how: str) -> float:
    return 1 if how == "hang" else 60


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([tests, *sys.path]))
    monkeypatch.setattr(isolated, "_forker", None)


@pytest.mark.parametrize("how", ENDS)
def test_however_a_call_ends_the_caller_goes_on(tmp_path: Path, how: str) -> None:
    expected = ENDS[how]
    if how == "return":
        assert acted(tmp_path / "call", how)["given"] == expected[0]
    elif how == "fail":
        with pytest.raises(JobFailure, match="no legs"):
            acted(tmp_path / "call", how)
    else:
        with pytest.raises(CallError) as caught:
            acted(tmp_path / "call", how, limit_of(how))
        error = caught.value
        assert [error.reason, error.cause] == expected
        assert how == "hang" or has_exited((error.progress or {})["pid"])


@pytest.mark.skipif(sys.platform != "linux", reason="workers have a sandbox on Linux alone")
def test_the_same_from_a_helper_that_was_forked_before(tmp_path: Path) -> None:
    calls = json.dumps([(how, limit_of(how)) for how in ENDS])
    environment = worker_environment(tmp_path) | {"PYTHONPATH": os.environ["PYTHONPATH"]}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), calls],
        env=environment,
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout.splitlines()[-1]) == ENDS


@pytest.mark.skipif(sys.platform != "linux", reason="workers have a sandbox on Linux alone")
def test_nothing_outlives_a_worker_that_is_killed(tmp_path: Path) -> None:
    environment = worker_environment(tmp_path) | {"PYTHONPATH": os.environ["PYTHONPATH"]}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path), json.dumps([("hang", 600)])], env=environment
    ) as worker:
        progress = tmp_path / "hang" / "result.json"
        deadline = time.monotonic() + 60
        while not progress.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        worker.kill()
    pid = json.loads(progress.read_text())["pid"]
    while not has_exited(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert has_exited(pid)
