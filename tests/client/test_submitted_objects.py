"""What is known of things that were just made, where the service says little of them."""

import copy
import json
import pickle
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from support.device_choice import choose
from support.routed_hub import DEVICES, RoutedHub
from support.scripted_server import json_reply

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, Device, User
from qai_hub.client.fetch import LIFETIME, DeviceCache
from qai_hub.transport.request_attempts import RetryRules

TIME = "2026-01-02T03:04:05Z"
MODEL = {
    "model_id": "m1",
    "name": "as the service calls it",
    "creation_time": TIME,
    "model_type": "MODEL_TYPE_TFLITE",
    "file_upload_complete": True,
}
JOB = {
    "compile_job": {
        "compile_job_id": "j1",
        "job_state": "JOB_STATE_CREATED",
        "user_id": 1,
        "name": "as the service calls it",
        "options": "--so",
        "creation_time": TIME,
        "target_model": {"model_id": "m2"},
        "project_id": "p1",
    },
    "notices": [],
    "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
    "hub_version": "7",
}


def answers(created: dict[str, Any]) -> dict[str, Any]:
    return {
        "GET /api/v1/devices/": json_reply(DEVICES),
        "GET /api/v1/models/m1/": json_reply(MODEL),
        "POST /api/v1/models/": json_reply({**created, "id": "m1"}),
        "GET /api/v1/models/m1/multipart_upload/": json_reply({}),
        "POST /api/v1/models/m1/multipart_upload/": json_reply({**created, "id": "m1"}),
        "PUT /part": json_reply(b"", headers={"ETag": '"t"'}),
        "POST /api/v1/jobs/": json_reply({**created, "id": "j1"}),
        "GET /api/v1/jobs/j1/": json_reply(JOB),
    }


def client_of(server: RoutedHub) -> Client:
    parts = {"urls": [f"{server.url}/part"], "upload_id": "u", "max_part_size": 1000}
    key = "GET /api/v1/models/m1/multipart_upload/"
    server.routes[key] = json_reply({"multipart_url": parts})
    return Client(ClientConfig("token", server.url, server.url))


def asked(server: RoutedHub) -> list[str]:
    return [request.route for request in server.requests]


def local_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)


@pytest.mark.parametrize("told", [True, False])
def test_a_model_is_fetched_where_its_time_is_not_told(*, told: bool) -> None:
    created = {"status": "", "creation_time": TIME} if told else {"status": ""}
    with RoutedHub(answers(created)) as server:
        model = client_of(server).upload_model(b"\0\0\0\0TFL3", "mine")
        assert (model.model_id, model.date) == ("m1", local_time(TIME))
        assert model.name == ("mine" if told else MODEL["name"])
        assert ("GET /api/v1/models/m1/" in asked(server)) is not told


@pytest.mark.parametrize("told", [True, False])
def test_a_job_asks_once_for_what_it_was_not_told(*, told: bool) -> None:
    created = {"status": "", "creation_time": TIME} if told else {"status": ""}
    with RoutedHub(answers(created)) as server:
        client = client_of(server)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        job = client.submit_compile_job(model, Device("D"), "mine")
        server.requests.clear()
        assert job.date == local_time(TIME)
        assert asked(server) == ([] if told else ["GET /api/v1/jobs/j1/"])
        assert (job.options, job.hub_version, job.project_id) == ("--so", "7", "p1")
        # All that was known before is the service's own word from then on.
        assert job.name == JOB["compile_job"]["name"]  # type: ignore[index]
        target = job.get_target_model()
        assert target is not None
        assert target.model_id == "m2"
        assert asked(server) == ["GET /api/v1/jobs/j1/"]


def test_a_wait_fetches_the_rest() -> None:
    with RoutedHub(answers({"status": "", "creation_time": TIME})) as server:
        client = client_of(server)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        job = client.submit_compile_job(model, Device("D"), "mine")
        with pytest.raises(TimeoutError):
            job.wait(0)
        server.requests.clear()
        assert (job.options, job.owner, job.shapes) == ("--so", None, {})
        assert asked(server) == []


def test_a_fault_in_fetching_is_raised_and_forgotten() -> None:
    with RoutedHub(answers({"status": "", "creation_time": TIME})) as server:
        client = client_of(server)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        job = client.submit_compile_job(model, Device("D"), "mine")
        server.routes["GET /api/v1/jobs/j1/"] = json_reply({"detail": "no"}, 403)
        with pytest.raises(hub.UserError):
            job.options  # noqa: B018
        assert job.name == "mine"
        server.routes["GET /api/v1/jobs/j1/"] = json_reply(JOB)
        assert job.options == "--so"


def test_a_job_that_was_never_fetched_can_be_pickled() -> None:
    with RoutedHub(answers({"status": "", "creation_time": TIME})) as server:
        client = client_of(server)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        job = client.submit_compile_job(model, Device("D"), "mine")
        again = pickle.loads(pickle.dumps(job))
        assert (again.job_id, again.name, again.device) == ("j1", "mine", job.device)
        again._owner = client
        assert again.options == "--so"


