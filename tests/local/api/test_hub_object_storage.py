"""A hub of several processes whose files are on object storage."""

import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.object_storage import ObjectStorage, requests_within_transactions, unique_prefix
from support.page_browser import PageBrowser
from support.polling import wait_until
from support.scripted_server import Forward, Raw, Reply, Request, Reset, ScriptedServer, Step
from support.tiny_models import affine

from qai_hub.errors import UserError
from qai_hub.local import LocalHub
from qai_hub.local.clock import now
from qai_hub.local.config import HubConfig
from qai_hub.local.core.lifecycle import MAX_LOSSES, Lifecycle
from qai_hub.local.engine.attempt import AttemptCancelled, AttemptOutcome, AttemptRequest
from qai_hub.local.files.bucket import Bucket, BucketUrl
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.limits import ServerLimits
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.worker import HubWorker

PART = 5 << 20


@pytest.fixture(autouse=True)
def _no_transaction_waits_for_the_storage() -> Iterator[None]:
    with requests_within_transactions() as found:
        yield
    assert found == []


@pytest.fixture
def files_url(object_storage: ObjectStorage) -> str:
    return object_storage.url(unique_prefix())


@pytest.fixture
def config(
    emptied_postgresql_url: str, files_url: str, tmp_path: Path
) -> Callable[[str], HubConfig]:
    """The configuration of one of the machines."""

    def make(name: str, slots: int = 0) -> HubConfig:
        return HubConfig(
            database=emptied_postgresql_url,
            files=files_url,
            data_dir=tmp_path / name,
            max_parallel_jobs=slots,
            users=(("ada@example.com", "token-of-ada"),),
            part_size=PART,
            validate_responses=True,
        )

    return make


@pytest.fixture
def webs(config: Callable[[str], HubConfig]) -> Iterator[list[LocalHub]]:
    """Two processes that answer requests, on machines that share nothing."""
    with ExitStack() as stack:
        yield [stack.enter_context(LocalHub.from_config(config(name))) for name in ("web1", "web2")]


def test_files_go_past_the_hub_and_come_back(
    webs: list[LocalHub], config: Callable[..., HubConfig], tmp_path: Path
) -> None:
    client = webs[0].client()
    path = tmp_path / "model.onnx"
    path.write_bytes(affine().SerializeToString())
    device = client.get_devices()[0]
    job = client.submit_compile_job(str(path), device, options="--target_runtime onnx")
    sample = np.ones((1, 4), np.float32)
    with HubWorker(config("worker", slots=2)):
        assert job.wait().success
        target = job.get_target_model()
        assert target is not None
        run = client.submit_inference_job(target, device, inputs={"x": [sample]})
        outputs = run.download_output_data()
    assert isinstance(outputs, dict)
    np.testing.assert_array_equal(outputs["y"][0], sample * 2 + 1)
    found = target.download(str(tmp_path / "target.onnx"))
    # From the other process, the same.
    again = webs[1].client().get_model(target.model_id).download(str(tmp_path / "again.onnx"))
    assert Path(found).read_bytes() == Path(again).read_bytes()
    for name in ("web1", "web2"):
        assert not (tmp_path / name / "files").exists()


def test_parts_begun_by_one_process_are_finished_by_another(
    webs: list[LocalHub], tmp_path: Path
) -> None:
    content = random.Random(3).randbytes(2 * PART + 5)
    first, second = Api(webs[0], "ada@example.com"), Api(webs[1], "ada@example.com")
    key = first.create_model()
    begun = first.get(f"models/{key}/multipart_upload/", file_size=len(content))["multipart_url"]
    upload = second.get(
        f"models/{key}/multipart_upload/", file_size=len(content), upload_id=begun["upload_id"]
    )["multipart_url"]
    urls = [begun["urls"][0], *upload["urls"][1:]]
    assert all(webs[0].url not in url for url in urls)
    etags = [
        httpx.put(url, content=content[index * PART : (index + 1) * PART]).headers["ETag"]
        for index, url in enumerate(urls)
    ]
    body = {"upload_id": begun["upload_id"], "etags": etags}
    for api in (second, first):
        api.post(f"models/{key}/multipart_upload/", body)
    model = webs[1].client().get_model(key)
    assert Path(model.download(str(tmp_path / "m.onnx"))).read_bytes() == content
    second.http.delete(f"models/{key}/").raise_for_status()
    for api in (first, second):
        api.close()


