"""Tokens and signed addresses: in what nobody may read them, whatever happens."""

import contextlib
import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.job_hub import DONE, compile_job
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step, json_reply
from support.secret_assertions import assert_not_exposed
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, CompileJob, Device, Model
from qai_hub.local import LocalHub
from qai_hub.transport import setup as sessions
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.retry import RetryPolicy

TOKEN = "t0ken-s3cret"
SIGNATURE = "?X-Amz-Signature=sign-s3cret"


# -- things --------------------------------------------------------------------------------------


def test_nothing_that_holds_a_client_shows_or_pickles_its_token(
    client: Client, compiled: CompileJob, target: Model, device: Device, tmp_path: Path
) -> None:
    token = client.config.api_token
    run = client.submit_inference_job(
        target, device, {"x": [np.ones((2, 4), np.float32)]}, profile=True
    )
    assert run.wait(60).success
    things: list[Any] = [client, client.config, compiled, run, target, device, run.inputs]
    things += [run.get_output_dataset(), hub.Project(client, "p1", "vision")]
    things += [client.get_job_summaries(limit=1)[0], client.get_models(limit=1)[0]]
    things += [run.download_results(str(tmp_path)), compiled.get_status(), hub.hub._global_client]
    for thing in things:
        assert thing is not None
        for text in (repr(thing), str(thing), f"{thing}", f"{[thing]}", repr(vars(thing))):
            assert token not in text
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert token.encode() not in pickle.dumps(thing, protocol)


def test_things_come_out_of_a_pickle_and_find_their_token(
    lh: LocalHub, compiled: CompileJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickle.dumps(compiled)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("QAIHUB_CLIENT_INI", raising=False)
    monkeypatch.setenv("QAI_HUB_API_TOKEN", lh.token(ME))
    monkeypatch.setenv("QAI_HUB_API_URL", lh.url)
    assert pickle.loads(data).get_status().success
    monkeypatch.delenv("QAI_HUB_API_TOKEN")
    with pytest.raises(hub.UserError, match="api_token is missing"):
        pickle.loads(data).get_status()


# -- logs ----------------------------------------------------------------------------------------


def test_a_whole_session_with_all_logs_on(
    device: Device,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LocalHub() as lh:
        caplog.set_level(logging.DEBUG)
        for name in ("qai_hub", "httpx", "httpcore", "uvicorn", "uvicorn.access", "asyncio"):
            caplog.set_level(logging.DEBUG, name)
            monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        client = lh.client()
        model = client.upload_model(affine())
        job = client.submit_inference_job(model, device, {"x": [np.ones((2, 4), np.float32)]})
        hub.wait_all([job])
        with contextlib.suppress(hub.UserError):
            model.download(str(tmp_path / "model"))
            job.download_output_data()
            job.download_job_logs(str(tmp_path))
            client.get_job("jnothing1")
        client.close()
        token = lh.token()
    told = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert {"httpx", "httpcore.http11", "qai_hub.transport"} <= {r.name for r in caplog.records}
    assert token not in told
    assert "signature=" not in told.replace("signature=...", "")


# -- transfers that fail -------------------------------------------------------------------------


class Storage:
    """A hub whose files are at signed addresses that do not work."""

    def __init__(self, fault: Step | str) -> None:
        self.fault = fault
        self.server = ScriptedServer(self.answer)

    @property
    def signed(self) -> str:
        if isinstance(self.fault, str):
            return self.fault + SIGNATURE
        return f"{self.server.url}/files/f{SIGNATURE}"

    def answer(self, request: Request) -> Step:
        if request.path.startswith("/files/"):
            assert not isinstance(self.fault, str)
            return self.fault
        path = request.path.removeprefix("/api/v1/").rstrip("/")
        found = {"url": self.signed, "filename": "net.onnx"}
        form = {"url": self.signed, "file_field_name": "file", "fields": {"policy": "s3cret"}}
        payloads: dict[str, Any] = {
            "jobs/ja": compile_job("ja", DONE)
            | {"available_artifacts": ["JOB_ARTIFACT_TYPE_HUB_LOG"]},
            "jobs/ja/download_compiled_model": {"url": found},
            "jobs/ja/device_runs/latest/artifact_list/5": {"artifacts": [found, found]},
            "models/ma": {"model_id": "ma", "name": "net"},
            "models/ma/download": {"url": found},
            "models/ma/multipart_upload": {
                "multipart_url": {"urls": [self.signed], "upload_id": "u", "max_part_size": 10**9}
            },
            "datasets/da": {"dataset_id": "da", "creation_time": "2026-01-02T03:04:05Z"},
            "datasets/da/download_data": {"url": found},
            "datasets/da/upload_url": {"url": form},
        }
        if request.method == "POST":
            made = "ma" if path == "models" else "da"
            return json_reply({"id": made, "status": "", "creation_time": "2026-01-02T03:04:05Z"})
        return json_reply(payloads[path])


TRANSFERS: dict[str, Callable[[Any, str], object]] = {
    "target model": lambda client, path: client.get_job("ja").download_target_model(path),
    "logs": lambda client, path: client.get_job("ja").download_job_logs(path),
    "results": lambda client, path: client.get_job("ja").download_results(path),
    "model": lambda client, path: client.get_model("ma").download(path),
    "dataset": lambda client, path: client.get_dataset("da").download(path),
    "data": lambda client, _: client.get_dataset("da").download(),
    "upload": lambda client, _: client.upload_model(affine()),
    "form": lambda client, _: client.upload_dataset({"x": [np.ones(2, np.float32)]}),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sessions, "_TRANSFER_RETRIES", RetryPolicy(max_attempts=1))
    SESSIONS.close("files")
    yield
    SESSIONS.close("files")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("transfer", list(TRANSFERS))
@pytest.mark.parametrize(
    "fault",
    [
        Reply(403, b"<Error><Code>AccessDenied</Code><Token>s3cret</Token></Error>"),
        Reply(503),
        Drop(),
        Reply(307, headers={"Location": f"ftp://elsewhere/f{SIGNATURE}"}),
        "http://127.0.0.1:9/f",
        "ftp://127.0.0.1/f",
        "http://[::1/f",
    ],
    ids=["refused", "unavailable", "closed", "sent away", "nobody there", "no http", "no address"],
)
def test_transfers_that_fail_show_no_signature_and_no_token(
    fault: Step | str, transfer: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    storage = Storage(fault)
    with storage.server as server:
        client = Client(ClientConfig(TOKEN, server.url, server.url))
        with pytest.raises(hub.Error) as caught:
            TRANSFERS[transfer](client, str(tmp_path / "f"))
        client.close()
    assert_not_exposed("s3cret", caught.value)
    told = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "s3cret" not in told
