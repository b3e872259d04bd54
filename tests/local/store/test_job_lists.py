"""Lists of jobs: their pages, filters and lengths, and what they cost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, text
from support.sqlite_steps import steps_of
from support.store_builders import NOON, add_job, add_model

from qai_hub.local.core.kinds import CREATED, FINISHED_STATES, KINDS, UNFINISHED_STATES
from qai_hub.local.store import Store
from qai_hub.local.store.job_lists import JobFilter, end_jobs, page_of_jobs
from qai_hub.local.store.people import ensure_user, share
from qai_hub.local.store.records import JobSummary, User
from qai_hub.local.store.relations import add_uses
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


@given(HISTORIES, st.none() | st.integers(0, 2), STATES, st.integers(1, 5), st.booleans())
@settings(deadline=None)
def test_a_list_has_the_jobs_that_it_is_filtered_by(
    empty: Store,
    made: list[Made],
    owner: int | None,
    wanted: set[tuple[str, str]] | None,
    limit: int,
    oldest: bool,
) -> None:
    with history(empty, made) as (db, users, keys):
        expected = [
            key
            for key, job in zip(keys, made, strict=True)
            if (job.owner == 0 or job.shared)
            and owner in (None, job.owner)
            and (wanted is None or job.kind_and_state in wanted)
        ][:: 1 if oldest else -1]
        chosen = JobFilter(None if owner is None else users[owner].id, wanted)

        def read(request: PageRequest) -> Page[JobSummary]:
            page = page_of_jobs(db, JOB_SUMMARIES, users[0], request, chosen)
            assert page.total == len(expected)
            return page

        found, cursor = list[str](), None
        while True:
            page = read(PageRequest(limit, cursor=cursor, oldest_first=oldest))
            found += [job.id for job in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == expected
        by_offset = read(PageRequest(limit, offset=2, oldest_first=oldest)).items
        assert [job.id for job in by_offset] == expected[2 : 2 + limit]


class Searched(NamedTuple):
    """A job to search for: its name, device, hour of submission, and whether it uses the model."""

    owner: int
    name: str
    device: str | None
    hour: int
    uses_model: bool
    shared: bool


NAMES = ("Net", "net_2", "NETZ", "Größe", "GRÖSSE", "100%", "a'b\\", "😀 net")
SEARCHED = st.lists(
    st.builds(
        Searched,
        st.integers(0, 1),
        st.sampled_from(NAMES),
        st.none() | st.sampled_from(["Galaxy S24", "GALAXY S23"]),
        st.integers(0, 9),
        st.booleans(),
        st.booleans(),
    ),
    max_size=10,
)
HOURS = st.none() | st.integers(0, 9)


def at(hour: int) -> str:
    return f"2026-01-02T{hour:02}:00:00.000000Z"


@given(
    SEARCHED,
    st.sampled_from(("", "NET", "grö", "%", "_", "'", "\\", "😀")),
    st.sampled_from(("", "s2", "S24")),
    st.booleans(),
    HOURS,
    HOURS,
    st.integers(1, 3),
    st.integers(1, 4),
    st.booleans(),
)
@settings(deadline=None)
def test_a_search_finds_all_jobs_that_fit_however_few_are_looked_at_for_a_page(
    empty: Store,
    made: list[Searched],
    text: str,
    device: str,
    of_model: bool,
    after: int | None,
    before: int | None,
    limit: int,
    searched: int,
    oldest: bool,
) -> None:
    plain = [Made(job.owner, ("compile", DONE), job.shared) for job in made]
    with history(empty, plain) as (db, users, keys):
        model = add_model(db, users[0])
        for job, key in zip(made, keys, strict=True):
            found_on = None if job.device is None else {"name": job.device}
            JOBS.update(db, key, name=job.name, device=found_on, created=at(job.hour))
            if job.uses_model:
                add_uses(db, key, "input", [model])
        expected = [
            key
            for key, job in zip(keys, made, strict=True)
            if (job.owner == 0 or job.shared)
            and (text.lower() in job.name.lower() or text.lower() in key)
            and (device.lower() in (job.device or "").lower())
            and (not of_model or job.uses_model)
            and (after is None or job.hour >= after)
            and (before is None or job.hour < before)
        ][:: 1 if oldest else -1]
        chosen = JobFilter(
            text=text,
            device=device,
            model_id=model if of_model else None,
            after=None if after is None else at(after),
            before=None if before is None else at(before),
        )
        found, cursor, pages = list[str](), None, 0
        while True:
            request = PageRequest(limit, cursor=cursor, oldest_first=oldest)
            page = page_of_jobs(db, JOB_SUMMARIES, users[0], request, chosen, searched=searched)
            assert len(page.items) <= limit
            assert page.total >= len(expected)
            found += [job.id for job in page.items]
            cursor, pages = page.cursor, pages + 1
            if cursor is None:
                break
            if page.searched_to is not None:
                last = JOBS.get(db, keys[_index_of(db, keys, cursor)])
                assert last is not None
                assert page.searched_to == last.created
        assert found == expected
        assert pages > 1 or page.total == len(expected)


def _index_of(db: Connection, keys: list[str], seq: int) -> int:
    by_id = JOBS.get_many(db, keys)
    return next(at for at, key in enumerate(keys) if by_id[key].seq == seq)


def test_characters_that_have_a_meaning_in_patterns_have_none_in_a_search(
    store: Store, ada: User
) -> None:
    with store.write() as db:
        JOBS.update(db, add_job(db, ada), name="100% _x")
        for text, number in (("0% _X", 1), ("%x", 0), ("___", 0), ("\\", 0)):
            page = page_of_jobs(db, JOBS, ada, PageRequest(9), JobFilter(text=text))
            assert len(page.items) == number, text


# PostgreSQL knows the letters of the database's locale.
@pytest.mark.sqlite
def test_capitals_of_all_languages_are_found(store: Store, ada: User) -> None:
    with store.write() as db:
        for text, name in (("grö", "GRÖẞE"), ("ΕΛΛΆ", "Ελλάδα"), ("ä", "Ä")):
            JOBS.update(db, add_job(db, ada), name=name)
            page = page_of_jobs(db, JOBS, ada, PageRequest(9), JobFilter(text=text))
            assert [job.name for job in page.items] == [name]


def test_a_search_looks_at_a_limited_number_of_jobs(store: Store, ada: User) -> None:
    with store.write() as db:
        model = add_model(db, ada)
        keys = [add_job(db, ada, input=[model]) for _ in range(7)]
        JOBS.update(db, keys[0], name="rare", device={"name": "rare"})
        for chosen in (
            JobFilter(text="RARE"),
            JobFilter(device="Rare"),
            JobFilter(ada.id, text="rare"),
            JobFilter(states=[("compile", CREATED)], text="rare"),
            JobFilter(text="rare", model_id=model),
        ):
            found, cursor = list[int](), None
            for _ in range(3):
                request = PageRequest(2, cursor=cursor)
                page = page_of_jobs(db, JOBS, ada, request, chosen, searched=3)
                found.append(len(page.items))
                cursor = page.cursor
            assert (found, cursor) == ([0, 0, 1], None), chosen


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
    "of a model": lambda *_: JobFilter(model_id="m0"),
    "of a model that failed": lambda ada, _: JobFilter(ada.id, [("link", FAILED)], model_id="m0"),
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
        pages = {
            "first": PageRequest(5),
            "next": PageRequest(5, cursor=first.cursor),
            "oldest": PageRequest(5, oldest_first=True),
        }
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


def rows_read(db: Connection, query: Callable[[], object]) -> float:
    """Return the number of rows that PostgreSQL handles for the statements of a query."""
    statements = list[tuple[str, Any]]()

    def note(_: Connection, __: object, statement: str, parameters: Any, *___: object) -> None:
        statements.append((statement, parameters))

    event.listen(db, "before_cursor_execute", note)
    query()
    event.remove(db, "before_cursor_execute", note)
    explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "
    plans = [db.exec_driver_sql(explain + each, values).scalar_one() for each, values in statements]

    def count(node: dict[str, Any]) -> float:
        inner = sum(count(each) for each in node.get("Plans", ()))
        return float(node["Actual Rows"] * node["Actual Loops"]) + inner

    return sum(count(plan[0]["Plan"]) for plan in plans)


def test_a_page_of_a_list_reads_few_rows_on_postgresql(store: Store, ada: User, bob: User) -> None:
    with store.write() as db:
        if db.dialect.name != "postgresql":
            pytest.skip("SQLite's steps are counted.")
        add_many(db, ada, 10_000)
        add_many(db, bob, 1000)
        share(db, add_job(db, bob, state=FAILED), [ada.email])
        db.execute(text("ANALYZE"))
        read = {
            name: rows_read(
                db, partial(page_of_jobs, db, JOBS, ada, request, choose(ada, bob), searched=100)
            )
            for name, choose in {**LISTS, "searched": lambda *_: JobFilter(text="rare")}.items()
            for request in (PageRequest(5), PageRequest(5, oldest_first=True))
        }
    assert {name: number for name, number in read.items() if number > 1000} == {}
