"""The store: the data folder, its transactions, and lists that stay fast."""

import errno
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import IntegrityError
from support.sqlite_steps import steps_of
from support.store_builders import NOON, add_dataset, add_job, add_model

from qai_hub.local.config import LABELS
from qai_hub.local.store import DataFolderError, Store, records
from qai_hub.local.store import schema as tables
from qai_hub.local.store.files import (
    Part,
    StoredResponse,
    add_upload,
    claim_key,
    delete_responses,
    delete_uploads,
    get_parts,
    save_part,
    save_response,
)
from qai_hub.local.store.labels import served_needs
from qai_hub.local.store.people import (
    ensure_user,
    get_users,
    get_users_version,
    normalize_email,
    read_accounts,
    share,
    write_accounts,
)
from qai_hub.local.store.records import Account, Upload, User
from qai_hub.local.store.relations import (
    count_jobs,
    find_job_using,
    first_ready_jobs,
    get_dependents,
    get_queue_lengths,
    get_uses,
    mark_ready,
)
from qai_hub.local.store.rows import JOBS, MODELS, PageRequest
from qai_hub.local.store.sqlite import SqliteStore


def test_the_folder_and_the_database_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "data"
    store = SqliteStore(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    names = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    store.close()
    assert set(names) >= {"hub.db", "hub.db-wal", "lock.db"}
    assert set(names.values()) == {0o600}


@pytest.mark.sqlite
def test_two_hubs_cannot_share_a_folder(tmp_path: Path, store: Store) -> None:
    with pytest.raises(DataFolderError, match="Another hub is using"):
        SqliteStore(tmp_path / "data")
    code = (
        "import pathlib; from qai_hub.local.store.sqlite import SqliteStore; "
        f"SqliteStore(pathlib.Path({str(tmp_path / 'data')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Another hub is using" in done.stderr
    store.close()
    SqliteStore(tmp_path / "data").close()


def test_a_hub_that_is_killed_leaves_the_folder_free(tmp_path: Path) -> None:
    code = (
        "import os, pathlib; from qai_hub.local.store.sqlite import SqliteStore; "
        f"store = SqliteStore(pathlib.Path({str(tmp_path)!r})); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 9
    SqliteStore(tmp_path).close()


def test_what_is_stored_and_the_secret_outlast_the_process(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path)
    with first.write() as db:
        user = ensure_user(db, "ada@example.com")
    secret = first.secret
    first.close()
    second = SqliteStore(tmp_path)
    with second.read() as db:
        assert get_users(db) == [user]
    assert second.secret == secret
    second.close()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    with sqlite3.connect(tmp_path / "hub.db") as db:
        db.execute("UPDATE settings SET value = '999' WHERE name = 'schema_version'")
    db.close()
    with pytest.raises(DataFolderError, match="newer release"):
        SqliteStore(tmp_path)
    with pytest.raises(DataFolderError, match="newer release"):
        SqliteStore(tmp_path)


def test_the_database_runs_as_meant(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store, store.read() as db:
        pragmas = {
            name: db.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_records_and_tables_name_the_same_columns() -> None:
    pairs = [
        (records.File, tables.files),
        (records.Model, tables.models),
        (records.Dataset, tables.datasets),
        (records.Job, tables.jobs),
        (records.Artifact, tables.artifacts),
        (records.Upload, tables.uploads),
        (Part, tables.parts),
        (StoredResponse, tables.idempotency),
    ]
    # What no record tells.
    unread = {"files": {"owner_id"}, "jobs": {"lease"}}
    for record, table in pairs:
        found = {field.name for field in fields(record)}
        assert found == set(table.c.keys()) - unread.get(table.name, set()), table.name
    for record, table in ((Part, tables.parts), (StoredResponse, tables.idempotency)):
        assert [field.name for field in fields(record)] == list(table.c.keys())


@pytest.mark.sqlite
def test_a_database_without_room_says_that_the_disk_is_full(store: Store) -> None:
    def fill(store: Store) -> None:
        with store.write() as db:
            pages = db.execute(text("PRAGMA page_count")).scalar_one()
            db.execute(text(f"PRAGMA max_page_count = {pages}"))
            for number in range(1000):
                ensure_user(db, f"user{number}@example.com")

    with pytest.raises(OSError, match="No space left") as caught:
        fill(store)
    assert caught.value.errno == errno.ENOSPC
    with store.read() as db:
        assert get_users(db) == []


def test_an_exception_undoes_a_transaction(store: Store) -> None:
    def fail() -> None:
        with store.write() as db:
            ensure_user(db, "ada@example.com")
            db.execute(tables.users.insert(), {"email": "ada@example.com"})

    with pytest.raises(IntegrityError):
        fail()
    with store.read() as db:
        assert get_users(db) == []


def test_what_comes_before_a_commit_decides_about_it(store: Store) -> None:
    answers = iter([None, OSError("the disk is gone")])

    def sync() -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    store.before_commit(sync)
    with store.write() as db:
        ada = ensure_user(db, "ada@example.com")
    with pytest.raises(OSError, match="the disk is gone"), store.write() as db:
        ensure_user(db, "bob@example.com")
    with store.read() as db:
        assert get_users(db) == [ada]


def test_a_reader_sees_one_state_while_a_writer_writes(store: Store, ada: User) -> None:
    with store.read() as reader:
        assert len(get_users(reader)) == 1
        with store.write() as writer:
            ensure_user(writer, "bob@example.com")
        assert get_users(reader) == [ada]


def test_writers_in_many_threads_take_turns(store: Store, ada: User) -> None:
    def work() -> None:
        for _ in range(20):
            with store.write() as db:
                count = db.execute(text("SELECT count(*) FROM models")).scalar_one()
                add_model(db, ada)
                seen.append(count)

    seen: list[int] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(80))


def test_accounts_are_read_as_they_were_written(store: Store, ada: User, bob: User) -> None:
    accounts = {
        ada.email: Account(ada.email, "start", active=False, tokens=frozenset({"1", "2"})),
        bob.email: Account(bob.email, "added", active=True),
        "zoe@example.com": Account("zoe@example.com", tokens=frozenset({"3"})),
    }
    with store.write() as db:
        write_accounts(db, accounts)
    with store.write() as db:
        assert read_accounts(db) == accounts
        version = get_users_version(db)
        write_accounts(db, accounts)
        assert get_users_version(db) == version
        # A token passes from one to another.
        accounts[ada.email] = Account(ada.email, tokens=frozenset({"3"}))
        accounts["zoe@example.com"] = Account("zoe@example.com", tokens=frozenset({"1"}))
        write_accounts(db, accounts)
        assert get_users_version(db) == version + 1
    with store.read() as db:
        assert read_accounts(db) == accounts


@pytest.mark.parametrize(
    ("written", "meant"), [(" Ada@Example.COM ", "ada@example.com"), ("a@b", "a@b")]
)
def test_addresses_are_normalized(written: str, meant: str) -> None:
    assert normalize_email(written) == meant


@pytest.mark.parametrize(
    "bad", ["", "ada", "a@", "@b", "a b@c", "a@b@c", "a,b@c", "a\x00@b", "a" * 65 + "@b"]
)
def test_what_is_no_address_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        normalize_email(bad)


@given(st.text())
def test_normalizing_is_idempotent(written: str) -> None:
    try:
        once = normalize_email(written)
    except ValueError:
        return
    assert normalize_email(once) == once


def test_pages_by_cursor_and_by_offset_tell_the_same(store: Store, ada: User, bob: User) -> None:
    with store.write() as db:
        made = [add_model(db, ada) for _ in range(7)]
        theirs = add_model(db, bob)
        add_model(db, bob)
        share(db, theirs, [ada.email])
        expected = [theirs, *reversed(made)]
        pages, cursor = [], None
        while True:
            page = MODELS.page(db, ada, PageRequest(limit=3, cursor=cursor))
            assert page.total == 8
            pages.append([model.id for model in page.items])
            cursor = page.cursor
            if cursor is None:
                break
        by_offset = [
            MODELS.page(db, ada, PageRequest(limit=3, offset=offset)).items for offset in (0, 3, 6)
        ]
    assert pages == [expected[0:3], expected[3:6], expected[6:8]]
    assert [[model.id for model in items] for items in by_offset] == pages


def test_a_new_item_does_not_shift_the_pages_behind_a_cursor(store: Store, ada: User) -> None:
    with store.write() as db:
        made = [add_model(db, ada) for _ in range(4)]
        first = MODELS.page(db, ada, PageRequest(limit=2))
        add_model(db, ada)
        second = MODELS.page(db, ada, PageRequest(limit=2, cursor=first.cursor))
        past = MODELS.page(db, ada, PageRequest(limit=2, offset=1, cursor=first.cursor))
    assert [model.id for model in second.items] == [made[1], made[0]]
    assert [model.id for model in past.items] == [made[0]]
    assert second.cursor is None


def test_filters_count_too(store: Store, ada: User) -> None:
    with store.write() as db:
        add_model(db, ada)
        made = add_model(db, ada, producer="jabc")
        page = MODELS.page(db, ada, PageRequest(limit=5), [tables.models.c.producer_id == "jabc"])
    assert ([model.id for model in page.items], page.total) == ([made], 1)


@pytest.mark.sqlite
def test_a_deep_page_of_a_long_list_is_fast_by_cursor(store: Store, ada: User) -> None:
    with store.write() as db:
        db.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
                "INSERT INTO models (id, owner_id, project_id, name, created, is_directory) "
                "SELECT 'm' || i, :owner, :project, 'net', :noon, 0 FROM n"
            ),
            {"owner": ada.id, "project": ada.project_id, "noon": NOON},
        )
        plan = db.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT id FROM models "
                "WHERE owner_id = 1 AND seq < 100 ORDER BY seq DESC LIMIT 5"
            )
        )
        assert "models_by_owner (owner_id=? AND seq<?)" in " ".join(row.detail for row in plan)
        began = time.perf_counter()
        page = MODELS.page(db, ada, PageRequest(limit=50, cursor=60))
        spent = time.perf_counter() - began
    assert (len(page.items), page.total, page.items[0].seq) == (50, 50000, 59)
    assert spent < 20