def test_datasets_go_past_the_hub(webs: list[LocalHub]) -> None:
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    dataset = webs[0].client().upload_dataset({"x": [values, values + 1]})
    fetched = webs[1].client().get_dataset(dataset.dataset_id).download()
    assert isinstance(fetched, dict)
    np.testing.assert_array_equal(fetched["x"], [values, values + 1])


def test_a_dataset_that_the_storage_cannot_take_is_refused_at_once(webs: list[LocalHub]) -> None:
    api = Api(webs[0], "ada@example.com")
    key = api.post("datasets/", {"name": "images"})["id"]
    response = api.http.get(f"datasets/{key}/upload_url/", params={"file_size": (5 << 30) + 1})
    assert response.status_code == 413
    assert "5368709120 bytes" in response.json()["detail"]
    api.close()


def test_an_unfinished_upload_is_deleted_with_its_model(webs: list[LocalHub]) -> None:
    api = Api(webs[0], "ada@example.com")
    key = api.create_model()
    url = api.get(f"models/{key}/multipart_upload/", file_size=3)["multipart_url"]["urls"][0]
    api.http.delete(f"models/{key}/").raise_for_status()
    assert httpx.put(url, content=b"abc").status_code == 404
    api.close()


def test_the_log_of_a_job_that_another_machine_cancels_is_whole(
    webs: list[LocalHub], config: Callable[..., HubConfig]
) -> None:
    has_begun = threading.Event()

    def run(request: AttemptRequest, folder: Path, *, cancelled: threading.Event, **_: Any) -> Any:
        (folder / "hub.log").write_text("It has begun.\n")
        has_begun.set()
        assert cancelled.wait(30)
        raise AttemptCancelled

    api = Api(webs[0], "ada@example.com")
    with HubWorker(config("worker", slots=1), run_attempt=run):
        key, _ = api.compile(api.upload_model())
        assert has_begun.wait(30)
        api.post(f"jobs/{key}/cancel/")

        def log() -> list[str]:
            (found,) = api.get(f"jobs/{key}/device_runs/latest/artifact_list/5/")["artifacts"]
            return httpx.get(found["url"]).text.splitlines()

        assert log()[-1].endswith("Cancelled by ada@example.com.")
        wait_until(lambda: len(log()) == 2)
        assert log()[0] == "It has begun."
        assert log()[1].endswith("Cancelled by ada@example.com.")
    api.close()


