"""The local hub, held to `openapi.yaml` by schemathesis: all phases, all checks."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.local import LocalHub

HERE = Path(__file__).parent
OPERATIONS = 50
# More of them find more, and take longer: `make contract` tries 30, which take about a minute.
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "5"))
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")

CONFIG = """
hooks = "{hooks}"
headers = {{ Authorization = "token {token}" }}
workers = 1
continue-on-failure = true
request-timeout = 30

[generation]
deterministic = true
max-examples = {examples}

[phases.stateful]
max-steps = 12

[dictionaries.jobs]
values = ["{job_id}"]
[dictionaries.models]
values = ["{model_id}"]
[dictionaries.datasets]
values = ["{dataset_id}"]
[dictionaries.projects]
values = ["{project_id}"]

[parameters]
"path.job_id" = {{ dictionary = "jobs", probability = 0.5 }}
"path.model_id" = {{ dictionary = "models", probability = 0.5 }}
"path.dataset_id" = {{ dictionary = "datasets", probability = 0.5 }}
"path.project_id" = {{ dictionary = "projects", probability = 0.5 }}

# What violates the contract may also be too large to be read at all, which is a 413.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]

# A wrong password fits the contract, and is answered 400 as by the official service.
[[operations]]
include-operation-id = "logIn"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400]

# So do an offset in a list that is searched, and the 29th of February of any year.
[[operations]]
include-operation-id = [
    "listJobs", "listProjectJobs", "listJobSummaries", "listProjectJobSummaries",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404]

# So does a file that is larger than what the storage of a hub takes.
[[operations]]
include-operation-id = "startDatasetUpload"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 404, 409, 413]

# So does a range that begins after the end of the file.
[[operations]]
include-operation-id = "downloadFile"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 416]

{sharing}
"""

# These DELETEs stop sharing: they empty a list that is still there.
SHARING = """
[[operations]]
include-operation-id = "{operation}"
checks.use_after_free.enabled = false
"""


@pytest.fixture(scope="module")
def seeds() -> Iterator[dict[str, str]]:
    """A hub with a model, a dataset and a job that has succeeded."""
    with LocalHub(users=[ME], validate_responses=True) as lh, lh.client(ME) as client:
        job = client.submit_compile_job(
            affine(), hub.Device("Samsung Galaxy S24"), input_specs={"x": (1, 4)}
        )
        assert job.wait(60).success
        dataset = client.upload_dataset({"x": [np.zeros((1, 4), np.float32)]}, "zeros")
        yield {
            "url": lh.url,
            "email": ME,
            "token": client.config.api_token,
            "job_id": job.job_id,
            "model_id": job.model.model_id,
            "dataset_id": dataset.dataset_id,
            "project_id": job.project_id or "",
        }


@pytest.mark.timeout(300 + 20 * EXAMPLES)
def test_the_hub_keeps_the_contract(
    seeds: dict[str, str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    config = tmp_path / "schemathesis.toml"
    hooks = HERE / "schemathesis_hooks.py"
    sharing = "".join(
        SHARING.format(operation=f"{does}{thing}Sharing")
        for does in ("get", "update")
        for thing in ("Model", "Dataset", "Job")
    )
    text = CONFIG.format(hooks=hooks.as_posix(), examples=EXAMPLES, sharing=sharing, **seeds)
    config.write_text(text, "utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    command += [f"{seeds['url']}/openapi.json", "--url", seeds["url"]]
    # All checks run unless told otherwise; one that is named here could not be switched off for
    # some operations.
    command += ["--phases", ",".join(PHASES).lower()]
    done = subprocess.run(
        command,
        env={**os.environ, "HUB_UNDER_TEST": json.dumps(seeds), "NO_PROXY": "127.0.0.1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    summary = done.stdout[done.stdout.find("API Operations:") :]
    record_property("schemathesis", summary)
    assert done.returncode == 0, shortened(done.stdout + done.stderr)
    assert re.search(rf"Selected: {OPERATIONS}/{OPERATIONS}\s+Tested: {OPERATIONS}\b", summary)
    assert all(
        f"✅ {phase}" in summary for phase in ("Examples", "Coverage", "Fuzzing", "Stateful")
    )


def shortened(output: str) -> str:
    return "\n".join(line[:1000] for line in output.splitlines())
