"""Changing the API: the five steps of CONTRIBUTING, taken with a copy of the contract."""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import yaml
from answers import as_read
from generate import differences
from support.changed_contract import changed_contract

ROOT = Path(__file__).parents[2]
GENERATE = ROOT / "codegen" / "generate.py"


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GENERATE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package that the changed contract gives."""
    folder = tmp_path_factory.mktemp("changed")
    contract = folder / "openapi.yaml"
    contract.write_text(yaml.safe_dump(changed_contract(), sort_keys=False), "utf-8")
    done = generate("--contract", contract, "--output", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


@pytest.fixture
def regenerated(changed: Path) -> Iterator[ModuleType]:
    """That package, imported in place of today's."""
    todays = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "qai_hub_api"}
    for name in todays:
        del sys.modules[name]
    sys.path.insert(0, str(changed))
    try:
        importlib.invalidate_caches()
        yield importlib.import_module("qai_hub_api")
    finally:
        sys.path.remove(str(changed))
        for name in [n for n in sys.modules if n.partition(".")[0] == "qai_hub_api"]:
            del sys.modules[name]
        sys.modules.update(todays)


JOB: dict[str, Any] = {
    "train_job": {
        "compile_job_id": "jabc12345",
        "user_id": 1,
        "job_state": "JOB_STATE_PAUSED",
        "name": "n",
        "options": "",
        "creation_time": "2026-01-02T03:04:05Z",
        "priority": 7,
    },
    "notices": [],
    "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
    "available_artifacts": [],
}


def serve(package: ModuleType, body: object) -> tuple[Any, list[httpx.Request]]:
    """A client of the package whose requests are all answered with one body."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=body, request=request)

    client = package.Client(base_url="http://hub.test")
    transport = httpx.MockTransport(answer)
    client.set_httpx_client(httpx.Client(base_url="http://hub.test", transport=transport))
    return client, requests


def test_new_field_enum_value_job_type_and_endpoint_can_be_used(regenerated: ModuleType) -> None:
    explain_job = importlib.import_module("qai_hub_api.api.jobs.explain_job")
    models = importlib.import_module("qai_hub_api.models")
    client, requests = serve(regenerated, JOB)
    job = explain_job.sync(client, "jabc12345")
    assert (requests[0].method, requests[0].url.path) == (
        "POST",
        "/api/v1/jobs/jabc12345/explanation/",
    )
    assert job.train_job.priority == 7
    assert job.train_job.job_state is models.JobState.JOB_STATE_PAUSED
    assert job.to_dict() == {**JOB, "train_job": {**job.train_job.to_dict(), "priority": 7}}


def test_messages_may_hold_each_other(regenerated: ModuleType) -> None:
    compile_job = importlib.import_module("qai_hub_api.models.compile_job").CompileJob
    details = {**JOB["train_job"], "parent": JOB}
    made = compile_job.from_dict(details)
    assert made.parent.train_job.priority == 7
    assert made.to_dict()["parent"]["train_job"]["priority"] == 7


def test_todays_client_reads_the_answers_of_the_changed_server() -> None:
    import qai_hub_api
    from qai_hub_api.api.jobs import get_job
    from qai_hub_api.models import JobState

    client, _ = serve(qai_hub_api, JOB)
    job = get_job.sync(client, "jabc12345")
    assert job.additional_properties["train_job"]["priority"] == 7
    known = {**JOB, "compile_job": JOB["train_job"]}
    client, _ = serve(qai_hub_api, known)
    job = get_job.sync(client, "jabc12345")
    details = job.to_dict()["compile_job"]
    assert (details["priority"], details["job_state"]) == (7, "JOB_STATE_PAUSED")
    assert JobState("JOB_STATE_PAUSED") is JobState("JOB_STATE_PAUSED")
    assert JobState("JOB_STATE_PAUSED") not in list(JobState)


def test_drift_is_found_and_named(tmp_path: Path) -> None:
    contract = tmp_path / "openapi.yaml"
    contract.write_text(yaml.safe_dump(changed_contract(), sort_keys=False), "utf-8")
    done = generate("--check", "--contract", contract)
    assert done.returncode == 1
    assert "api/jobs/explain_job.py: missing" in done.stdout
    assert "make generate" in done.stdout


def test_drift_of_the_wire_is_found_and_named(tmp_path: Path) -> None:
    package = ROOT / "generated" / "qai_hub_api"
    folder = shutil.copytree(package, tmp_path / "qai_hub_api")
    (folder / "wire.desc").write_bytes(b"other")
    assert differences(package, folder) == ["wire.desc: differs"]


def test_there_is_no_drift() -> None:
    done = generate("--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "qai_hub_api is what the contract gives\n"


def test_a_contract_that_the_generator_cannot_read_changes_nothing(tmp_path: Path) -> None:
    contract = tmp_path / "openapi.yaml"
    contract.write_text("openapi: 3.1.0\npaths: {/x: {get: {responses: 7}}}\n", "utf-8")
    done = generate("--contract", contract, "--output", tmp_path / "out")
    assert done.returncode != 0
    assert "the generator failed" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (400, "application/problem+json", json.dumps({"detail": "no"}).encode()),
        (502, "text/html", b"<html>Bad gateway</html>"),
        (520, "text/plain", b""),
        (200, "text/html", b"<html>Log in</html>"),
        (200, "application/json", b'["not", "a", "job"]'),
        (200, "application/json", b"null"),
    ],
)
def test_whatever_is_not_a_success_is_one_error(
    status: int, content_type: str, body: bytes
) -> None:
    import qai_hub_api
    from qai_hub_api.api.jobs import get_job
    from qai_hub_api.errors import ApiError

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"Content-Type": content_type}
        return httpx.Response(status, content=body, headers=headers, request=request)

    client = qai_hub_api.Client(base_url="http://hub.test")
    transport = httpx.MockTransport(answer)
    client.set_httpx_client(httpx.Client(base_url="http://hub.test", transport=transport))
    with pytest.raises(ApiError) as caught:
        get_job.sync(client, "jabc12345")
    assert (caught.value.status_code, caught.value.content) == (status, body)
    assert caught.value.url.path == "/api/v1/jobs/jabc12345/"


def test_answers_may_lack_messages_and_requests_may_not() -> None:
    contract = changed_contract()
    required = {n: set(s.get("required", ())) for n, s in contract["components"]["schemas"].items()}
    read = as_read(contract)["components"]["schemas"]
    lost = {n: required[n] - set(schema.get("required", ())) for n, schema in read.items()}
    assert lost["CreateUpdateResponse"] == {"creation_time"}
    assert lost["CompileJob"] == {"creation_time"}
    assert lost["ModelList"] == {"models"}
    assert lost["Device"] == set()
    assert not any(lost[name] for name in lost if name.endswith(("Submit", "Create", "Update")))
    assert contract == changed_contract()


def test_a_schema_of_requests_and_answers_is_refused() -> None:
    contract = changed_contract()
    request = contract["paths"]["/api/v1/jobs/"]["post"]["requestBody"]
    (content,) = request["content"].values()
    content["schema"] = {"$ref": "#/components/schemas/CompileJob"}
    with pytest.raises(ValueError, match="CompileJob stands in requests and in answers"):
        as_read(contract)


def test_importing_an_operation_loads_only_the_models_it_uses() -> None:
    code = (
        "import sys; from qai_hub_api.api.jobs import get_job; import qai_hub_api.models;"
        "print(*(m.rpartition('.')[2] for m in sys.modules if m.startswith('qai_hub_api.models.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"job", "inference_job", "device"} <= loaded
    assert not {"job_summary", "model_create", "inference_job_submit"} & loaded