def test_devices_are_asked_for_again_after_a_while() -> None:
    now = 0.0
    devices = DeviceCache(clock=lambda: now)
    with RoutedHub(answers({})) as server:
        client = client_of(server)
        for passed, requests in ((0.0, 1), (LIFETIME - 1, 1), (LIFETIME, 2)):
            now = passed
            choose(devices, client, Device("D"))
            assert len(server.requests) == requests
        choose(devices, client, Device("D", attributes="framework:onnx"))
        choose(devices, Client(ClientConfig("other", server.url, server.url)), Device("D"))
        assert len(server.requests) == 4
        server.routes["GET /api/v1/devices/"] = json_reply({"devices": [], "total_query_count": 0})
        for _ in range(2):
            with pytest.raises(hub.UserError, match="No device matches"):
                choose(devices, client, Device("E"))
        # The second request of each lists all devices, to say which names are close.
        assert len(server.requests) == 8
        assert "attributes" in json.dumps(server.targets)


def test_a_thread_never_sees_a_job_that_another_has_half_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        # The first thread stops here, with some attributes read and others not.
        if not reached.is_set():
            reached.set()
            assert go_on.wait(30)

    with RoutedHub(answers({"status": "", "creation_time": TIME})) as server:
        client = client_of(server)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        job = client.submit_compile_job(model, Device("D"), "mine")
        monkeypatch.setattr(User, "_from_api", slow)
        first = threading.Thread(target=job.get_status)
        first.start()
        try:
            assert reached.wait(30)
            target = job.get_target_model()
            assert target is not None
            assert target.model_id == "m2"
            assert (job.notices, job.failure_type) == ((), None)
            assert "notices" in vars(job)
        finally:
            go_on.set()
            first.join()


def test_a_job_holds_no_model_and_no_data_in_memory() -> None:
    class NotToBePickled:
        def __reduce__(self) -> str:
            raise TypeError

    with RoutedHub(answers({"status": "", "creation_time": TIME})) as server:
        client = client_of(server)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        model.model = NotToBePickled()
        server.routes["GET /api/v1/datasets/d1/"] = json_reply({"dataset_id": "d1", "name": "data"})
        data = client.get_dataset("d1")
        data.data = NotToBePickled()  # type: ignore[assignment]
        jobs: list[Any] = [
            client.submit_compile_job(model, Device("D"), calibration_data=data),
            client.submit_inference_job(model, Device("D"), data),
            client.submit_quantize_job(model, data),
        ]
        for job in jobs:
            again = pickle.loads(pickle.dumps(job))
            assert (again.model.model_id, again.model.model) == ("m1", None)
        assert isinstance(model.model, NotToBePickled)
        assert isinstance(data.data, NotToBePickled)


def test_the_calls_of_a_copied_client_go_through_its_own_hook() -> None:
    class Watched(Client):
        calls = 0

        def _api_call(self, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return super()._api_call(*args, **kwargs)

    with RoutedHub(answers({})) as server:
        client = Watched(client_of(server).config)
        client.get_model("m1")
        copied = copy.copy(client)
        copied.get_model("m1")
        assert (client.calls, copied.calls) == (1, 2)


def test_submits_upload_and_fetch_by_the_methods_that_a_subclass_overrides() -> None:
    called: list[str] = []

    class Logged(Client):
        def upload_model(self, *args: Any, **kwargs: Any) -> Any:
            called.append("upload_model")
            return super().upload_model(*args, **kwargs)

        def _upload_dataset(self, *args: Any, **kwargs: Any) -> Any:
            called.append("_upload_dataset")
            return super()._upload_dataset(*args, **kwargs)

        def get_dataset(self, dataset_id: str) -> hub.Dataset:
            called.append("get_dataset")
            return super().get_dataset(dataset_id)

    with RoutedHub(answers({"status": "", "creation_time": TIME})) as server:
        client = Logged(client_of(server).config)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        server.routes["GET /api/v1/datasets/d1/"] = json_reply({"dataset_id": "d1", "name": "data"})
        submits: list[Callable[[], object]] = [
            lambda: client.submit_compile_job(model, Device("D"), calibration_data="d1"),
            lambda: client.submit_inference_job(model, Device("D"), "d1"),
            lambda: client.submit_quantize_job(model, "d1"),
        ]
        for submit in submits:
            called.clear()
            submit()
            assert sorted(called) == ["_upload_dataset", "get_dataset", "upload_model"]


@pytest.mark.parametrize("status", [503, 429])
def test_a_refusal_stands_where_the_devices_cannot_be_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    # Sends no request twice.
    monkeypatch.setattr(RetryRules, "next_pause", lambda *_: None)
    with RoutedHub(answers({"status": "", "creation_time": TIME})) as server:
        client = client_of(server)
        model = client.get_model("m1")
        model.model_type = hub.SourceModelType.ONNX
        client.submit_compile_job(model, Device("D"))
        server.routes["POST /api/v1/jobs/"] = json_reply({"detail": "no such option"}, 400)
        server.routes["GET /api/v1/devices/"] = json_reply({"detail": "busy"}, status)
        with pytest.raises(hub.UserError, match="no such option"):
            client.submit_compile_job(model, Device("D"))
        assert asked(server)[-1] == "GET /api/v1/devices/"
