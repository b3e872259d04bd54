"""A hub of several processes whose files are on object storage."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.object_storage import ObjectStorage, unique_prefix
from support.page_visitor import Visitor
from support.polling import wait_until
from support.scripted_server import Forward, Request, Reset, ScriptedServer, Step
from support.tiny_models import affine

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.worker import HubWorker

PART = 5 << 20


@pytest.fixture
def files_url(object_storage: ObjectStorage) -> str:
    return object_storage.url(unique_prefix())


@pytest.fixture
def config(postgresql_url: str, files_url: str, tmp_path: Path) -> Callable[[str], HubConfig]:
    """The configuration of one of the machines."""

    def make(name: str, slots: int = 0) -> HubConfig:
        return HubConfig(
            database=postgresql_url,
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


def test_jobs_wait_for_a_storage_that_is_down(
    object_storage: ObjectStorage,
    postgresql_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requests are told to come again, and a job whose files are out of reach is not failed."""
    is_down = threading.Event()

    def serve(_: Request) -> Step:
        return Reset() if is_down.is_set() else Forward(object_storage.port)

    with ScriptedServer(serve) as relay:
        config = HubConfig(
            database=postgresql_url,
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


def test_processes_that_run_no_jobs_show_what_is_in_files(webs: list[LocalHub]) -> None:
    dataset = webs[0].client().upload_dataset({"x": [np.arange(4, dtype=np.float32)]})
    visitor = Visitor(webs[1], "ada@example.com")
    assert "x float32 4 1 0 3 1.5" in visitor.text(f"/datasets/{dataset.dataset_id}/")
    led = visitor.http.get(f"/datasets/{dataset.dataset_id}/file").headers["Location"]
    assert not led.startswith(webs[1].url)
    assert httpx.get(led).content.startswith(b"\x89HDF")
    visitor.close()