def test_jobs_are_ready_when_their_models_are_there_oldest_first(
    store: Store, ada: User, bob: User
) -> None:
    created, running = "JOB_STATE_CREATED", "JOB_STATE_OPTIMIZING_MODEL"
    with store.write() as db:
        there, missing = add_model(db, ada), add_model(db, ada)
        db.execute(tables.files.insert(), {"id": "f1", "size": 1})
        MODELS.update(db, there, file_id="f1")
        first = add_job(db, ada, input=[there])
        second = add_job(db, ada, "link", input=[there, missing])
        third = add_job(db, ada, input=[there])
        add_job(db, ada, input=[there], state=running)
        his = add_job(db, bob, input=[there])

        def ready() -> set[tuple[int, str]]:
            return {(found.owner_id, found.job_id) for found in first_ready_jobs(db, created, [""])}

        assert ready() == {(ada.id, first), (bob.id, his)}
        JOBS.update(db, first, state=running)
        JOBS.update(db, his, state=running)
        assert ready() == {(ada.id, third)}
        mark_ready(db, [missing], created)
        assert ready() == {(ada.id, third)}
        MODELS.update(db, missing, file_id="f1")
        mark_ready(db, [missing], created)
        assert ready() == {(ada.id, second)}
        assert count_jobs(db, ada.id, created) == 2
        assert find_job_using(db, missing, [created, running]) == second
        assert find_job_using(db, there, [running]) == first
        assert find_job_using(db, missing, [running]) is None


