"""A hub that is killed or stopped loses nothing."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, detail, ok, problem
from support.polling import wait_until

from qai_hub.local import LocalHub
from qai_hub.local.store import DataFolderError

USERS = {"ada@example.com": "tok"}
TESTS = Path(__file__).parents[2]


@contextmanager
def hub_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run a hub whose jobs never end, in a process of its own."""
    command = [sys.executable, "-m", "support.fake_worker_hub", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            headers = {"Authorization": "token tok"}
            with httpx.Client(base_url=f"{url}/api/v1/", headers=headers) as session:
                yield process, session
        finally:
            process.kill()


def submit(session: httpx.Client, model: str) -> tuple[str, str]:
    body = {"compile_job": {"model": {"model_id": model}, "devices": {"devices": [DEVICE]}}}
    key = str(ok(session.post("jobs/", json=body))["id"])
    job = detail(ok(session.get(f"jobs/{key}/")))
    return key, str(job["target_model"]["model_id"])


@pytest.mark.small_hub("the hub that is killed is a process of its own")
def test_a_killed_hub_loses_no_job(tmp_path: Path) -> None:
    with LocalHub(tmp_path, users=USERS) as hub:
        api = Api(hub)
        model = api.upload_model()
        api.close()
    with hub_process(tmp_path) as (process, session):
        running, target = submit(session, model)
        queued, _ = submit(session, model)
        deadline = time.monotonic() + 10
        while detail(ok(session.get(f"jobs/{running}/")))["job_state"] == "JOB_STATE_CREATED":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        behind = {"inference_job": {"model": {"model_id": target}, "device": DEVICE}}
        behind["inference_job"]["is_profiling_on"] = True  # type: ignore[assignment]
        waiting = str(ok(session.post("jobs/", json=behind))["id"])
        process.kill()
        process.wait()
    with LocalHub(tmp_path, users=USERS, run_attempt=FakeWorker()) as hub:
        api = Api(hub)
        for key in (running, queued, waiting):
            assert api.wait(key)["job_state"] == "JOB_STATE_DONE"
        log = "artifact_list/5/"
        assert api.get(f"jobs/{running}/device_runs/2/{log}")["artifacts"]
        problem(api.http.get(f"jobs/{running}/device_runs/1/{log}"), 404)
        api.close()


@pytest.mark.small_hub("a team shares its folder")
def test_a_running_hub_keeps_others_out_of_its_folder(tmp_path: Path) -> None:
    with hub_process(tmp_path), pytest.raises(DataFolderError, match="Another hub"):
        LocalHub(tmp_path).start()
    LocalHub(tmp_path).start().stop()


@pytest.mark.shared_folder
def test_a_hub_that_stops_finishes_the_downloads_that_have_begun() -> None:
    content = bytes(16 << 20)  # more than sockets hold
    hub = LocalHub(users=USERS, run_attempt=FakeWorker()).start()
    api = Api(hub)
    url = api.get(f"models/{api.upload_model(content)}/download/")["url"]["url"]
    idle = httpx.Client()
    idle.get(f"{hub.url}/openapi.json")
    with httpx.stream("GET", url) as download:
        chunks = download.iter_raw()
        received = len(next(chunks))
        stopping = threading.Thread(target=hub.stop)
        stopping.start()
        wait_until(lambda: not accepts(url))
        received += sum(map(len, chunks))
    stopping.join()
    for client in (idle, api):
        client.close()
    assert received == len(content)


def accepts(url: str) -> bool:
    """Whether a new connection is accepted."""
    try:
        httpx.get(url.partition("?")[0])
    except httpx.TransportError:
        return False
    return True


@pytest.mark.small_hub("it damages the database in the folder")
@pytest.mark.parametrize("name", ["hub.db", "lock.db"])
def test_a_damaged_database_is_told(tmp_path: Path, name: str) -> None:
    LocalHub(tmp_path).start().stop()
    (tmp_path / name).write_bytes(b"nonsense" * 1000)
    with pytest.raises(DataFolderError, match=r"cannot be .*: file is not a database\."):
        LocalHub(tmp_path).start()


@pytest.mark.shared_folder
def test_a_stopped_hub_goes_on_where_it_was(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(tmp_path, users=USERS, run_attempt=worker) as hub:
        api = Api(hub)
        key, _ = api.compile(api.upload_model())
        upload = api.get(f"models/{api.create_model()}/multipart_upload/", file_size=5)
        api.close()
    worker.may_finish.set()
    with LocalHub(tmp_path, users=USERS, run_attempt=worker) as hub:
        api = Api(hub)
        assert api.wait(key)["job_state"] == "JOB_STATE_DONE"
        (url,) = upload["multipart_url"]["urls"]
        path = url.partition("/api/")[2]
        # What was signed before is good after: the key lasts as long as the folder.
        assert httpx.put(f"{hub.url}/api/{path}", content=b"12345").status_code == 200
        api.close()


def test_two_hubs_in_one_process_do_not_know_each_other() -> None:
    with LocalHub() as first, LocalHub() as second:
        one, two = Api(first), Api(second)
        key = one.create_model()
        problem(two.http.get(f"models/{key}/"), 404)
        headers = {"Authorization": f"token {second.token()}"}
        problem(httpx.get(f"{first.url}/api/v1/models/", headers=headers), 401)
        one.close()
        two.close()


def test_a_temporary_hub_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with LocalHub() as hub:
        assert len(list(tmp_path.iterdir())) == 1
        httpx.get(hub.url)
    assert list(tmp_path.iterdir()) == []
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_a_hub_can_be_started_again_and_says_when_it_is_not() -> None:
    hub = LocalHub(users=["a@b"])
    for use in (lambda: hub.url, hub.token, hub.config, hub.client):
        with pytest.raises(RuntimeError, match="is not running"):
            use()
    for _ in range(2):
        with hub:
            assert httpx.get(hub.url, follow_redirects=True).status_code == 200
            with pytest.raises(RuntimeError, match="already running"):
                hub.start()
    assert repr(hub) == "LocalHub(stopped)"


def test_tokens_show_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with LocalHub(users={"a@b": "very-secret-token"}) as hub:
        assert hub.token() == hub.token("A@B ") == "very-secret-token"
        config = hub.config()
        assert (config.api_token, config.api_url) == ("very-secret-token", hub.url)
        api = Api(hub)
        url = api.get(f"models/{api.upload_model()}/download/")["url"]["url"]
        httpx.get(url)
        api.close()
        assert "very-secret-token" not in repr(hub) + repr(config)
        with pytest.raises(ValueError, match=r"not a user of this hub \(its users: a@b"):
            hub.token("c@d")
    logged = "".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert "very-secret-token" not in logged
    assert "signature" not in logged


@pytest.mark.parametrize(
    "users", [{"a@b": ""}, {"a@b": "x y"}, {"a@b": "tök"}, {"ab": "x"}, {"a@b": "x", "c@d": "x"}]
)
def test_users_that_cannot_be_stop_the_start(users: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"token|address") as caught:
        LocalHub(users=users).start()
    assert "'x'" not in str(caught.value)


def test_a_port_in_use_stops_the_start() -> None:
    with LocalHub() as hub:
        port = int(hub.url.rpartition(":")[2])
        with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
            LocalHub(port=port).start()
