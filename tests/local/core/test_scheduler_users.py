"""The scheduler and people: they take turns, and they cancel, at whatever moment."""

import random
import threading
import time
from pathlib import Path

import pytest
from support.scheduler_harness import SchedulerHarness

from qai_hub.local.core import kinds as states
from qai_hub.local.core.local_executor import RunningAttempts
from qai_hub.local.engine.attempt import AttemptRequest
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.store import Store
from qai_hub.local.store.records import Job, User
from qai_hub.local.store.relations import get_artifacts
from qai_hub.local.store.rows import MODELS


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User) -> SchedulerHarness:
    return SchedulerHarness(store, tmp_path, ada)


def options(world: SchedulerHarness) -> list[str]:
    return [request.options for request in world.worker.requests]


def test_another_persons_job_runs_beside_endless_ones(
    world: SchedulerHarness, ada: User, bob: User
) -> None:
    world.worker.may_finish.clear()
    for name in ("a1", "a2", "a3"):
        world.compile(options=name)
    with world.running(max_parallel=2) as scheduler:
        world.wait_until(lambda: world.worker.running == 2)
        world.owner = bob
        his, _ = world.compile(options="b1")
        world.compile(options="b2")
        scheduler.wake()
        world.wait_until(lambda: world.worker.running == 3)
        assert options(world)[2] == "b1"
        # One for him, and neither another nor one more for her.
        world.owner = ada
        scheduler.wake()
        time.sleep(0.05)
        assert world.worker.running == 3
        assert world.job(his).state == states.KINDS["compile"].working_state


def test_places_beyond_the_usual_ones_are_bounded(
    world: SchedulerHarness, people: list[User]
) -> None:
    world.worker.may_finish.clear()
    for person in people:
        world.owner = person
        world.compile(options=person.email)
    with world.running(max_parallel=2) as scheduler:
        world.wait_until(lambda: world.worker.running == 10)
        scheduler.wake()
        time.sleep(0.05)
        world.worker.may_finish.set()
        world.wait_until(lambda: len(world.ended) == len(people))
    assert world.worker.max_running == 10


def test_each_persons_oldest_job_goes_first_and_nobody_waits_for_anothers_last(
    world: SchedulerHarness, ada: User, bob: User
) -> None:
    for person, name in ((ada, "a"), (bob, "b")):
        world.owner = person
        for number in range(4):
            world.compile(options=f"{name}{number}")
    with world.running(max_parallel=1):
        world.wait_until(lambda: len(world.ended) == 8)
    ran = options(world)
    assert [name for name in ran if name[0] == "a"] == ["a0", "a1", "a2", "a3"]
    assert [name for name in ran if name[0] == "b"] == ["b0", "b1", "b2", "b3"]
    # Neither had to wait for the other's last.
    assert ran.index("b0") < ran.index("a3")
    assert ran.index("a0") < ran.index("b3")


def test_a_person_whose_jobs_all_wait_for_a_model_holds_nobody_up(
    world: SchedulerHarness, bob: User
) -> None:
    never = world.target()
    for _ in range(50):
        world.submit("profile", input=[never])
    world.owner = bob
    his, _ = world.compile()
    with world.running(max_parallel=1):
        world.wait_for_state(his, states.DONE)


def test_after_a_restart_both_get_a_place(world: SchedulerHarness, bob: User) -> None:
    world.worker.may_finish.clear()
    for name in ("a1", "a2"):
        world.compile(options=name)
    with world.running(max_parallel=2):
        world.wait_until(lambda: world.worker.running == 2)
    world.owner = bob
    world.compile(options="b1")
    with world.running(max_parallel=2):
        world.wait_until(lambda: world.worker.running == 2)
        assert set(options(world)[2:]) == {"a1", "b1"}


def test_a_running_job_that_is_cancelled_ends_at_once_and_is_not_queued_again(
    world: SchedulerHarness,
) -> None:
    world.worker.may_finish.clear()
    key, target = world.compile()
    with world.running() as scheduler:
        world.wait_for_state(key, states.KINDS["compile"].working_state)
        world.wait_until(lambda: world.worker.running == 1)
        (world.worker.folders[0] / "hub.log").write_text("so far\n")
        assert world.cancel(key) == [key]
        job = world.job(key)
        assert (job.state, job.failure_type) == (states.FAILED, FailureType.CANCELLED)
        world.wait_until(lambda: world.worker.running == 0)
        world.wait_until(lambda: not world.worker.folders[0].exists())
        # Its place is free again.
        world.worker.may_finish.set()
        other, _ = world.compile()
        scheduler.wake()
        world.wait_for_state(other, states.DONE)
    assert world.job(key) == job
    assert len(world.worker.requests) == 2
    first, last = world.read_log(key).splitlines()
    assert first == "so far"
    assert last.endswith("Cancelled by ada@example.com.")
    assert world.get_model(target).file_id is None