def test_jobs_wait_for_a_storage_that_is_down(
    object_storage: ObjectStorage,
    emptied_postgresql_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requests are told to come again, and a job whose files are out of reach is not failed."""
    is_down = threading.Event()

    def serve(_: Request) -> Step:
        return Reset() if is_down.is_set() else Forward(object_storage.port)

    with ScriptedServer(serve) as relay:
        config = HubConfig(
            database=emptied_postgresql_url,
            files=object_storage.url(unique_prefix(), relay.port),
            data_dir=tmp_path / "hub",
            max_parallel_jobs=1,
            users=(("ada@example.com", None),),
            warm_workers=False,
        )
        worker = FakeWorker()
        with LocalHub.from_config(config, run_attempt=worker) as local_hub:
            api = Api(local_hub, "ada@example.com")
            key = api.upload_model(b"model")
            worker.may_finish.clear()
            job, _ = api.compile(key)
            wait_until(lambda: worker.running == 1)
            is_down.set()
            worker.may_finish.set()
            model = api.create_model()
            response = api.http.get(f"models/{model}/multipart_upload/", params={"file_size": 5})
            assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
            assert "storage" in response.json()["detail"]
            wait_until(lambda: "cannot be carried out yet" in caplog.text)
            is_down.clear()
            assert api.wait(job)["job_state"] == "JOB_STATE_DONE"
            api.close()


def read_log(api: Api, job: str) -> str:
    artifacts = api.get(f"jobs/{job}/device_runs/latest/artifact_list/5/")["artifacts"]
    return httpx.get(artifacts[0]["url"]).text


def test_jobs_that_end_without_results_have_their_logs(
    config: Callable[..., HubConfig],
) -> None:
    worker = FakeWorker()
    worker.failures["--bad"] = "It is bad."
    with LocalHub.from_config(config("hub", slots=1), run_attempt=worker) as local_hub:
        api = Api(local_hub)
        key = api.upload_model()
        worker.may_finish.clear()
        bad, target = api.compile(key, options="--bad")
        waiting, _ = api.compile(target)
        queued, _ = api.compile(key)
        api.post(f"jobs/{queued}/cancel/")
        wait_until(lambda: worker.running == 1)
        worker.may_finish.set()
        assert api.wait(waiting)["job_state"] == "JOB_STATE_FAILED"
        late, _ = api.compile(target)
        worker.may_finish.clear()
        running, _ = api.compile(key)
        wait_until(lambda: worker.running == 1)
        api.post(f"jobs/{running}/cancel/")
        for job, text in {
            bad: "what happened",
            waiting: f"the job {bad} failed",
            late: f"the job {bad} failed",
            queued: "Cancelled by ada@example.com.",
            running: "Cancelled by ada@example.com.",
        }.items():
            assert text in read_log(api, job)
        api.close()


def test_a_job_that_was_lost_too_often_has_its_log(
    config: Callable[..., HubConfig], emptied_postgresql_url: str, tmp_path: Path
) -> None:
    # Nobody here runs jobs: what takes them up are the beats.
    web = replace(config("hub"), lease=0.5)
    with (
        closing(PostgresqlStore(emptied_postgresql_url)) as store,
        LocalHub.from_config(web) as local_hub,
    ):
        api = Api(local_hub)
        job, _ = api.compile(api.upload_model())
        lifecycle = Lifecycle(FolderStore(tmp_path), WorkFolders(tmp_path), now)
        for losses in range(MAX_LOSSES):
            wait_until(lambda: api.job(job)["job_state"] == "JOB_STATE_CREATED")
            with store.write() as db:
                assert lifecycle.claim(db, job, node_id="ngone", lease=losses) is not None
        assert api.wait(job)["job_state"] == "JOB_STATE_FAILED"
        assert f"ended {MAX_LOSSES} times" in read_log(api, job)
        api.close()


def test_a_storage_that_hangs_keeps_nothing_else_waiting(
    object_storage: ObjectStorage, emptied_postgresql_url: str, tmp_path: Path
) -> None:
    answers, held = threading.Event(), threading.Semaphore(0)
    answers.set()

    def serve(_: Request) -> Step:
        held.release()
        answers.wait(60)
        return Forward(object_storage.port)

    with ScriptedServer(serve) as relay:
        config = HubConfig(
            database=emptied_postgresql_url,
            files=object_storage.url(unique_prefix(), relay.port),
            data_dir=tmp_path / "hub",
            max_parallel_jobs=0,
            limits=ServerLimits(connections=20, refusals=4, waits=4, threads=2),
        )
        with LocalHub.from_config(config) as local_hub, ThreadPoolExecutor() as pool:
            api = Api(local_hub)
            paths = [f"models/{api.create_model()}/multipart_upload/" for _ in range(3)]
            while held.acquire(blocking=False):
                pass
            answers.clear()
            try:
                # More than there are threads for requests.
                begun = [pool.submit(api.get, path, file_size=5) for path in paths]
                for _ in paths:
                    assert held.acquire(timeout=30)
                assert len(api.get("models/")["models"]) == 3
            finally:
                answers.set()
            assert all(each.result()["multipart_url"]["urls"] for each in begun)
            api.close()


def test_what_the_storage_refuses_is_told_once_and_without_its_place(
    object_storage: ObjectStorage,
    emptied_postgresql_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    has_expired = threading.Event()
    refusal = b"<Error><Code>ExpiredToken</Code><Message>s3cret</Message></Error>"

    def serve(_: Request) -> Step:
        return Reply(400, refusal) if has_expired.is_set() else Forward(object_storage.port)

    with ScriptedServer(serve) as relay:
        config = HubConfig(
            database=emptied_postgresql_url,
            files=object_storage.url(unique_prefix(), relay.port),
            data_dir=tmp_path / "hub",
            max_parallel_jobs=0,
        )
        with LocalHub.from_config(config) as local_hub:
            api = Api(local_hub)
            model, ready = api.create_model(), f"{local_hub.url}/readyz"
            assert httpx.get(ready).status_code == 200
            has_expired.set()
            for _ in range(2):
                response = httpx.get(ready)
                assert response.status_code == 503
                told = response.json()["checks"]["files"]
                assert told == "the storage refuses a request: ExpiredToken"
            answer = api.http.get(f"models/{model}/multipart_upload/", params={"file_size": 5})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            assert "ExpiredToken" not in answer.text
            has_expired.clear()
            assert httpx.get(ready).status_code == 200
            api.close()
    readiness = "qai_hub.local.core.readiness"
    logged = [record.getMessage() for record in caplog.records if record.name == readiness]
    assert logged == [
        "not ready: files: the storage refuses a request: ExpiredToken",
        "ready again",
    ]
    assert "s3://hub/team/" in caplog.text


def test_what_arrived_of_an_upload_is_sent_again_only_if_it_differs(
    object_storage: ObjectStorage,
    emptied_postgresql_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    content = random.Random(7).randbytes(2 * PART + 5)
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    sent, arrived, is_broken = list[str](), list[bytes](), threading.Event()

    def pass_on(answer: bytes) -> Step:
        arrived.append(answer)
        return Raw(answer)

    def serve(request: Request) -> Step:
        found = re.search(r"partNumber=(\d+)", request.target)
        if found is None:
            return Forward(object_storage.port)
        sent.append(found[1])
        if found[1] == "1" and is_broken.is_set():
            wait_until(lambda: len(arrived) == 2)
            return Reply(403)
        return Forward(object_storage.port, pass_on)

    with ScriptedServer(serve) as relay:
        config = HubConfig(
            database=emptied_postgresql_url,
            files=object_storage.url(unique_prefix(), relay.port),
            data_dir=tmp_path / "hub",
            max_parallel_jobs=0,
            part_size=PART,
        )
        with LocalHub.from_config(config) as local_hub:
            is_broken.set()
            with pytest.raises(UserError, match="403"):
                local_hub.client().upload_model(str(path))
            is_broken.clear()
            (note,) = (tmp_path / "cache/qai_hub/uploads").iterdir()
            left = json.loads(note.read_bytes())
            api = Api(local_hub)
            upload = api.get(
                f"models/{left['model_id']}/multipart_upload/",
                file_size=len(content),
                upload_id=left["upload_id"],
            )["multipart_url"]
            assert [part["number"] for part in upload["parts"]] == [2, 3]
            # As many bytes as it should have, and others.
            httpx.put(upload["urls"][0], content=bytes(PART)).raise_for_status()
            sent.clear()
            model = local_hub.client().upload_model(str(path))
            assert (model.model_id, sent) == (left["model_id"], ["1"])
            assert Path(model.download(str(tmp_path / "m.onnx"))).read_bytes() == content
            api.close()


def test_results_that_come_too_late_leave_nothing_in_the_storage(
    config: Callable[..., HubConfig], files_url: str
) -> None:
    worker = FakeWorker()
    worker.may_finish.clear()

    def carry_on(*arguments: Any, **options: Any) -> AttemptOutcome:
        return worker(*arguments, **{**options, "cancelled": threading.Event()})

    hub = LocalHub.from_config(config("hub", slots=1), run_attempt=carry_on)
    with hub, closing(Bucket(BucketUrl.parse(files_url))) as bucket:
        api = Api(hub)

        def count_files() -> int:
            found = bucket.call("list_objects_v2", Prefix=bucket.key("files", ""))
            return len(found["Contents"])

        job, _ = api.compile(api.upload_model())
        wait_until(lambda: worker.running == 1)
        api.post(f"jobs/{job}/cancel/")
        worker.may_finish.set()
        # It has published what it made before it hears that nobody wants it.
        wait_until(lambda: not worker.folders[0].exists())
        # The model, and the log of how it was cancelled.
        assert count_files() == 2
        api.close()


def test_processes_that_run_no_jobs_show_what_is_in_files(webs: list[LocalHub]) -> None:
    dataset = webs[0].client().upload_dataset({"x": [np.arange(4, dtype=np.float32)]})
    visitor = PageBrowser(webs[1], "ada@example.com")
    assert "x float32 4 1 0 3 1.5" in visitor.get(f"/datasets/{dataset.dataset_id}/").text
    led = visitor.http.get(f"/datasets/{dataset.dataset_id}/file").headers["Location"]
    assert not led.startswith(webs[1].url)
    assert httpx.get(led).content.startswith(b"\x89HDF")
    visitor.close()