def test_what_waits_behind_jobs_is_found_once_oldest_first(store: Store, ada: User) -> None:
    with store.write() as db:
        targets = [add_model(db, ada) for _ in range(2)]
        makers = [add_job(db, ada, target=[target]) for target in targets]
        both = add_job(db, ada, "link", input=targets)
        one = add_job(db, ada, "profile", input=targets[:1])
        add_job(db, ada, "profile", input=targets[:1], state="JOB_STATE_FAILED")
        assert get_dependents(db, makers, "JOB_STATE_CREATED") == [both, one]
        assert get_dependents(db, makers[1:], "JOB_STATE_CREATED") == [both]
        assert get_dependents(db, [both], "JOB_STATE_CREATED") == []


def queue_many(db: Connection, job_id: str) -> None:
    """Queue 100,000 jobs like one."""
    names = [column.name for column in tables.jobs.c if column.name != "seq"]
    values = ["id || n" if name == "id" else name for name in names]
    db.execute(
        text(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
            f"WHERE n < 100000) INSERT INTO jobs ({', '.join(names)}) "
            f"SELECT {', '.join(values)} FROM numbers, jobs WHERE id = :id"
        ),
        {"id": job_id},
    )
    assert count_jobs(db, 1, "JOB_STATE_CREATED") > 100_000


