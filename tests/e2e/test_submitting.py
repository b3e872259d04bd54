"""One submit makes one job, of every type, in its project, whatever happens on the way."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from support.breaking_proxy import BreakingProxy
from support.fake_worker import FakeWorker
from support.routed_hub import DEVICES, RoutedHub, Routes
from support.scripted_server import Reply, Request, json_reply
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, Device, Model
from qai_hub.local import LocalHub
from qai_hub.transport.session import request_limits

OTHER = Device("Samsung Galaxy S23")
Submit = Callable[..., Any]

# Each submit, of what is on the hub already or of what it uploads.
SUBMITS: dict[str, Submit] = {
    "compile": lambda client, models, data, **more: client.submit_compile_job(
        models[".onnx"], calibration_data=data, **more
    ),
    "quantize": lambda client, models, data, *, device, **more: client.submit_quantize_job(
        models[".onnx"], data, **more
    ),
    "link": lambda client, models, data, **more: client.submit_link_job(models[".dlc"], **more),
    "inference": lambda client, models, data, **more: client.submit_inference_job(
        models[".onnx"], inputs=data, **more
    ),
    "profile": lambda client, models, data, **more: client.submit_inference_job(
        models[".onnx"], **more
    ),
}


@pytest.fixture(scope="module")
def lh() -> Iterator[LocalHub]:
    """A hub that runs nothing: each job is looked at as it was submitted."""
    with LocalHub(users=[ME], validate_responses=True, run_attempt=FakeWorker()) as running:
        yield running


@pytest.fixture(scope="module")
def client(lh: LocalHub) -> Client:
    return lh.client(ME)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("files") / "model.dlc"
    path.write_bytes(b"as good as any for a hub that links nothing")
    return {".onnx": affine(), ".dlc": path}


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return {"x": [np.ones((1, 4), np.float32)]}


@pytest.fixture(scope="module")
def models(client: Client, files: dict[str, Any]) -> dict[str, Model]:
    return {suffix: client.upload_model(file) for suffix, file in files.items()}


@pytest.fixture(scope="module")
def dataset(client: Client, data: dict[str, Any]) -> hub.Dataset:
    return client.upload_dataset(data)


@pytest.fixture(scope="module")
def project(client: Client, models: dict[str, Model], device: Device) -> str:
    found = client.submit_compile_job(models[".onnx"], device).project_id
    assert found
    return found


def proxied(lh: LocalHub, proxy: BreakingProxy, project: str | None = None) -> Client:
    config = ClientConfig(lh.token(ME), proxy.url, proxy.url, default_project=project)
    return Client(config)


def port_of(lh: LocalHub) -> int:
    return urlsplit(lh.url).port or 0


def is_create(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/jobs/")


@pytest.mark.parametrize("kind", SUBMITS)
def test_a_lost_answer_does_not_make_a_second_job(
    lh: LocalHub,
    client: Client,
    models: dict[str, Model],
    dataset: hub.Dataset,
    device: Device,
    kind: str,
) -> None:
    name, lost = f"lost answer: {kind}", []

    def first_create(request: Request) -> bool:
        lost.extend([request] if is_create(request) else [])
        return is_create(request) and len(lost) == 1

    with BreakingProxy(port_of(lh), drop_answer=first_create) as proxy:
        job = SUBMITS[kind](proxied(lh, proxy), models, dataset, device=device, name=name)
    assert len(lost) == 2
    assert [s.job_id for s in client.get_job_summaries(limit=1000) if s.name == name] == [
        job.job_id
    ]


def test_a_submit_that_may_have_made_a_job_says_so(
    lh: LocalHub, client: Client, models: dict[str, Model], device: Device
) -> None:
    with BreakingProxy(port_of(lh), drop_answer=is_create) as proxy:
        breaking = proxied(lh, proxy)
        with (
            pytest.raises(hub.InternalError, match="carried out") as caught,
            request_limits(time_limit=20),
        ):
            breaking.submit_compile_job(models[".onnx"], device, "may be")
        assert proxy.url in str(caught.value)
    assert len([request for request in proxy.requests if is_create(request)]) == 1
    assert [s.name for s in client.get_job_summaries(limit=1000)].count("may be") == 1


def canned_job(kind: str) -> dict[str, Any]:
    field = "inference" if kind == "profile" else kind
    made = {"name": "n", "options": "", "creation_time": "2026-01-02T03:04:05Z", "user_id": 1}
    job: dict[str, Any] = {f"{field}_job_id": "jabc12345", "job_state": "JOB_STATE_CREATED", **made}
    if kind == "quantize":
        job |= dict.fromkeys(("weights_dtype", "activations_dtype"), "QUANTIZE_DTYPE_INT8")
    return {
        f"{field}_job": job,
        "notices": [],
        "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
        "available_artifacts": [],
        "hub_version": "0.99.0",
    }


def limited_hub(kind: str, *creates: Reply) -> RoutedHub:
    answers: Routes = {
        f"GET /api/v1/models/{key}/": json_reply({"model_id": key, "model_type": f, "name": "m"})
        for key, f in (("monnx", "MODEL_TYPE_ONNX"), ("mdlc", "MODEL_TYPE_QNN_DLC"))
    }
    answers["GET /api/v1/datasets/ddd/"] = json_reply(
        {"dataset_id": "ddd", "name": "d", "creation_time": "2026-01-02T03:04:05Z"}
    )
    answers["GET /api/v1/devices/"] = json_reply(DEVICES)
    answers["POST /api/v1/jobs/"] = list(creates)
    answers["GET /api/v1/jobs/jabc12345/"] = json_reply(canned_job(kind))
    return RoutedHub(answers)


LIMITED = json_reply({"title": "slow down", "detail": "too many"}, 429, {"Retry-After": "0"})
MADE = json_reply({"id": "jabc12345", "status": "", "creation_time": "2026-01-02T03:04:05Z"}, 201)


def submit_to(server: RoutedHub, kind: str, **more: Any) -> Any:
    client = Client(ClientConfig("token", server.url, server.url))
    try:
        models = {".onnx": client.get_model("monnx"), ".dlc": client.get_model("mdlc")}
        return SUBMITS[kind](client, models, client.get_dataset("ddd"), **more)
    finally:
        client.close()


def creates(server: RoutedHub) -> int:
    return server.count("POST /api/v1/jobs/")


@pytest.mark.parametrize("kind", SUBMITS)
def test_a_rate_limit_is_waited_for(kind: str) -> None:
    with limited_hub(kind, LIMITED, LIMITED, MADE) as server:
        job = submit_to(server, kind, device=Device("D"))
        assert job.job_id == "jabc12345"
        assert creates(server) == 3


@pytest.mark.parametrize("kind", ["compile", "link", "inference", "profile"])
def test_a_rate_limit_is_waited_for_with_several_devices(kind: str) -> None:
    more = {"single_compile": False} if kind == "compile" else {}
    with limited_hub(kind, LIMITED, MADE, LIMITED, MADE) as server:
        jobs = submit_to(server, kind, device=[Device("D"), Device("D")], **more)
        assert [job.job_id for job in jobs] == ["jabc12345"] * 2
        assert creates(server) == 4


@pytest.mark.parametrize("kind", ["compile", "inference", "profile"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_rate_limit_is_raised_where_that_is_asked_for(kind: str, count: int) -> None:
    with limited_hub(kind, LIMITED, MADE) as server:
        with pytest.raises(hub.RateLimitedError, match="too many"):
            submit_to(server, kind, device=[Device("D")] * count, retry=False)
        assert creates(server) == 1


@pytest.mark.parametrize("default", [False, True])
@pytest.mark.parametrize("kind", SUBMITS)
def test_uploads_and_jobs_go_to_the_project(
    lh: LocalHub,
    project: str,
    files: dict[str, Any],
    data: dict[str, Any],
    device: Device,
    kind: str,
    default: bool,
) -> None:
    """The one that is named, or else the client's."""
    more: dict[str, Any] = {} if default else {"project": project}
    with BreakingProxy(port_of(lh)) as proxy:
        client = proxied(lh, proxy, project if default else None)
        SUBMITS[kind](client, files, data, device=device, **more)
    creates = ("/jobs/", "/models/", "/datasets/")
    paths = [request.path for request in proxy.requests if request.method == "POST"]
    made = [path for path in paths if path.endswith(creates)]
    assert made[-1] == f"/api/v1/projects/{project}/jobs/"
    assert {path.rpartition(f"/projects/{project}/")[0] for path in made} == {"/api/v1"}
    assert len(made) == (2 if kind in ("link", "profile") else 3)


