"""What the worker is told of a job, and that it never works on a file that is damaged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.scheduler_harness import SchedulerHarness

from qai_hub.local.core import kinds as states
from qai_hub.local.devices import DeviceCatalogue, DeviceQuery
from qai_hub.local.disk import file_digest
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.store import Store
from qai_hub.local.store.files import delete_unreferenced, get_file
from qai_hub.local.store.records import User
from qai_hub.local.store.rows import JOBS, MODELS

BINARY = "MODEL_TYPE_QNN_CONTEXT_BINARY"
MADE = {"runtime": "qnn_context_binary", "graphs": [{"name": "model"}]}


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User) -> SchedulerHarness:
    return SchedulerHarness(store, tmp_path, ada)


def compiled(world: SchedulerHarness, source: bytes | None = None) -> str:
    """Let the worker make a binary, and tell how; return the target model."""
    world.worker.extra_results |= {"target_model_type": BINARY, "provenance": MADE}
    if source is not None:
        world.worker.extra_files["source"] = source
    key, target = world.compile()
    with world.running():
        world.wait_for_state(key, states.DONE)
    world.worker.requests.clear()
    return target


def uploaded(world: SchedulerHarness, content: bytes, model_type: str = BINARY) -> str:
    """Upload a model in parts, so that nobody has read it as a whole yet."""
    key = world.model(content)
    with world.store.write() as db:
        MODELS.update(db, key, model_type=model_type)
    return key


def profiled(world: SchedulerHarness, *models: str, kind: str = "profile", **job: Any) -> str:
    """Run a job on models to its end; return it."""
    key = world.submit(kind, input=models, target=[world.target()])
    with world.store.write() as db:
        JOBS.update(db, key, device=job.get("device"))
    with world.running():
        world.wait_until_finished(key)
    return key


def content_of(world: SchedulerHarness, model: str) -> bytes:
    return world.storage.file_path(world.get_model(model).file_id or "").read_bytes()


def test_what_made_a_model_reaches_the_jobs_that_work_on_it(world: SchedulerHarness) -> None:
    target = compiled(world, source=b"hidden")
    profiled(world, target)
    (model,) = world.worker.requests[0].inputs
    assert model == world.worker.requests[0].model
    assert (model.path.read_bytes(), model.model_type) == (content_of(world, target), BINARY)
    assert model.provenance == MADE
    assert model.source is not None
    assert model.source.read_bytes() == b"hidden"


@pytest.mark.parametrize(
    ("needs", "engine"),
    [("", ""), ("qnn", ""), ("big,engine-qnn-2.50", "qnn-2.50"), ("engine-tflite", "")],
)
def test_a_worker_has_the_engine_that_is_laid_over_its_packages(
    world: SchedulerHarness, needs: str, engine: str
) -> None:
    """An engine with an environment of its own is for a later stage."""
    key, _ = world.compile()
    with world.store.write() as db:
        JOBS.update(db, key, needs=needs)
    with world.running():
        world.wait_until_finished(key)
    assert world.worker.requests[0].engine == engine


def test_a_binary_that_comes_back_is_known_again_by_its_content(world: SchedulerHarness) -> None:
    content = content_of(world, compiled(world, source=b"hidden"))
    profiled(world, uploaded(world, content))
    (model,) = world.worker.requests[0].inputs
    assert model.provenance == MADE
    assert model.source is not None
    assert model.source.read_bytes() == b"hidden"


def test_a_binary_that_somebody_was_given_is_known_and_tells_nothing_of_who_made_it(
    world: SchedulerHarness, bob: User
) -> None:
    target = compiled(world, source=b"hidden")
    content = content_of(world, target)
    world.owner = bob
    key = profiled(world, uploaded(world, content))
    (request,) = world.worker.requests
    assert request.model.provenance == MADE
    made = world.get_model(target)
    for secret in (made.id, made.producer_id, made.name, "ada@example.com"):
        assert secret is None or secret not in world.read_log(key) + request.to_json()
    assert not any(target in str(notice) for notice in world.job(key).notices or ())


def test_a_binary_that_came_back_outlives_the_one_that_was_made(world: SchedulerHarness) -> None:
    made = compiled(world, source=b"hidden")
    known = world.get_model(made)
    again = uploaded(world, content_of(world, made))
    profiled(world, again)
    with world.store.write() as db:
        MODELS.delete(db, made)
        assert delete_unreferenced(db, [known.file_id or "", known.source_id or ""]) == [
            known.file_id
        ]
    profiled(world, again)
    (model,) = world.worker.requests[1].inputs
    assert model.provenance == MADE
    assert model.source is not None
    assert model.source.read_bytes() == b"hidden"


@pytest.mark.parametrize("spoil", [lambda content: content + b".", lambda content: content[1:]])
def test_a_binary_that_was_changed_is_not(
    world: SchedulerHarness, spoil: Callable[[bytes], bytes]
) -> None:
    content = content_of(world, compiled(world))
    profiled(world, uploaded(world, spoil(content)))
    (model,) = world.worker.requests[0].inputs
    assert (model.provenance, model.source) == (None, None)


def test_other_formats_carry_what_is_known_in_their_files(world: SchedulerHarness) -> None:
    content = content_of(world, compiled(world))
    profiled(world, uploaded(world, content, "MODEL_TYPE_ONNX"))
    assert world.worker.requests[0].model.provenance is None


def test_linked_models_come_in_order_and_may_come_twice(world: SchedulerHarness) -> None:
    first, second = world.model(b"1"), world.model(b"2")
    profiled(world, second, first, second, kind="link")
    (request,) = world.worker.requests
    assert request.kind == "link"
    assert [model.path.read_bytes() for model in request.inputs] == [b"2", b"1", b"2"]


def test_the_chip_of_the_device_reaches_the_worker(world: SchedulerHarness) -> None:
    device = DeviceCatalogue.load().resolve(DeviceQuery("Samsung Galaxy S24"))
    profiled(world, world.model(), device=device.to_json())
    soc = world.worker.requests[0].soc
    assert soc is not None
    assert soc == device.soc
    assert (soc.soc_model, soc.hexagon) == (57, 75)


def test_the_chips_of_further_devices_reach_the_worker_where_they_are_others(
    world: SchedulerHarness,
) -> None:
    names = ("Samsung Galaxy S24", "Samsung Galaxy S23", "Samsung Galaxy S24 Ultra")
    devices = [DeviceCatalogue.load().resolve(DeviceQuery(name)) for name in names]
    key, _ = world.compile()
    listed = [device.to_json() for device in devices]
    with world.store.write() as db:
        JOBS.update(db, key, device=listed[0], devices=listed)
    with world.running():
        world.wait_until_finished(key)
    (request,) = world.worker.requests
    assert (request.soc, request.other_socs) == (devices[0].soc, (devices[1].soc,))


def test_a_device_that_is_no_longer_known_has_no_chip(world: SchedulerHarness) -> None:
    profiled(world, world.model(), device={"name": "Old Phone", "os": "7", "attributes": []})
    assert world.worker.requests[0].soc is None


def test_the_digest_of_a_file_is_kept_once_it_was_read(world: SchedulerHarness) -> None:
    key = world.model(b"body")
    profiled(world, key)
    with world.store.read() as db:
        file = get_file(db, f"f{key}")
    assert file is not None
    assert file.sha256 == file_digest(world.storage.file_path(file.id))


def flip(path: Path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_a_damaged_model_is_never_run(
    world: SchedulerHarness, damage: Callable[[Path], None]
) -> None:
    target = compiled(world)
    damage(world.storage.file_path(world.get_model(target).file_id or ""))
    job = world.job(profiled(world, target))
    assert (job.state, job.failure_type) == (states.FAILED, FailureType.MODEL_CORRUPT)
    assert f"The file of the model {target} is damaged" in (job.failure_reason or "")
    assert world.worker.requests == []
    assert "is damaged" in world.read_log(job.id)


def test_an_upload_that_was_cut_short_before_anybody_read_it_is_damaged(
    world: SchedulerHarness,
) -> None:
    key = world.model(b"body")
    cut(world.storage.file_path(f"f{key}"))
    assert world.job(profiled(world, key)).failure_type == FailureType.MODEL_CORRUPT
    assert world.worker.requests == []


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_a_damaged_hidden_file_is_never_used(
    world: SchedulerHarness, damage: Callable[[Path], None]
) -> None:
    target = compiled(world, source=b"hidden")
    damage(world.storage.file_path(world.get_model(target).source_id or ""))
    job = world.job(profiled(world, target))
    assert job.failure_type == FailureType.MODEL_CORRUPT
    assert f"the source of the model {target} is damaged" in (job.failure_reason or "")
    assert world.worker.requests == []


def test_a_damaged_dataset_is_never_used(world: SchedulerHarness) -> None:
    data, model = world.dataset(), world.model()
    for damaged in (False, True):
        key = world.submit("inference", input=[model], dataset=[data])
        with world.running():
            job = world.wait_until_finished(key)
        assert (job.state == states.FAILED) is damaged
        flip(world.storage.file_path(f"f{data}"))
    assert f"the dataset {data} is damaged" in (job.failure_reason or "")
    assert len(world.worker.requests) == 1
