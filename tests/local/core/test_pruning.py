"""What a hub no longer keeps goes, and nothing that anybody still needs."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, func, select
from support.store_builders import add_dataset, add_job, add_model

from qai_hub.local.core import kinds as states
from qai_hub.local.core.pruning import Pruner, preview
from qai_hub.local.store import Store
from qai_hub.local.store.files import add_file, save_cache_entry
from qai_hub.local.store.people import share
from qai_hub.local.store.pruning import find_position
from qai_hub.local.store.records import Artifact, File, User
from qai_hub.local.store.relations import add_artifacts, add_result
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS
from qai_hub.local.store.schema import (
    artifacts,
    datasets,
    ended_jobs,
    files,
    jobs,
    makers,
    models,
    results,
    shares,
    uses,
)
from qai_hub.local.store.stored_sizes import get_stored

OLD, CUT, NEW = (f"2026-0{month}-01T00:00:00.000000Z" for month in (2, 3, 4))


@dataclass(frozen=True)
class Made:
    """A job, and what it has made."""

    job: str
    target: str
    output: str


def add_file_for(db: Connection, owner: User, name: str) -> str:
    add_file(db, File(name, 10, None), owner.id)
    return name


def add_source(db: Connection, owner: User) -> str:
    key = add_model(db, owner)
    MODELS.update(db, key, file_id=add_file_for(db, owner, f"f{key}"))
    return key


def add_ended(db: Connection, owner: User, source: str, completed: str | None = OLD) -> Made:
    """Add a job, with all that jobs have; one that has not ended if there is no time."""
    target, output = add_model(db, owner), add_dataset(db, owner)
    state = states.CREATED if completed is None else states.DONE
    key = add_job(db, owner, state=state, input=[source], target=[target], output=[output])
    MODELS.update(db, target, producer_id=key, file_id=add_file_for(db, owner, f"f{target}"))
    DATASETS.update(db, output, file_id=add_file_for(db, owner, f"f{output}"))
    add_artifacts(db, Artifact(key, "log", "hub.log", add_file_for(db, owner, f"f{key}")))
    if completed is not None:
        JOBS.update(db, key, completed=completed)
        add_result(db, key, {})
        job = JOBS.get(db, key)
        assert job is not None
        save_cache_entry(db, f"key of {key}", job)
    share(db, key, ["eve@example.com"])
    return Made(key, target, output)


def keys(db: Connection, table: Table, name: str = "id") -> set[str]:
    return set(db.execute(select(table.c[name])).scalars())


def count(db: Connection, table: Table) -> int:
    return db.execute(select(func.count()).select_from(table)).scalar_one()


class Removed(list[str]):
    """The files that were deleted."""

    def __call__(self, names: Iterable[str]) -> None:
        self.extend(names)


def test_a_job_goes_with_all_that_is_about_it(store: Store, ada: User) -> None:
    removed = Removed()
    with store.write() as db:
        source = add_source(db, ada)
        add_ended(db, ada, source)
        kept = add_ended(db, ada, source, NEW)
        assert get_stored(db, ada.id) == 70
    (done, *_) = Pruner(store.write, removed).prune_jobs(CUT)
    assert (done.jobs, done.models, done.datasets, len(done.files)) == (1, 1, 1, 3)
    assert sorted(removed) == sorted(done.files)
    with store.read() as db:
        assert keys(db, jobs) == {kept.job}
        assert keys(db, models) == {source, kept.target}
        assert keys(db, datasets) == {kept.output}
        for table in (artifacts, results, makers, uses):
            assert keys(db, table, "job_id") == {kept.job}
        assert keys(db, shares, "object_id") == {kept.job}
        assert count(db, files) == 4
        assert get_stored(db, ada.id) == 40
        assert db.execute(select(func.sum(ended_jobs.c.number))).scalar_one() == 1


def test_what_another_job_has_stays_whoever_owns_it(store: Store, ada: User, bob: User) -> None:
    with store.write() as db:
        first = add_ended(db, ada, add_source(db, ada))
        second = add_ended(db, bob, first.target)
        waiting = add_job(db, ada, input=[second.target])
    before_end = [each.jobs for each in Pruner(store.write, Removed()).prune_jobs(CUT)]
    assert sum(before_end) == 0
    with store.write() as db:
        JOBS.update(db, waiting, state=states.FAILED, completed=OLD)
    # Only Ada's, of whose models Bob's job has one.
    for _ in Pruner(store.write, Removed(), ada.id).prune_jobs(CUT):
        pass
    with store.read() as db:
        assert keys(db, jobs) == {first.job, second.job}
    for _ in Pruner(store.write, Removed()).prune_jobs(CUT):
        pass
    with store.read() as db:
        assert count(db, jobs) == 0


def test_files_that_others_got_from_the_cache_stay(store: Store, ada: User, bob: User) -> None:
    with store.write() as db:
        made = add_ended(db, ada, add_source(db, ada))
        copy = add_model(db, bob)
        MODELS.update(db, copy, file_id=f"f{made.target}")
    removed = Removed()
    for _ in Pruner(store.write, removed).prune_jobs(CUT):
        pass
    assert f"f{made.target}" not in removed
    with store.read() as db:
        assert get_stored(db, bob.id) == 10


def test_uploaded_models_go_once_no_job_has_them(store: Store, ada: User) -> None:
    removed = Removed()
    with store.write() as db:
        used, unused = add_source(db, ada), add_source(db, ada)
        add_ended(db, ada, used, NEW)
    pruner = Pruner(store.write, removed)
    assert sum(each.models for each in pruner.prune_models("2026-01-01")) == 0
    assert sum(each.models for each in pruner.prune_models(CUT)) == 1
    assert removed == [f"f{unused}"]
    with store.read() as db:
        assert used in keys(db, models)


def test_files_of_expired_datasets_go_unless_a_job_is_to_read_them(store: Store, ada: User) -> None:
    removed = Removed()
    with store.write() as db:
        names = {"old": OLD, "needed": OLD, "new": NEW, "for ever": None}
        made = {name: add_dataset(db, ada, expires=expires) for name, expires in names.items()}
        for key in made.values():
            DATASETS.update(db, key, file_id=add_file_for(db, ada, f"f{key}"))
        add_job(db, ada, "profile", dataset=[made["needed"]])
    for _ in Pruner(store.write, removed).release_datasets(CUT):
        pass
    assert removed == [f"f{made['old']}"]
    with store.read() as db:
        assert keys(db, datasets) == set(made.values())
        assert get_stored(db, ada.id) == 30


@pytest.mark.parametrize("number", [0, 1, 2, 7])
def test_a_position_is_found_whatever_is_missing(store: Store, ada: User, number: int) -> None:
    with store.write() as db:
        made = [add_model(db, ada) for _ in range(number)]
        for index, key in enumerate(made):
            MODELS.update(db, key, created=f"t{index}")
        for key in made[1::3]:
            MODELS.delete(db, key)
        kept = [(row.seq, row.created) for row in db.execute(select(models))]
        for moment in ("s", *(f"t{index}" for index in range(number)), "u"):
            position = find_position(db, models, moment)
            for seq, created in kept:
                assert (seq < position) == (created <= moment)


def test_a_crash_in_the_middle_leaves_a_whole_that_is_continued(
    store: Store, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qai_hub.local.core.pruning._BATCH_SIZE", 2)
    with store.write() as db:
        source = add_source(db, ada)
        for _ in range(6):
            source = add_ended(db, ada, source).target
    left = [2]

    @contextmanager
    def write() -> Iterator[Connection]:
        with store.write() as db:
            yield db
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Pruner(write, Removed()).prune_jobs(CUT))
    with store.read() as db:
        assert count(db, jobs) == 2
        check_whole(db)
    assert sum(each.jobs for each in Pruner(store.write, Removed()).prune_jobs(CUT)) == 2


def check_whole(db: Connection) -> None:
    """Check that whatever is named is there."""
    there = keys(db, models) | keys(db, datasets)
    assert keys(db, uses, "object_id") <= there
    assert keys(db, uses, "job_id") | keys(db, artifacts, "job_id") <= keys(db, jobs)
    ended = Counter(
        (row.owner_id, row.kind, row.state)
        for row in db.execute(select(jobs))
        if row.state in states.FINISHED_STATES
    )
    counted = {tuple(row[:3]): row[3] for row in db.execute(select(ended_jobs)) if row[3]}
    assert counted == ended


def test_no_job_is_submitted_on_a_model_that_goes(store: Store, ada: User) -> None:
    with store.write() as db:
        source = add_source(db, ada)
        made = [add_ended(db, ada, source) for _ in range(40)]

    def submit() -> None:
        for each in made:
            with store.write() as db:
                if MODELS.get(db, each.target) is not None:
                    add_job(db, ada, input=[each.target])

    threads: list[threading.Thread] = [
        threading.Thread(target=submit),
        *(threading.Thread(target=run, args=(store,)) for _ in range(2)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as db:
        check_whole(db)


def run(store: Store) -> None:
    for _ in Pruner(store.write, Removed()).prune_jobs(CUT):
        pass


JOB = st.tuples(st.sampled_from([OLD, OLD, NEW, None]), st.integers(0, 1), st.integers(0, 30))


@given(st.lists(JOB, max_size=12), st.sampled_from([None, 0, 1]))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exactly_the_old_jobs_go_that_no_kept_one_needs(
    store: Store,
    ada: User,
    bob: User,
    many: list[tuple[str | None, int, int]],
    whose: int | None,
) -> None:
    owners = (ada, bob)
    with store.write() as outer:
        before = outer.begin_nested()
        available, made = [add_source(outer, ada)], list[Made]()
        for completed, who, number in many:
            source = available[number % len(available)]
            made.append(add_ended(outer, owners[who], source, completed))
            available.append(made[-1].target)

        @contextmanager
        def same() -> Iterator[Connection]:
            yield outer

        kept = set[str]()
        for index in reversed(range(len(many))):
            completed, who, _ = many[index]
            needed = any(
                many[later][2] % (later + 1) == index + 1 and made[later].job in kept
                for later in range(index + 1, len(many))
            )
            foreign = whose is not None and who != whose
            if completed != OLD or needed or foreign:
                kept.add(made[index].job)
        owner_id = None if whose is None else owners[whose].id
        told = sum(each.jobs for each in preview(outer, CUT, owner_id))
        done = sum(each.jobs for each in Pruner(same, Removed(), owner_id).prune_jobs(CUT))
        assert keys(outer, jobs) == kept
        assert told == done == len(many) - len(kept)
        check_whole(outer)
        before.rollback()