@pytest.mark.sqlite
def test_what_the_scheduler_asks_costs_the_same_however_many_jobs_wait(
    store: Store, ada: User
) -> None:
    created = "JOB_STATE_CREATED"
    with store.write() as db:
        missing, there, target = (add_model(db, ada) for _ in range(3))
        db.execute(tables.files.insert(), {"id": "f1", "size": 1})
        MODELS.update(db, there, file_id="f1")
        queue_many(db, add_job(db, ada, input=[missing]))
        last = add_job(db, ada, input=[there], target=[target])
        behind = add_job(db, ada, "profile", input=[target])
        assert [found.job_id for found in first_ready_jobs(db, created, [""])] == [last]
        assert get_dependents(db, [last], created) == [behind]
        queries: list[Callable[[], object]] = [
            lambda: first_ready_jobs(db, created, [""]),
            lambda: get_dependents(db, [last], created),
            lambda: mark_ready(db, [target], created),
            lambda: find_job_using(db, there, [created]),
        ]
        # One that passes over those that wait takes a step or more for each.
        assert [query for query in queries if steps_of(db, query) > 1000] == []


@pytest.mark.sqlite
def test_jobs_that_others_are_to_run_cost_the_scheduler_nothing(store: Store, ada: User) -> None:
    created = "JOB_STATE_CREATED"
    with store.write() as db:
        needy = add_job(db, ada)
        JOBS.update(db, needy, needs="qnn")
        queue_many(db, needy)
        plain, big = add_job(db, ada), add_job(db, ada)
        JOBS.update(db, big, needs="big")

        def first(*needs: str) -> list[str]:
            return [found.job_id for found in first_ready_jobs(db, created, needs)]

        assert first("big") == [big]
        assert first("big", "") == first("") == [plain]
        # The oldest of all, whatever it needs.
        assert first(*served_needs(LABELS)) == [needy]
        assert first("tflite") == []
        for needs in ([""], ["tflite"], served_needs(LABELS)):
            # A look into an index for each need: those of others are not read.
            steps = steps_of(db, lambda needs=needs: first(*needs))  # type: ignore[misc]
            assert steps < 1000 + 50 * len(needs)