@pytest.mark.parametrize("kind", SUBMITS)
def test_a_submitted_job_is_complete(
    client: Client, models: dict[str, Model], dataset: hub.Dataset, device: Device, kind: str
) -> None:
    job = SUBMITS[kind](client, models, dataset, device=device, name="whole")
    fetched = client.get_job(job.job_id)
    assert (job.hub_version, job.project_id) == (fetched.hub_version, fetched.project_id)
    assert job.hub_version
    assert job.project_id
    assert (job.name, job.date) == ("whole", fetched.date)


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [
        ("compile", "calibration_dataset"),
        ("quantize", "calibration_dataset"),
        ("inference", "inputs"),
    ],
)
def test_a_dataset_can_be_named_by_its_id(
    client: Client,
    models: dict[str, Model],
    dataset: hub.Dataset,
    device: Device,
    kind: str,
    attribute: str,
) -> None:
    job = SUBMITS[kind](client, models, dataset.dataset_id, device=device)
    assert getattr(job, attribute).dataset_id == dataset.dataset_id


def test_devices_are_looked_up_before_anything_is_sent(
    lh: LocalHub, files: dict[str, Any], device: Device
) -> None:
    with BreakingProxy(port_of(lh)) as proxy:
        client = proxied(lh, proxy)
        with pytest.raises(hub.UserError, match="Nokia"):
            client.submit_compile_job(files[".onnx"], [device, Device("Nokia 3310")])
        assert not [request for request in proxy.requests if request.method == "POST"]


def test_a_query_becomes_one_device(client: Client, models: dict[str, Model]) -> None:
    job = client.submit_compile_job(models[".onnx"], Device(attributes="vendor:samsung"))
    assert job.device.name
    assert "vendor:samsung" in job.device.attributes


def test_folders_and_archives_of_them_arrive_with_their_name(
    client: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "two words.onnx"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(affine().SerializeToString())
    (folder / "model.data").write_bytes(b"weights")
    uploaded = client.upload_model(folder)
    assert uploaded.name == "two words.onnx"
    back = uploaded.download(str(tmp_path / "back"))
    assert back.endswith("back.onnx.zip")
    with zipfile.ZipFile(back) as zipped:
        assert zipped.namelist() == [
            "two words.onnx/",
            "two words.onnx/model.data",
            "two words.onnx/model.onnx",
        ]
    again = client.upload_model(back)
    assert again.name == "back.onnx.zip"
    assert Path(again.download(str(tmp_path / "again"))).read_bytes() == Path(back).read_bytes()
