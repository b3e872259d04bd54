"""A hub that gives storage credentials in place of signed addresses, as the official service may.

The store is Amazon's to the client: it finds it by its name, through a proxy, by a certificate that
the environment names.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from support.job_hub import DONE, compile_job
from support.routed_hub import RoutedHub, Routes
from support.s3_store import PEM, SECRETS, Store, _running, amazon_proxy, credentials, store
from support.scripted_server import Reply, ScriptedServer, json_reply
from support.secret_assertions import assert_not_exposed
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, CompileJob
from qai_hub.transfer.s3 import is_s3_supported
from qai_hub.transport.pool import SESSIONS

__all__ = ["_running", "store"]

CREATED = {"id": "x1", "status": "", "creation_time": "2026-01-02T03:04:05Z"}
JOB = compile_job("j1", DONE, target_model={"model_id": "m1", "name": "net"})
JOB["available_artifacts"] = ["JOB_ARTIFACT_TYPE_HUB_LOG"]
LOGS = "/api/v1/jobs/j1/device_runs/latest/artifact_list/5/"


def given(key: str, **changes: Any) -> Reply:
    return json_reply({"credentials": credentials(key, **changes)})


def artifact(key: str, filename: str) -> dict[str, Any]:
    found = credentials(key, filename=filename)
    return {"url": "", "filename": "", "name": "hub log", "credentials": found}


ANSWERS: Routes = {
    "POST /api/v1/models/": json_reply({**CREATED, "id": "m1"}, 201),
    "GET /api/v1/models/m1/": json_reply({"model_id": "m1", "name": "net"}),
    "GET /api/v1/models/m1/multipart_upload/": given("models/m1"),
    "POST /api/v1/models/m1/upload_complete/": json_reply(CREATED),
    "GET /api/v1/models/m1/download/": given("models/m1"),
    "POST /api/v1/datasets/": json_reply({**CREATED, "id": "d1"}, 201),
    "GET /api/v1/datasets/d1/": json_reply({"dataset_id": "d1", "name": "inputs"}),
    "GET /api/v1/datasets/d1/upload_url/": given("data/d1", use_transfer_acceleration=True),
    "POST /api/v1/datasets/d1/upload_complete/": json_reply(CREATED),
    "GET /api/v1/datasets/d1/download_data/": given("data/d1", filename="inputs.h5"),
    "GET /api/v1/jobs/j1/": json_reply(JOB),
    "GET /api/v1/jobs/j1/download_compiled_model/": given("models/m1"),
    f"GET {LOGS}": json_reply({"artifacts": [artifact("l1", "a.log"), artifact("l2", "../b.log")]}),
}


@pytest.fixture
def service() -> Iterator[RoutedHub]:
    with RoutedHub(dict(ANSWERS)) as made:
        yield made


@pytest.fixture
def client(service: RoutedHub) -> Iterator[Client]:
    made = Client(ClientConfig("token", service.url, service.url))
    yield made
    made.close()


@pytest.fixture
def internet(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with amazon_proxy(store) as made:
        monkeypatch.setenv("HTTPS_PROXY", made.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
        SESSIONS.close("files")
        yield made
        SESSIONS.close("files")


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "botocore", None)
    is_s3_supported.cache_clear()
    yield
    is_s3_supported.cache_clear()


def job_of(client: Client) -> CompileJob:
    job = client.get_job("j1")
    assert isinstance(job, CompileJob)
    return job


def test_models_and_datasets_go_up_and_come_back(
    client: Client,
    service: RoutedHub,
    internet: ScriptedServer,
    store: Store,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    onnx = affine()
    model = client.upload_model(onnx)
    assert store.get("models/m1") == onnx.SerializeToString()
    dataset = client.upload_dataset({"x": [np.ones((2, 4), np.float32)]})
    assert internet.targets == [
        "bucket.s3.us-west-2.amazonaws.com:443",
        "bucket.s3-accelerate.amazonaws.com:443",
    ]
    keys = [request.route for request in service.requests]
    for made in ("models/m1", "datasets/d1"):
        assert f"POST /api/v1/{made}/upload_complete/" in keys
    assert not any(key.startswith("PATCH") for key in keys)

    path = model.download(str(tmp_path / "net"))
    assert path == str(tmp_path / "net.onnx")
    assert Path(path).read_bytes() == onnx.SerializeToString()
    np.testing.assert_array_equal(dataset.download()["x"][0], np.ones((2, 4)))

    store.put("l1", b"first")
    store.put("l2", b"second")
    job = job_of(client)
    assert job.download_job_logs(str(tmp_path / "logs")) == [
        str(tmp_path / "logs/a.log"),
        str(tmp_path / "logs/b.log"),
    ]
    assert (tmp_path / "logs/b.log").read_bytes() == b"second"
    assert job.download_target_model(str(tmp_path)) == str(tmp_path / "classifier.onnx")

    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "bucket.s3.us-west-2.amazonaws.com/models/m1" in logged
    for shown in ("s3cret", "X-Amz-Signature"):
        assert shown not in logged


def test_settings_for_other_programs_have_no_effect(
    client: Client,
    internet: ScriptedServer,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nowhere = "http://127.0.0.1:9"
    (tmp_path / "config").write_text(f"[default]\nendpoint_url = {nowhere}\n[broken")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "ambient",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_DEFAULTS_MODE": "auto",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": nowhere,
        "AWS_ENDPOINT_URL": nowhere,
        "AWS_ENDPOINT_URL_S3": nowhere,
        "AWS_PROFILE": "no-such-profile",
        "AWS_REGION": "eu-north-1",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "config"),
        "AWS_USE_FIPS_ENDPOINT": "true",
    }.items():
        monkeypatch.setenv(name, value)
    onnx = affine()
    client.upload_model(onnx)
    assert store.get("models/m1") == onnx.SerializeToString()
    assert internet.targets == ["bucket.s3.us-west-2.amazonaws.com:443"]


def test_a_certificate_that_is_not_trusted(
    client: Client, internet: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(hub.UserError, match="SSL_CERT_FILE") as caught:
        client.get_model("m1").download(str(tmp_path / "net"))
    assert internet.targets == ["bucket.s3.us-west-2.amazonaws.com:443"]
    for secret in SECRETS:
        assert_not_exposed(secret, caught.value)


def test_an_object_that_is_not_there(
    client: Client, internet: ScriptedServer, tmp_path: Path
) -> None:
    assert internet.targets == []
    with pytest.raises(hub.UserError, match=r"NoSuchKey.*try again") as caught:
        client.get_model("m1").download(str(tmp_path / "net"))
    assert caught.value.status_code == 404
    assert caught.value.url == "https://bucket.s3.us-west-2.amazonaws.com/models/m1"
    for secret in SECRETS:
        assert_not_exposed(secret, caught.value)
    assert list(tmp_path.iterdir()) == []


def announced(client: Client, service: RoutedHub, folder: Path) -> list[str]:
    """What the hub is told of storage credentials, wherever it could give any."""
    for act in (
        lambda: client.upload_model(affine()),
        lambda: client.upload_dataset({"x": [np.ones(1, np.float32)]}),
        lambda: client.get_model("m1").download(str(folder / "net")),
        lambda: client.get_dataset("d1").download(),
        lambda: job_of(client).download_target_model(str(folder / "net")),
        lambda: job_of(client).download_job_logs(str(folder)),
    ):
        with pytest.raises(hub.UserError, match="not now"):
            act()
    queries = [parse_qs(urlsplit(target).query) for target in service.targets]
    return [value for query in queries for value in query.get("supports_s3_credentials", ())]


@pytest.fixture
def refusing(service: RoutedHub) -> RoutedHub:
    for key, found in ANSWERS.items():
        if "s3cret" in str(found):
            service.routes[key] = json_reply({"detail": "not now"}, 409)
    return service


def test_credentials_are_announced(client: Client, refusing: RoutedHub, tmp_path: Path) -> None:
    assert announced(client, refusing, tmp_path) == ["true"] * 6


@pytest.mark.usefixtures("without_the_extra")
def test_credentials_are_not_announced_without_the_extra(
    client: Client, refusing: RoutedHub, tmp_path: Path
) -> None:
    assert announced(client, refusing, tmp_path) == []
    assert len(refusing.targets) >= 6


@pytest.mark.usefixtures("without_the_extra")
def test_credentials_that_nobody_asked_for(client: Client, tmp_path: Path) -> None:
    model = client.get_model("m1")
    for act in (
        lambda: client.upload_model(affine()),
        lambda: model.download(str(tmp_path / "net")),
        lambda: job_of(client).download_job_logs(str(tmp_path)),
    ):
        with pytest.raises(
            hub.InternalError, match=r"pip install 'qai-hub-openapi\[s3\]'"
        ) as caught:
            act()
        for secret in SECRETS:
            assert_not_exposed(secret, caught.value)
