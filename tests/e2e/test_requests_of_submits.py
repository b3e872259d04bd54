"""How many requests a submit takes, and what a job shows that was never fetched."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from support.device_choice import choose
from support.fake_worker import FakeWorker
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, Dataset, Device, Job, Model
from qai_hub.client.fetch import DEVICES
from qai_hub.local import LocalHub

PHONE = Device("Samsung Galaxy S24")
FAMILY = Device("Samsung Galaxy S24 (Family)")
SPECS = {"x": (2, 4)}


@pytest.fixture(scope="module")
def idle() -> Iterator[LocalHub]:
    """A hub that takes jobs, and lets none of them begin to end."""
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(run_attempt=worker) as lh:
        yield lh
        worker.may_finish.set()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that this process sends: their methods, and what they are about."""
    seen: list[str] = []
    send = httpx.Client.send

    def spy(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        parts = request.url.path.removeprefix("/api/v1/").strip("/").split("/")
        seen.append(f"{request.method} {'/'.join([parts[0], *parts[2:]])}")
        return send(self, request, **options)

    monkeypatch.setattr(httpx.Client, "send", spy)
    return seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(affine(batch="n"), str(path))
    return path


DEVICE = "GET devices"
UPLOAD = ["POST models", "GET models/multipart_upload", "PUT", "POST models/multipart_upload"]


def requests_of(sent: list[str], submit: Callable[[], object]) -> list[str]:
    sent.clear()
    submit()
    # Where a file goes is the storage's own affair.
    return ["PUT" if request.startswith("PUT ") else request for request in sent]


def test_a_model_from_disk(idle: LocalHub, sent: list[str], file: Path) -> None:
    def submit() -> object:
        return idle.client().submit_compile_job(str(file), PHONE, "net", SPECS)

    assert requests_of(sent, submit) == [DEVICE, *UPLOAD, "POST jobs"]
    assert requests_of(sent, submit) == [*UPLOAD, "POST jobs"]


def test_a_model_that_is_there(idle: LocalHub, sent: list[str]) -> None:
    model = idle.client().upload_model(affine(batch="n"))

    def submit() -> object:
        return idle.client().submit_compile_job(model, PHONE, "net", SPECS)

    assert requests_of(sent, submit) == [DEVICE, "POST jobs"]
    assert requests_of(sent, submit) == ["POST jobs"]


def test_what_is_known_of_a_job_costs_no_request(idle: LocalHub, sent: list[str]) -> None:
    client = idle.client()
    model = client.upload_model(affine(batch="n"), "net")
    job = client.submit_compile_job(model, PHONE, "job", SPECS)

    def look() -> object:
        return repr(job), job.url, job.name, job.device, job.model, job.date, job._repr_html_()

    assert requests_of(sent, look) == []
    assert requests_of(sent, lambda: (job.owner, job.hub_version, job.options)) == ["GET jobs"]


def test_a_target_model_costs_one_request(idle: LocalHub, sent: list[str]) -> None:
    job = idle.client().submit_compile_job(affine(batch="n"), PHONE, "job", SPECS)
    assert requests_of(sent, job.get_target_model) == ["GET jobs"]
    assert requests_of(sent, job.get_target_model) == []


# -- nothing that the service contradicts --------------------------------------------------------


def submit_each(client: Client, folder: Path) -> list[Job]:
    model = client.upload_model(affine(batch="n"), "net")
    dlc = folder / "model.dlc"
    dlc.write_bytes(b"as good as any for a hub that links nothing")
    data = client.upload_dataset({"x": [np.ones((2, 4), np.float32)]}, "data")
    several = client.submit_compile_job(model, [PHONE, FAMILY], input_specs=SPECS)
    calibrated = client.submit_compile_job(
        model, FAMILY, "job", SPECS, " --target_runtime onnx ", calibration_data=data
    )
    quantized = client.submit_quantize_job(
        model, data, activations_dtype=hub.QuantizeDtype.INT16, name="job"
    )
    linked = client.submit_link_job([str(dlc), client.upload_model(str(dlc))], PHONE)
    run = client.submit_inference_job(model, Device(os="14"), data, profile=False)
    profiled = client.submit_inference_job(model, FAMILY, name="job", options="--compute_unit cpu")
    return [several, calibrated, quantized, linked, run, profiled]


def test_to_show_what_was_just_submitted_costs_no_request(
    idle: LocalHub, sent: list[str], tmp_path: Path
) -> None:
    client = idle.client()
    jobs: list[Any] = submit_each(client, tmp_path)
    # The service chooses the name of a job whose model has none.
    nameless = client.upload_model(affine())
    nameless.name = ""
    jobs.append(client.submit_compile_job(nameless, PHONE))
    assert "name" not in vars(jobs[-1])
    things = [*jobs, *(job.model for job in jobs if "model" in vars(job))]
    sent.clear()
    for thing in things:
        assert "not fetched yet" in thing._repr_html_() or isinstance(thing, Model)
        assert repr(thing) == str(thing)
    assert sent == []


def shown(value: object) -> object:
    """What a user sees of a value: models and datasets have no equality."""
    if isinstance(value, list):
        return [shown(each) for each in value]
    if isinstance(value, Model):
        # Of a model, the attributes that are no request of their own.
        return value.model_id, value.name, value.date, value.model_type, value.url
    if isinstance(value, Dataset):
        return value.dataset_id, value.name, value.creation_time, value.expiration_time
    return value


def public(thing: object, names: set[str]) -> dict[str, object]:
    return {name: shown(getattr(thing, name)) for name in sorted(names)}


@pytest.mark.parametrize("number", range(6))
def test_a_job_that_was_submitted_is_the_job_that_is_fetched(
    idle: LocalHub, tmp_path: Path, number: int
) -> None:
    client = idle.client()
    job = submit_each(client, tmp_path)[number]
    known = {name for name in vars(job) if not name.startswith("_")}
    assert {"job_id", "name", "date", "created_at"} < known
    assert "options" not in known
    before = public(job, known)
    fetched = client.get_job(job.job_id)
    assert type(job) is type(fetched)
    assert before == public(fetched, known)
    every = {name for name in vars(fetched) if not name.startswith("_")}
    # It has begun meanwhile, perhaps.
    assert public(job, every - {"started_at"}) == public(fetched, every - {"started_at"})
    assert known < every


def test_what_was_uploaded_is_what_is_fetched(idle: LocalHub, sent: list[str]) -> None:
    client = idle.client()
    model = client.upload_model(affine(), "net")
    fetched = client.get_model(model.model_id)
    assert shown(model) == shown(fetched)
    assert requests_of(sent, lambda: (model.metadata, model.input_spec)) == ["GET models"]
    assert (model.metadata, model.input_spec) == (fetched.metadata, fetched.input_spec)
    assert model.get_producer() is None
    data = {"x": [np.ones((2, 4), np.float32)]}
    for dataset in (
        client.upload_dataset(data, "data"),
        client._upload_dataset(data, "kept", True),
    ):
        assert shown(dataset) == shown(client.get_dataset(dataset.dataset_id))


# -- devices that are remembered -----------------------------------------------------------------


def remember(client: Client, query: Device, device: Device) -> None:
    """Has the client take a device for what the service selected a while ago."""
    choose(DEVICES, client, query)
    ((key, (asked, _)),) = DEVICES._entries.items()
    DEVICES._entries[key] = asked, device


def test_a_device_that_is_gone_is_asked_for_anew(idle: LocalHub, sent: list[str]) -> None:
    client = idle.client()
    model = client.upload_model(affine(batch="n"))
    remember(client, PHONE, Device("A phone of last year", "9", ["framework:onnx"]))
    jobs: list[Job] = []

    def submit() -> None:
        jobs.append(client.submit_compile_job(model, PHONE, "job", SPECS))

    assert requests_of(sent, submit) == ["POST jobs", DEVICE, "POST jobs"]
    assert jobs[0].device.name == PHONE.name  # type: ignore[attr-defined]
    assert client.get_job(jobs[0].job_id).device == jobs[0].device  # type: ignore[attr-defined]
    assert requests_of(sent, submit) == ["POST jobs"]


def test_a_device_that_lacked_a_framework_is_asked_for_anew(
    idle: LocalHub, sent: list[str]
) -> None:
    client = idle.client()
    model = client.upload_model(affine(batch="n"))
    remember(client, PHONE, Device(PHONE.name, "14", ["framework:qnn"]))

    def submit() -> object:
        return client.submit_inference_job(model, PHONE)

    assert requests_of(sent, submit) == [DEVICE, "POST jobs"]
    device = choose(DEVICES, client, PHONE).device
    device.attributes = [text for text in device.attributes if text != "framework:onnx"]
    DEVICES.clear()
    remember(client, PHONE, device)
    assert requests_of(sent, submit) == [DEVICE, "POST jobs"]


def test_a_refusal_for_another_reason_stays_and_makes_no_job(
    idle: LocalHub, sent: list[str]
) -> None:
    client = idle.client()
    model = client.upload_model(affine(batch="n"))
    client.submit_compile_job(model, PHONE, "job", SPECS)

    def submit() -> None:
        with pytest.raises(hub.UserError):
            client.submit_compile_job(model, PHONE, "job", SPECS, options="-" * 65_537)

    assert requests_of(sent, submit) == ["POST jobs", DEVICE]


def test_each_caller_has_a_device_of_its_own(idle: LocalHub) -> None:
    client = idle.client()
    first = choose(DEVICES, client, PHONE).device
    assert isinstance(first.attributes, list)
    first.attributes.clear()
    second = choose(DEVICES, client, PHONE)
    assert second.is_cached
    assert second.device.attributes
