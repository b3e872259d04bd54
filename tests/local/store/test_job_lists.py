"""Lists of jobs: their pages, filters and lengths, and what they cost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from support.sqlite_steps import steps_of
from support.store_builders import NOON, add_job

from qai_hub.local.core.kinds import FINISHED_STATES, KINDS, UNFINISHED_STATES
from qai_hub.local.store import Store
from qai_hub.local.store.job_lists import JobFilter, end_jobs, page_of_jobs
from qai_hub.local.store.people import ensure_user, share
from qai_hub.local.store.records import JobSummary, User
from qai_hub.local.store.rows import JOB_SUMMARIES, JOBS, Page, PageRequest
from qai_hub.local.store.schema import jobs
from qai_hub.local.store.sqlite import SqliteStore

DONE, FAILED = "JOB_STATE_DONE", "JOB_STATE_FAILED"


class Made(NamedTuple):
    """A job of a history: whose it is, its type and state, and whether all may see it."""

    owner: int
    kind_and_state: tuple[str, str]
    shared: bool


KINDS_AND_STATES = st.sampled_from(
    sorted((kind.name, state) for kind in KINDS.values() for state in kind.states)
)
HISTORIES = st.lists(
    st.builds(Made, st.integers(0, 2), KINDS_AND_STATES, st.booleans()), max_size=12
)
STATES = st.none() | st.sets(KINDS_AND_STATES)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = SqliteStore(tmp_path_factory.mktemp("store") / "data", durable=False)
    yield store
    store.close()


class RolledBackError(Exception):
    """Ends a transaction that is to leave no trace."""


@contextmanager
def history(store: Store, made: list[Made]) -> Iterator[tuple[Connection, list[User], list[str]]]:
    """Store jobs for the time of a block; yield a transaction, the users, and the jobs by age."""
    with suppress(RolledBackError), store.write() as db:
        users = [ensure_user(db, f"{name}@example.com") for name in ("ada", "bob", "zoe")]
        keys = [add_job(db, users[owner], kind, state=state) for owner, (kind, state), _ in made]
        for job, key in zip(made, keys, strict=True):
            if job.shared:
                share(db, key, [user.email for user in users])
        yield db, users, keys
        raise RolledBackError


@given(HISTORIES, st.none() | st.integers(0, 2), STATES, st.integers(1, 5))
@settings(deadline=None)
def test_a_list_has_the_jobs_that_it_is_filtered_by(
    empty: Store,
    made: list[Made],
    owner: int | None,
    wanted: set[tuple[str, str]] | None,
    limit: int,
) -> None:
    with history(empty, made) as (db, users, keys):
        expected = [
            key
            for key, job in reversed([*zip(keys, made, strict=True)])
            if (job.owner == 0 or job.shared)
            and owner in (None, job.owner)
            and (wanted is None or job.kind_and_state in wanted)
        ]
        chosen = JobFilter(None if owner is None else users[owner].id, wanted)

        def read(request: PageRequest) -> Page[JobSummary]:
            page = page_of_jobs(db, JOB_SUMMARIES, users[0], request, chosen)
            assert page.total == len(expected)
            return page

        found, cursor = list[str](), None
        while True:
            page = read(PageRequest(limit, cursor=cursor))
            found += [job.id for job in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == expected
        by_offset = read(PageRequest(limit, offset=2)).items
        assert [job.id for job in by_offset] == expected[2 : 2 + limit]


def test_a_job_is_counted_once_however_often_it_is_ended(store: Store, ada: User) -> None:
    with store.write() as db:
        keys = [add_job(db, ada, kind) for kind in ("compile", "compile", "profile")]
        unfinished = jobs.c.state.not_in(FINISHED_STATES)
        assert end_jobs(db, keys[:2], unfinished, state=DONE) == keys[:2]
        assert end_jobs(db, keys, unfinished, state=FAILED) == keys[2:]
        totals = {
            state: page_of_jobs(db, JOBS, ada, PageRequest(1), filtered({state})).total
            for state in (DONE, FAILED)
        }
    assert totals == {DONE: 2, FAILED: 1}


def test_jobs_whose_end_is_rolled_back_are_not_counted(store: Store, ada: User) -> None:
    with store.write() as db:
        key = add_job(db, ada)
    with suppress(RolledBackError), store.write() as db:
        end_jobs(db, [key], state=DONE)
        raise RolledBackError
    with store.read() as db:
        assert page_of_jobs(db, JOBS, ada, PageRequest(1), filtered({DONE})).total == 0
        assert page_of_jobs(db, JOBS, ada, PageRequest(1), JobFilter()).total == 1


def filtered(states: set[str], kinds: tuple[str, ...] = tuple(KINDS)) -> JobFilter:
    return JobFilter(
        states=[(kind, state) for kind in kinds for state in KINDS[kind].states & states]
    )


LISTS: dict[str, Callable[[User, User], JobFilter]] = {
    "all": lambda *_: JobFilter(),
    "a rare state": lambda *_: filtered({FAILED}),
    "a frequent state": lambda *_: filtered({DONE}),
    "states of unfinished jobs": lambda *_: filtered({*UNFINISHED_STATES}),
    "a rare type": lambda *_: filtered({*FINISHED_STATES, *UNFINISHED_STATES}, ("link",)),
    "a frequent type": lambda *_: filtered({*FINISHED_STATES, *UNFINISHED_STATES}, ("compile",)),
    "a rare state of a rare type": lambda *_: filtered({FAILED}, ("link",)),
    "one's own": lambda ada, _: JobFilter(ada.id),
    "another's": lambda _, bob: JobFilter(bob.id),
    "another's that failed": lambda _, bob: JobFilter(bob.id, [("compile", FAILED)]),
}


def add_many(db: Connection, owner: User, number: int) -> None:
    """Add compile jobs that are done, as if they had ended one by one."""
    db.execute(
        text(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number) "
            "INSERT INTO jobs (id, owner_id, project_id, name, created, kind, options, state, "
            "updated, attempt, losses, failure_type) SELECT 'j' || :owner || '-' || i, :owner, "
            ":project, 'work', :noon, 'compile', '', 'JOB_STATE_DONE', :noon, 1, 0, '' FROM n"
        ),
        {"number": number, "owner": owner.id, "project": owner.project_id, "noon": NOON},
    )


@pytest.mark.sqlite
def test_a_page_of_a_list_costs_the_same_however_many_jobs_there_are(
    store: Store, ada: User, bob: User
) -> None:
    def steps() -> dict[str, int]:
        first = page_of_jobs(db, JOBS, ada, PageRequest(5), JobFilter())
        pages = {"first": PageRequest(5), "next": PageRequest(5, cursor=first.cursor)}
        return {
            f"{name}, {place}": steps_of(
                db, partial(page_of_jobs, db, JOBS, ada, request, choose(ada, bob))
            )
            for name, choose in LISTS.items()
            for place, request in pages.items()
        }

    with store.write() as db:
        for kind in ("compile", "link", "profile"):
            for state in (DONE, FAILED):
                for _ in range(6):
                    add_job(db, ada, kind, state=state)
        share(db, add_job(db, bob, state=FAILED), [ada.email])
        before = steps()
        add_many(db, ada, 10_000)
        add_many(db, bob, 10_000)
        after = steps()
    # One that passes over all jobs takes a step or more for each.
    grown = {name: after[name] - before[name] for name in before}
    assert {name: number for name, number in grown.items() if number > 1000} == {}
