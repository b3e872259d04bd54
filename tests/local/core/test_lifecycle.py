"""The steps of a job: an attempt whose place another has taken changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from support.scheduler_harness import SchedulerHarness
from support.store_builders import add_job

from qai_hub.local.clock import now
from qai_hub.local.core import kinds as states
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.results import AttemptResult, Output
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store import Store
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.records import Job, User
from qai_hub.local.store.relations import get_artifacts
from qai_hub.local.store.rows import JOBS
from qai_hub.local.store.sqlite import SqliteStore

Step = Callable[[Lifecycle, Connection, Job], object]

STEPS: dict[str, Step] = {
    "advance": Lifecycle.advance,
    "requeue": Lifecycle.requeue,
    "lose": Lifecycle.lose,
    "fail": lambda life, db, job: life.finish(
        db, job, AttemptResult.failure(FailureType.CRASH, "crashed")
    ),
    "succeed": lambda life, db, job: life.finish(
        db, job, AttemptResult(failure_type=FailureType.SUCCESS, report={"profile": None})
    ),
}


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User) -> SchedulerHarness:
    return SchedulerHarness(store, tmp_path, ada)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("state", [states.DONE, states.FAILED, states.CREATED])
@pytest.mark.parametrize("behind", [0, 1])
def test_a_step_of_an_attempt_that_is_over_changes_nothing(
    world: SchedulerHarness, name: str, state: str, behind: int
) -> None:
    key = world.submit("profile", input=[world.model()])
    lifecycle = Lifecycle(world.storage, world.work, now)
    with world.store.write() as db:
        for _ in range(2):
            claimed = lifecycle.claim(db, key)
            assert claimed is not None
            job = claimed
            JOBS.update(db, key, state=state)
            if state != states.CREATED:
                break
        before = JOBS.get(db, key)
        assert not STEPS[name](lifecycle, db, replace(job, attempt=job.attempt - behind))
        assert JOBS.get(db, key) == before
        assert get_artifacts(db, [key])[key] == []


def test_results_of_an_attempt_that_is_over_are_not_published(
    world: SchedulerHarness, tmp_path: Path
) -> None:
    key, target = world.compile()
    lifecycle = Lifecycle(world.storage, world.work, now)
    made, log = tmp_path / "made", tmp_path / "log"
    made.write_bytes(b"made")
    log.write_bytes(b"log")
    spec = [{"name": "x", "shape": [1], "dtype": "float32"}]
    verdict = AttemptResult(
        failure_type=FailureType.SUCCESS,
        report={"target_model_type": "MODEL_TYPE_ONNX", "input_spec": spec, "output_spec": spec},
        outputs={"target_model": Output.from_file(made)},
        log=Output.from_file(log),
    )
    with world.store.write() as db:
        old = lifecycle.claim(db, key)
        assert old is not None
        assert lifecycle.requeue(db, old)
        new = lifecycle.claim(db, key)
        assert new is not None
        assert lifecycle.finish(db, old, verdict) == []
    assert world.get_model(target).file_id is None
    assert made.exists()
    assert log.exists()
    with world.store.write() as db:
        assert lifecycle.finish(db, new, verdict) == [key]
    assert world.get_model(target).producer_attempt == 2


def test_a_lost_attempt_counts_unless_another_has_superseded_it(world: SchedulerHarness) -> None:
    key, _ = world.compile()
    lifecycle = Lifecycle(world.storage, world.work, now)
    with world.store.write() as db:
        old = lifecycle.claim(db, key)
        assert old is not None
        assert lifecycle.lose(db, old)
        new = lifecycle.claim(db, key)
        assert new is not None
        assert not lifecycle.lose(db, old)
    assert (new.attempt, new.losses) == (2, 1)
    assert world.job(key) == new


def test_a_job_is_claimed_once(world: SchedulerHarness) -> None:
    key, _ = world.compile()
    lifecycle = Lifecycle(world.storage, world.work, now)
    with world.store.write() as db:
        assert lifecycle.claim(db, key) is not None
        assert lifecycle.claim(db, key) is None
        assert lifecycle.claim(db, "jnone0000") is None
    assert world.job(key).attempt == 1


def test_cancelling_what_has_ended_changes_nothing(world: SchedulerHarness) -> None:
    key, _ = world.compile()
    with world.running():
        done = world.wait_for_state(key, states.DONE)
        assert world.cancel(key) == []
    assert world.job(key) == done


def test_cancelling_ends_what_waits_for_the_model_with_the_reason(world: SchedulerHarness) -> None:
    world.worker.may_finish.clear()
    first, target = world.compile()
    second, second_target = world.compile(target)
    third = world.submit("profile", input=[second_target])
    with world.running():
        world.wait_until(lambda: world.worker.running == 1)
        assert world.cancel(first) == [first, second, third]
    assert world.job(first).failure_type == FailureType.CANCELLED
    assert world.job(first).failure_reason == "Cancelled by ada@example.com."
    for key in (second, third):
        assert world.job(key).failure_type == FailureType.DEPENDENCY
        assert world.job(key).cause_id == first
    assert world.get_model(target).file_id is None
    assert sorted(world.ended) == sorted([first, second, third])


ATTEMPTS = st.lists(
    st.tuples(st.sampled_from(["claim", "cancel", *STEPS]), st.integers(0, 3)), max_size=25
)


@settings(max_examples=60)
@given(ATTEMPTS)
def test_only_the_attempt_that_the_job_is_at_moves_it_and_an_end_is_the_end(
    steps: list[tuple[str, int]],
) -> None:
    with TemporaryDirectory() as folder:
        store, storage = SqliteStore(Path(folder)), FolderStore(Path(folder))
        lifecycle = Lifecycle(storage, WorkFolders(Path(folder)), now)
        held: list[Job] = []
        with store.write() as db:
            ada = ensure_user(db, "ada@example.com")
            key = add_job(db, ada, "profile")
            has_ended = False
            for name, which in steps:
                before = JOBS.get(db, key)
                assert before is not None
                if name == "claim":
                    claimed = lifecycle.claim(db, key)
                    assert (claimed is not None) == (before.state == states.CREATED)
                    held += [claimed] if claimed else []
                elif name == "cancel":
                    ended = lifecycle.cancel(db, before, "ada@example.com")
                    assert bool(ended) == (before.state in states.UNFINISHED_STATES)
                elif held:
                    job = held[which % len(held)]
                    current = (
                        job.attempt == before.attempt and before.state in states.RUNNING_STATES
                    )
                    moved = STEPS[name](lifecycle, db, job)
                    # A worker that is at work already need not say so again.
                    assert bool(moved) == current or (name, before.state) == (
                        "advance",
                        states.KINDS["profile"].working_state,
                    )
                after = JOBS.get(db, key)
                assert after is not None
                assert after.attempt >= before.attempt
                if before.state in states.FINISHED_STATES:
                    assert after == before
                has_ended = after.state in states.FINISHED_STATES
            assert len(get_artifacts(db, [key])[key]) == has_ended
        store.close()
