"""The scheduler: the database is the truth, attempts are bounded, and no job is lost."""

import errno
import time
from pathlib import Path
from typing import Any

import pytest
from support.fake_worker import PROFILE
from support.scheduler_harness import SchedulerHarness

from qai_hub.local.clock import now
from qai_hub.local.core import kinds as states
from qai_hub.local.core.lifecycle import MAX_LOSSES, Lifecycle
from qai_hub.local.core.results import AttemptResult
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.store import Store
from qai_hub.local.store.files import get_file
from qai_hub.local.store.records import Dataset, Job, User
from qai_hub.local.store.relations import get_job_result, get_uses
from qai_hub.local.store.rows import DATASETS, JOBS


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User) -> SchedulerHarness:
    return SchedulerHarness(store, tmp_path, ada)


def test_a_compile_job_makes_its_target_model(world: SchedulerHarness) -> None:
    key, target = world.compile(options="--target_runtime onnx")
    with world.running():
        job = world.wait_for_state(key, states.DONE)
    assert (job.attempt, job.failure_type, job.failure_reason) == (1, FailureType.SUCCESS, None)
    assert job.created <= (job.started or "") <= (job.completed or "")
    assert job.notices == [{"context": "MODEL", "severity": "INFO", "message": "hm"}]
    model = world.get_model(target)
    assert model.input_spec == [
        {"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}
    ]
    assert (model.model_type, model.producer_attempt) == ("MODEL_TYPE_ONNX", 1)
    assert world.storage.file_path(model.file_id or "").read_bytes() == b"made from body"
    with world.store.read() as db:
        assert get_job_result(db, key) == {"tool_versions": [{"name": "tool", "version": "1"}]}
        file = get_file(db, model.file_id or "")
    assert file is not None
    assert file.sha256 is not None
    assert world.read_log(key) == "what happened"
    assert world.ended == [key]
    (request,) = world.worker.requests
    assert (request.kind, request.options) == ("compile", "--target_runtime onnx")
    assert world.worker.limits == [(7.0, 1 << 30)]


def test_input_specs_reach_the_worker(world: SchedulerHarness) -> None:
    key, _ = world.compile()
    types = [{"name": "x", "tensor_type": {"shape": [2, 3], "dtype": "TENSOR_DTYPE_FLOAT16"}}]
    with world.store.write() as db:
        JOBS.update(db, key, input_specs=types)
    with world.running():
        world.wait_for_state(key, states.DONE)
    (spec,) = world.worker.requests[0].input_specs
    assert (spec.name, spec.shape, spec.dtype) == ("x", (2, 3), "float16")


def test_a_profile_job_leaves_a_profile_and_its_outputs(world: SchedulerHarness) -> None:
    key = world.submit("profile", input=[world.model()], dataset=[world.dataset()])
    with world.running():
        job = world.wait_for_state(key, states.DONE)
    assert (job.execution_time, job.peak_memory) == (12, {"lower": 1, "upper": 2})
    with world.store.read() as db:
        assert get_job_result(db, key) == {"detail": PROFILE}
        (output,) = get_uses(db, [key])[key].output
        dataset = DATASETS.get(db, output)
    assert isinstance(dataset, Dataset)
    assert dataset.file_id is not None
    assert dataset.expires is not None
    assert dataset.owner_id == world.owner.id
    assert world.worker.requests[0].dataset is not None


def test_a_quantize_job_leaves_a_model_and_how_close_it_is(world: SchedulerHarness) -> None:
    target = world.target()
    key = world.submit(
        "quantize", input=[world.model()], target=[target], dataset=[world.dataset()]
    )
    with world.store.write() as db:
        types = {
            "weights_dtype": "QUANTIZE_DTYPE_INT4",
            "activations_dtype": "QUANTIZE_DTYPE_INT16",
        }
        JOBS.update(db, key, **types)
    with world.running():
        world.wait_for_state(key, states.DONE)
    with world.store.read() as db:
        found = get_job_result(db, key)
    assert found == {"tool_versions": [{"name": "tool", "version": "1"}], "psnr": {"y": 51.5}}
    assert world.get_model(target).file_id is not None
    (request,) = world.worker.requests
    assert (request.kind, request.weights_dtype, request.activations_dtype) == (
        "quantize",
        "INT4",
        "INT16",
    )
    assert request.dataset is not None


@pytest.mark.parametrize("kind", ["compile", "quantize", "link", "inference", "profile"])
def test_states_while_running(world: SchedulerHarness, kind: str) -> None:
    world.worker.may_finish.clear()
    key = world.submit(
        kind, input=[world.model()], target=[world.target()], dataset=[world.dataset()]
    )
    with world.running():
        world.wait_for_state(key, states.KINDS[kind].working_state)
        world.worker.may_finish.set()
        world.wait_for_state(key, states.DONE)


def test_a_failure_is_told_with_its_reason_and_log(world: SchedulerHarness) -> None:
    world.worker.failures["--bad"] = "The option --bad is not known."
    key, target = world.compile(options="--bad")
    with world.running():
        job = world.wait_for_state(key, states.FAILED)
    assert job.failure_reason == "The option --bad is not known."
    assert job.failure_type == "JOB_FAILURE_TYPE_MODEL_INVALID"
    assert world.get_model(target).file_id is None
    assert world.read_log(key) == "what happened"


def test_a_fault_of_the_hub_fails_the_job_without_internals(
    world: SchedulerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    world.worker.crash = KeyError("secret detail")
    key, _ = world.compile()
    with world.running():
        job = world.wait_for_state(key, states.FAILED)
    assert job.failure_type == FailureType.INTERNAL
    assert "secret detail" not in (job.failure_reason or "")
    assert "secret detail" in caplog.text
    assert world.read_log(key)


def test_a_full_disk_fails_the_job_and_says_so(world: SchedulerHarness) -> None:
    world.worker.crash = OSError(errno.ENOSPC, "No space left on device")
    key, _ = world.compile()
    with world.running():
        job = world.wait_for_state(key, states.FAILED)
    assert job.failure_type == FailureType.OUT_OF_DISK
    assert "disk of this hub is full" in (job.failure_reason or "")


def test_jobs_on_a_model_in_the_making_wait_for_it(world: SchedulerHarness) -> None:
    world.worker.may_finish.clear()
    first, target = world.compile()
    second = world.submit("profile", input=[target])
    with world.running():
        world.wait_for_state(first, states.KINDS["compile"].working_state)
        assert world.job(second).state == states.CREATED
        world.worker.may_finish.set()
        world.wait_for_state(second, states.DONE)
    assert world.worker.requests[1].model.path.read_bytes() == b"made from body"


def test_all_that_waits_for_a_model_fails_when_it_is_not_made(world: SchedulerHarness) -> None:
    world.worker.failures["--bad"] = "no good"
    first, target = world.compile(options="--bad")
    second, second_target = world.compile(target)
    third = world.submit("profile", input=[second_target])
    beside = world.submit("profile", input=[target])
    with world.running():
        for key in (second, third, beside):
            job = world.wait_for_state(key, states.FAILED)
            assert job.failure_type == FailureType.DEPENDENCY
            # Why is told from the first of them, to those who may see it.
            assert job.failure_reason == (
                f"A model that this job needs was not made: the job {first} failed."
            )
            assert job.cause_id == first
            assert "did not run" in world.read_log(key)
            assert "no good" not in world.read_log(key)
    assert world.job(first).cause_id is None
    assert sorted(world.ended) == sorted([first, second, third, beside])
    assert len(world.worker.requests) == 1


def test_no_more_attempts_at_once_than_allowed_and_oldest_first(world: SchedulerHarness) -> None:
    world.worker.may_finish.clear()
    keys = [world.compile(options=str(index))[0] for index in range(5)]
    with world.running(max_parallel=2):
        world.wait_until(lambda: world.worker.running == 2)
        time.sleep(0.05)
        assert world.worker.running == 2
        world.worker.may_finish.set()
        for key in keys:
            world.wait_for_state(key, states.DONE)
    assert world.worker.max_running == 2
    assert {request.options for request in world.worker.requests[:2]} == {"0", "1"}


def test_work_folders_do_not_stay(world: SchedulerHarness) -> None:
    key, _ = world.compile()
    with world.running():
        world.wait_for_state(key, states.DONE)
        world.wait_until(lambda: not world.worker.folders[0].exists())


def test_a_job_submitted_later_runs_when_the_scheduler_is_woken(world: SchedulerHarness) -> None:
    with world.running() as scheduler:
        key, _ = world.compile()
        scheduler.wake()
        world.wait_for_state(key, states.DONE)


def test_stopping_cancels_and_the_next_start_runs_the_job_again(world: SchedulerHarness) -> None:
    world.worker.may_finish.clear()
    key, _ = world.compile()
    with world.running():
        world.wait_until(lambda: world.worker.running == 1)
    job = world.job(key)
    assert (job.state, job.started, job.attempt, job.losses) == (states.CREATED, None, 1, 0)
    assert world.ended == []
    world.worker.may_finish.set()
    with world.running():
        assert world.wait_for_state(key, states.DONE).attempt == 2


def test_what_a_crash_cut_short_runs_again_and_what_it_queued_runs(world: SchedulerHarness) -> None:
    crashed, _ = world.compile()
    queued, _ = world.compile()
    with world.store.write() as db:
        lifecycle = Lifecycle(world.storage, world.work, now)
        assert lifecycle.claim(db, crashed) is not None
    with world.running():
        again = world.wait_for_state(crashed, states.DONE)
        world.wait_for_state(queued, states.DONE)
    assert (again.attempt, again.losses) == (2, 1)


def test_a_job_that_takes_the_hub_down_each_time_is_given_up(world: SchedulerHarness) -> None:
    key, target = world.compile()
    waiting = world.submit("profile", input=[target])
    lifecycle = Lifecycle(world.storage, world.work, now)
    for _ in range(MAX_LOSSES):
        with world.store.write() as db:
            assert lifecycle.claim(db, key) is not None
        with world.store.write() as db:
            lifecycle.recover_all(db)
    job = world.job(key)
    assert (job.state, job.failure_type) == (states.FAILED, FailureType.CRASH)
    assert "ended 3 times" in (job.failure_reason or "")
    assert world.job(waiting).failure_type == FailureType.DEPENDENCY


def test_a_late_verdict_of_an_older_attempt_changes_nothing(world: SchedulerHarness) -> None:
    key, _ = world.compile()
    lifecycle = Lifecycle(world.storage, world.work, now)
    with world.store.write() as db:
        old = lifecycle.claim(db, key)
        assert old is not None
        lifecycle.requeue(db, old)
        new = lifecycle.claim(db, key)
        assert new is not None
        assert (old.attempt, new.attempt) == (1, 2)
        late = AttemptResult.failure(FailureType.CRASH, "too late")
        assert lifecycle.finish(db, old, late) == []
        assert lifecycle.finish(db, new, AttemptResult.failure(FailureType.CRASH, "now")) == [key]
        assert lifecycle.finish(db, new, late) == []
    assert world.job(key).failure_reason == "now"


def test_data_that_expired_while_the_job_waited_fails_it(world: SchedulerHarness) -> None:
    data = world.dataset()
    key = world.submit("inference", input=[world.model()], dataset=[data])
    world.storage.file_path(f"f{data}").unlink()
    with world.running():
        job = world.wait_for_state(key, states.FAILED)
    assert job.failure_type == FailureType.INVALID_INPUTS
    assert "expired" in (job.failure_reason or "")


def test_a_chain_of_jobs_longer_than_the_stack_fails_with_its_first(
    world: SchedulerHarness,
) -> None:
    world.worker.failures["--bad"] = "no"
    first, target = world.compile(options="--bad")
    chain = [first]
    for _ in range(400):
        key, target = world.compile(target)
        chain.append(key)
    with world.running():
        last = world.wait_for_state(chain[-1], states.FAILED)
        world.wait_until(lambda: len(world.ended) == len(chain))
    assert world.ended == chain
    assert last.failure_type == FailureType.DEPENDENCY


def test_the_end_of_a_job_is_stored_as_soon_as_that_is_possible(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qai_hub.local.core.scheduler._RETRY_AFTER", 0.01)
    faults = iter([OSError("no space"), OSError("no space"), OSError("no space")])
    real = Lifecycle.finish

    def finish(self: Lifecycle, db: Any, job: Job, verdict: AttemptResult) -> list[str]:
        for fault in faults:
            raise fault
        return real(self, db, job, verdict)

    monkeypatch.setattr(Lifecycle, "finish", finish)
    key, _ = world.compile()
    with world.running():
        assert world.wait_for_state(key, states.FAILED).failure_type == FailureType.INTERNAL
    assert "cannot be stored" in caplog.text


def test_the_scheduler_outlives_a_fault_of_the_database(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qai_hub.local.core.scheduler._RETRY_AFTER", 0.01)
    faults = iter([OSError("disk I/O error")])
    real = Lifecycle.claim

    def claim(self: Lifecycle, db: Any, job_id: str) -> Job | None:
        for fault in faults:
            raise fault
        return real(self, db, job_id)

    monkeypatch.setattr(Lifecycle, "claim", claim)
    key, _ = world.compile()
    with world.running():
        world.wait_for_state(key, states.DONE)
    assert "cannot read the queue" in caplog.text