@pytest.mark.sqlite
def test_a_queue_is_counted_by_needs(store: Store, ada: User, bob: User) -> None:
    created = "JOB_STATE_CREATED"
    with store.write() as db:
        assert get_queue_lengths(db, created) == []
        for owner, needs, moment in ((ada, "", "b"), (bob, "qnn", "c"), (bob, "", "a")):
            JOBS.update(db, add_job(db, owner), needs=needs, created=moment)
        add_job(db, ada, state="JOB_STATE_DONE")
        # The oldest is the one that was submitted first, as clocks may be set back.
        assert get_queue_lengths(db, created) == [("", 2, "b"), ("qnn", 1, "c")]


def test_what_a_job_uses_keeps_its_roles_and_order(store: Store, ada: User) -> None:
    with store.write() as db:
        inputs = [add_model(db, ada) for _ in range(3)]
        target, data = add_model(db, ada), add_dataset(db, ada)
        key = add_job(db, ada, "link", input=inputs, target=[target], dataset=[data])
        uses = get_uses(db, [key])[key]
        assert JOBS.get(db, key) is not None
    assert uses.models == [*inputs, target]
    assert (uses.input, uses.datasets, uses.output) == (inputs, [data], [])


def test_parts_replace_each_other_and_go_with_their_upload(store: Store, ada: User) -> None:
    with store.write() as db:
        add_upload(db, Upload("u1", add_model(db, ada), NOON, 10, 5))
        save_part(db, Part("u1", 2, 5, "bb"))
        save_part(db, Part("u1", 1, 5, "aa"))
        save_part(db, Part("u1", 2, 4, "cc"))
        assert get_parts(db, "u1") == [Part("u1", 1, 5, "aa"), Part("u1", 2, 4, "cc")]
        delete_uploads(db, ["u1"])
        assert get_parts(db, "u1") == []


def test_a_key_is_taken_once_by_user_and_path_until_its_answer_is_forgotten(
    store: Store, ada: User, bob: User
) -> None:
    request = StoredResponse(ada.id, "/jobs/", "k", NOON, "d")
    answer = replace(request, status=201, headers={"Location": "/"}, answer={"id": "j1"})
    with store.write() as db:
        assert claim_key(db, request) is None
        save_response(db, answer)
    for other in (replace(request, user_id=bob.id), replace(request, path="/models/")):
        with store.write() as db:
            assert claim_key(db, other) is None
            assert claim_key(db, replace(request, body_digest="e")) == answer
    with store.write() as db:
        delete_responses(db, "2026-01-02T11:59:59.000000Z")
        assert claim_key(db, request) == answer
        delete_responses(db, NOON)
        assert claim_key(db, request) is None


def test_a_failure_gives_the_key_back(store: Store, ada: User) -> None:
    request = StoredResponse(ada.id, "/jobs/", "k", NOON, "d")

    def fail() -> None:
        with store.write() as db:
            claim_key(db, request)
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()


@pytest.mark.sqlite
def test_whoever_takes_a_key_at_once_gets_the_answer_of_who_had_it_first(
    tmp_path: Path, store: Store, ada: User
) -> None:
    """As two processes: by connections that know nothing of each other, and queue in SQLite."""
    url = f"sqlite:///{tmp_path / 'data' / 'hub.db'}"
    barrier, carried_out = threading.Barrier(8), []

    def ask(number: int) -> str:
        engine = create_engine(url, connect_args={"isolation_level": None, "timeout": 30})
        request = StoredResponse(ada.id, "/jobs/", "k", NOON, "d")
        barrier.wait()
        with engine.connect() as db:
            # No lock before the key: nothing but its being unique keeps them apart.
            db.exec_driver_sql("BEGIN")
            first = claim_key(db, request)
            if first is None:
                carried_out.append(number)
                time.sleep(0.05)
                first = replace(request, answer={"id": f"j{number}"})
                save_response(db, first)
            db.exec_driver_sql("COMMIT")
        engine.dispose()
        return str(first.answer["id"])

    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(ask, range(8)))
    assert given == {f"j{number}" for number in carried_out}
    assert len(carried_out) == 1
