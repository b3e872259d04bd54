"""Attempts are described by JSON and digests, and carried out by whoever fulfils the protocol."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.polling import wait_until
from support.scheduler_harness import SchedulerHarness

from qai_hub.local.core import kinds as states
from qai_hub.local.core.executor import AttemptId, AttemptSpec, Executor
from qai_hub.local.core.local_executor import LocalExecutor
from qai_hub.local.devices import DeviceCatalogue, DeviceQuery
from qai_hub.local.engine.attempt import (
    AttemptCancelled,
    AttemptOutcome,
    AttemptRequest,
    InputModel,
    TensorSpec,
)
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.store import Store
from qai_hub.local.store.records import User
from qai_hub.local.store.rows import JOBS

SPEC = AttemptSpec(
    id=AttemptId("j1", 3),
    request=AttemptRequest(
        kind="quantize",
        inputs=(
            InputModel(
                path=Path("f1"),
                model_type="MODEL_TYPE_ONNX",
                provenance={"sdk": "1"},
                source=Path("f2"),
            ),
        ),
        options="--a b",
        input_specs=(TensorSpec(name="x", shape=(1, 3), dtype="float32"),),
        dataset=Path("f3"),
        weights_dtype="INT8",
        activations_dtype="INT8",
        soc=Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True),
    ),
    digests={"f1": "aa", "f2": "bb", "f3": "cc"},
    time_limit=7.0,
    memory_limit=1 << 30,
)


class Elsewhere:
    """An executor that is handed JSON alone, as one on another machine would be."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.sent: list[str] = []

    def start(self, spec: AttemptSpec) -> None:
        self.sent.append(spec.to_json())
        self.executor.start(AttemptSpec.from_json(self.sent[-1]))

    def poll(self, attempt: AttemptId) -> AttemptOutcome | None:
        return self.executor.poll(attempt)

    def wait(self, attempt: AttemptId) -> AttemptOutcome:
        return self.executor.wait(attempt)

    def cancel(self, attempt: AttemptId) -> None:
        self.executor.cancel(attempt)

    def release(self, attempt: AttemptId) -> None:
        self.executor.release(attempt)


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User) -> SchedulerHarness:
    return SchedulerHarness(store, tmp_path, ada)


def test_a_description_survives_its_journey() -> None:
    assert AttemptSpec.from_json(SPEC.to_json()) == SPEC


def test_a_description_names_files_by_content_and_tells_where_nothing_lies(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    executor = Elsewhere(world.executor())
    monkeypatch.setattr(world, "executor", lambda: executor)
    device = DeviceCatalogue.load().resolve(DeviceQuery("Samsung Galaxy S24"))
    key = world.submit("inference", input=[world.model()], dataset=[world.dataset()])
    with world.store.write() as db:
        JOBS.update(db, key, device=device.to_json())
    with world.running():
        assert world.wait_until_finished(key).state == states.DONE
    (sent,) = executor.sent
    assert str(tmp_path) not in sent
    digests = json.loads(sent)["digests"]
    assert sorted(digests.values()) == sorted(
        hashlib.sha256(content).hexdigest() for content in (b"body", b"data")
    )
    (request,) = world.worker.requests
    assert request.model.path.read_bytes() == b"body"
    assert request.soc == device.soc
    # The worker's own request names files of this machine.
    assert {str(path) for path in request.files} == {
        str(world.storage.file_path(file_id)) for file_id in digests
    }


def begun(world: SchedulerHarness, executor: LocalExecutor, number: int = 1) -> AttemptId:
    model = world.model()
    request = AttemptRequest(
        kind="compile",
        inputs=(InputModel(path=Path(f"f{model}"), model_type="MODEL_TYPE_ONNX"),),
        options="",
    )
    attempt = AttemptId("j1", number)
    executor.start(
        AttemptSpec(id=attempt, request=request, digests={}, time_limit=1.0, memory_limit=None)
    )
    return attempt


def test_an_attempt_is_polled_cancelled_and_released(world: SchedulerHarness) -> None:
    executor = LocalExecutor(world.storage, world.work, world.worker)
    world.worker.may_finish.clear()
    first, second = begun(world, executor), begun(world, executor, 2)
    assert executor.poll(first) is executor.poll(second) is None
    executor.cancel(first)
    with pytest.raises(AttemptCancelled):
        executor.wait(first)
    with pytest.raises(AttemptCancelled):
        executor.poll(first)
    assert executor.poll(second) is None
    world.worker.may_finish.set()
    outcome = executor.wait(second)
    assert executor.poll(second) is outcome
    assert outcome.files["target_model"].read_bytes() == b"made from body"
    for attempt in (first, second):
        executor.release(attempt)
        executor.release(attempt)
        executor.cancel(attempt)
    assert list(world.work.folder.iterdir()) == []


def test_a_fault_reaches_who_waits(world: SchedulerHarness) -> None:
    executor = LocalExecutor(world.storage, world.work, world.worker)
    world.worker.crash = KeyError("fault")
    attempt = begun(world, executor)
    with pytest.raises(KeyError):
        executor.wait(attempt)
    wait_until(lambda: world.worker.running == 0)


def test_an_attempt_that_cannot_be_started_is_made_again(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qai_hub.local.core.scheduler._RETRY_AFTER", 0.01)
    start: Callable[[threading.Thread], None] = threading.Thread.start
    faults = iter([1, 2])

    def starting(self: threading.Thread) -> None:
        if self.name.startswith("attempt"):
            for _ in faults:
                raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", starting)
    key, _ = world.compile()
    with world.running():
        job = world.wait_until_finished(key)
    assert (job.state, job.attempt) == (states.DONE, 3)
    assert "cannot be carried out yet" in caplog.text
    assert list(world.work.folder.iterdir()) == []