def test_a_queued_job_that_is_cancelled_never_begins(world: SchedulerHarness) -> None:
    world.worker.may_finish.clear()
    first, _ = world.compile(options="first")
    queued, _ = world.compile(options="queued")
    with world.running(max_parallel=1):
        world.wait_until(lambda: world.worker.running == 1)
        assert world.cancel(queued) == [queued]
        world.worker.may_finish.set()
        world.wait_for_state(first, states.DONE)
    assert options(world) == ["first"]
    assert "Cancelled by ada@example.com." in world.read_log(queued)


def test_a_job_that_is_cancelled_before_its_worker_begins_begins_none(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, cancelled = threading.Event(), threading.Event()
    begin = RunningAttempts.start

    def late(self: RunningAttempts, job: Job, run: object) -> None:
        claimed.set()
        assert cancelled.wait(10)
        begin(self, job, run)  # type: ignore[arg-type]

    monkeypatch.setattr(RunningAttempts, "start", late)
    key, _ = world.compile()
    with world.running() as scheduler:
        assert claimed.wait(10)
        world.cancel(key)
        cancelled.set()
        other, _ = world.compile(options="other")
        scheduler.wake()
        world.wait_for_state(other, states.DONE)
    assert options(world) == ["other"]
    assert world.job(key).failure_type == FailureType.CANCELLED


@pytest.mark.parametrize("seed", range(6))
def test_a_job_that_is_cancelled_at_any_moment_ends_one_way_and_whole(
    world: SchedulerHarness, seed: int
) -> None:
    rng = random.Random(seed)
    call = type(world.worker).__call__

    def work(request: AttemptRequest, folder: Path, **how: object) -> object:
        time.sleep(rng.uniform(0, 0.01))
        return call(world.worker, request, folder, **how)  # type: ignore[arg-type]

    jobs = [world.compile(options=str(number)) for number in range(8)]
    behind = [world.submit("profile", input=[target]) for _, target in jobs]
    world.run_attempt = work
    with world.running(max_parallel=3) as scheduler:

        def cancel(keys: list[str], pause: float) -> None:
            time.sleep(pause)
            for key in keys:
                world.cancel(key)

        threads = [
            # Two at once at each, at another moment each.
            threading.Thread(target=cancel, args=(keys, rng.uniform(0, 0.1)))
            for keys in ([key] for key, _ in jobs)
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        if seed % 3 == 0:
            time.sleep(rng.uniform(0, 0.05))
            scheduler.stop()
        for thread in threads:
            thread.join()
    with world.running(max_parallel=3):
        for key in [key for key, _ in jobs] + behind:
            world.wait_until_finished(key)
    with world.store.read() as db:
        for (key, target), after in zip(jobs, behind, strict=True):
            done = world.job(key).state == states.DONE
            model = MODELS.get(db, target)
            assert model is not None
            assert (model.file_id is not None) == done
            assert world.job(after).state == (states.DONE if done else states.FAILED)
            assert done or world.job(key).failure_type == FailureType.CANCELLED
            assert len(get_artifacts(db, [key])[key]) == 1
    # Once each, however many have asked for it.
    assert sorted(world.ended) == sorted([key for key, _ in jobs] + behind)
    assert not any(folder.exists() for folder in world.worker.folders)


def test_a_job_is_queued_again_when_there_is_no_thread_for_it(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qai_hub.local.core.scheduler._RETRY_AFTER", 0.01)
    start, faults = threading.Thread.start, iter([1, 2])

    def starting(self: threading.Thread) -> None:
        if self.name.startswith("j"):
            for _ in faults:
                raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", starting)
    key, _ = world.compile()
    with world.running():
        assert world.wait_for_state(key, states.DONE).attempt == 3
    assert "cannot read the queue" in caplog.text
