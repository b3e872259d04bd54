"""What is deleted while jobs are under way: the cache gives it to none, and none fails for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.scheduler_harness import SchedulerHarness

from qai_hub.local.clock import now, rfc3339
from qai_hub.local.core import kinds as states
from qai_hub.local.core.cache import Cache
from qai_hub.local.core.pruning import Pruner
from qai_hub.local.store import Store
from qai_hub.local.store.files import delete_cache_entry
from qai_hub.local.store.records import Job, User
from qai_hub.local.store.rows import JOBS, MODELS


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User) -> SchedulerHarness:
    return SchedulerHarness(store, tmp_path, ada)


def delete(world: SchedulerHarness, target: str, maker: str) -> None:
    """Delete the target model of a job, as its owner does."""
    with world.store.write() as db:
        delete_cache_entry(db, maker)
        MODELS.delete(db, target)


def prune(world: SchedulerHarness, _: str, maker: str) -> None:
    """Delete a job, as a hub does that keeps jobs for a time only."""
    for _done in Pruner(world.store.write, lambda _: None).prune_jobs(rfc3339(now())):
        pass
    with world.store.read() as db:
        assert JOBS.get(db, maker) is None


@pytest.mark.parametrize("delete", [delete, prune])
def test_a_model_that_is_deleted_as_it_is_given_again_is_made_instead(
    world: SchedulerHarness,
    monkeypatch: pytest.MonkeyPatch,
    delete: Callable[[SchedulerHarness, str, str], None],
) -> None:
    source = world.model()
    first, made = world.compile(source)
    with world.running(cache=True):
        world.wait_for_state(first, states.DONE)
    find = Cache.find

    def found_then_deleted(self: Cache, key: str, owner_id: int) -> Job | None:
        maker = find(self, key, owner_id)
        if maker is not None and maker.id == first:
            delete(world, made, first)
        return maker

    monkeypatch.setattr(Cache, "find", found_then_deleted)
    second, target = world.compile(source)
    with world.running(cache=True):
        job = world.wait_for_state(second, states.DONE)
    assert job.attempt == 2
    assert len(world.worker.requests) == 2
    model = world.get_model(target)
    assert world.storage.file_path(model.file_id or "").read_bytes() == b"made from body"


def test_the_cache_finds_nothing_of_a_deleted_model(world: SchedulerHarness) -> None:
    source = world.model()
    first, made = world.compile(source)
    with world.running(cache=True):
        world.wait_for_state(first, states.DONE)
    delete(world, made, first)
    second, _ = world.compile(source)
    with world.running(cache=True):
        world.wait_for_state(second, states.DONE)
    assert len(world.worker.requests) == 2
