"""A database on PostgreSQL, which several processes use at once."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection, text
from support.polling import wait_until
from support.postgresql_server import PostgresqlServer
from support.store_builders import NOON, add_job

from qai_hub.local.core.kinds import CREATED, DONE, KINDS, RUNNING_STATES
from qai_hub.local.store import DatabaseError
from qai_hub.local.store.dialect import DatabaseUnavailableError
from qai_hub.local.store.events import Topic, publish
from qai_hub.local.store.files import StoredResponse, claim_key, save_response
from qai_hub.local.store.people import ensure_user, get_users
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.store.records import User
from qai_hub.local.store.relations import count_leased_by_owner, first_ready_jobs
from qai_hub.local.store.rows import JOBS
from qai_hub.local.store.schema import jobs

END_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def connect(postgresql_url: str) -> Iterator[Callable[[], PostgresqlStore]]:
    """Opens the database of the test once more, as another process would."""
    with ExitStack() as stack:

        def open_store() -> PostgresqlStore:
            store = PostgresqlStore(postgresql_url)
            stack.callback(store.close)
            return store

        yield open_store


def test_processes_see_the_same(connect: Callable[[], PostgresqlStore]) -> None:
    first, second = connect(), connect()
    with first.write() as db:
        ada = ensure_user(db, "ada@example.com")
    with second.read() as db:
        assert get_users(db) == [ada]
    assert first.secret == second.secret


def test_a_database_without_an_encoding_has_texts_too(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database(encoding="SQL_ASCII")
    store = PostgresqlStore(url)
    try:
        with store.write() as db:
            ada = ensure_user(db, "ädä@example.com")
        with store.read() as db:
            assert get_users(db) == [ada]
    finally:
        store.close()


def test_stores_that_open_an_empty_database_at_once_agree(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database()
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(PostgresqlStore, [url] * 4))
    assert len({store.secret for store in stores}) == 1
    for store in stores:
        store.close()
    postgresql.drop_database(url)


def test_transactions_that_write_take_turns(connect: Callable[[], PostgresqlStore]) -> None:
    stores = [connect(), connect()]
    read = text("SELECT value FROM settings WHERE name = 'count'")
    with stores[0].write() as db:
        db.execute(text("INSERT INTO settings VALUES ('count', '0')"))

    def count(number: int) -> None:
        for _ in range(20):
            with stores[number % 2].write() as db:
                value = int(db.execute(read).scalar_one()) + 1
                db.execute(
                    text("UPDATE settings SET value = :v WHERE name = 'count'"), {"v": value}
                )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    with stores[1].read() as db:
        assert db.execute(read).scalar_one() == "160"


def test_one_key_is_carried_out_once_whichever_process_is_asked(
    connect: Callable[[], PostgresqlStore],
) -> None:
    stores = [connect(), connect()]
    with stores[0].write() as db:
        ada = ensure_user(db, "ada@example.com")
    barrier, carried_out = threading.Barrier(8), []

    def ask(number: int) -> str:
        request = StoredResponse(ada.id, "/jobs/", "k", NOON, "d")
        barrier.wait()
        with stores[number % 2].write() as db:
            first = claim_key(db, request)
            if first is None:
                carried_out.append(number)
                first = StoredResponse(ada.id, "/jobs/", "k", NOON, "d", answer=f"j{number}")
                save_response(db, first)
        return str(first.answer)

    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(ask, range(8)))
    assert given == {f"j{number}" for number in carried_out}
    assert len(carried_out) == 1


def test_a_read_does_not_change_while_others_write(connect: Callable[[], PostgresqlStore]) -> None:
    first, second = connect(), connect()
    with second.read() as before:
        assert get_users(before) == []
        with first.write() as db:
            ensure_user(db, "ada@example.com")
        assert get_users(before) == []
    with second.read() as after:
        assert len(get_users(after)) == 1


def test_events_reach_every_process(connect: Callable[[], PostgresqlStore]) -> None:
    first, second = connect(), connect()
    told: dict[str, list[Sequence[str] | None]] = {"first": [], "second": []}
    first.subscribe(Topic.ENDED, told["first"].append)
    second.subscribe(Topic.ENDED, told["second"].append)
    # More than one notification can hold.
    ids = [f"j{number:08}" for number in range(1200)]
    with first.write() as db:
        publish(db, Topic.ENDED, ids)
        publish(db, Topic.QUEUED)

    def received(name: str) -> list[str]:
        return [job_id for event in told[name] for job_id in event or ()]

    wait_until(lambda: received("first") == received("second") == ids)


def test_lost_connections_are_opened_again_and_listeners_look_for_themselves(
    connect: Callable[[], PostgresqlStore], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = connect(), connect()
    told: list[Sequence[str] | None] = []
    second.subscribe(Topic.ENDED, told.append)
    with caplog.at_level(logging.ERROR):
        with first.write() as db:
            db.execute(END_OTHERS)
        # Nobody can have told it of what ended meanwhile.
        wait_until(lambda: None in told)
    with second.write() as db:
        publish(db, Topic.ENDED, ["j1"])
    wait_until(lambda: ("j1",) in told)


def test_a_transaction_whose_connection_is_lost_changes_nothing_and_may_be_tried_again(
    connect: Callable[[], PostgresqlStore], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = connect(), connect()

    def lose() -> None:
        with second.write() as db:
            ensure_user(db, "ada@example.com")
            with first.read() as other:
                other.execute(END_OTHERS)
            ensure_user(db, "bob@example.com")

    with caplog.at_level(logging.ERROR):
        with pytest.raises(DatabaseUnavailableError):
            lose()
        with second.write() as db:
            assert get_users(db) == []


@pytest.mark.parametrize(("version", "problem"), [("999", "newer release"), ("x", "damaged")])
def test_a_database_of_another_release_is_refused(
    postgresql_url: str, connect: Callable[[], PostgresqlStore], version: str, problem: str
) -> None:
    with connect().write() as db:
        statement = text("UPDATE settings SET value = :v WHERE name = 'schema_version'")
        db.execute(statement, {"v": version})
    with pytest.raises(DatabaseError, match=problem):
        PostgresqlStore(postgresql_url)


def test_an_older_database_is_not_upgraded_under_processes_that_use_it(
    postgresql_url: str, connect: Callable[[], PostgresqlStore]
) -> None:
    with connect().write() as db:
        db.execute(text("UPDATE settings SET value = '1' WHERE name = 'schema_version'"))
    with pytest.raises(DatabaseError, match="run `qai-hub admin migrate`"):
        PostgresqlStore(postgresql_url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://hub:s3cret@db.example.com/hub",
        "postgresql+psycopg2://hub:s3cret@db.example.com/hub",
        "s3cret",
        "",
        "postgresql://hub:s3cret@127.0.0.1:1/hub",
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        PostgresqlStore(url)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_its_repr_has_no_password(
    postgresql_url: str, connect: Callable[[], PostgresqlStore]
) -> None:
    store = PostgresqlStore(postgresql_url.replace("hub@", "hub:s3cret@"))
    shown = repr(store)
    store.close()
    assert "s3cret" not in shown
    assert "PostgresqlStore" in shown


def test_what_a_claim_asks_reads_no_more_jobs_the_more_there_are(
    connect: Callable[[], PostgresqlStore],
) -> None:
    read = text("SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname = 'jobs'")
    with connect().write() as db:
        ada = ensure_user(db, "ada@example.com")
        add_users(db, 1_000)
        add_ended_jobs(db, ada, 20_000)
        queued, running = add_job(db, ada), add_job(db, ada)
        JOBS.update(db, running, state=KINDS["compile"].working_state, lease=1)
        db.execute(text("ANALYZE"))
        before = db.execute(read).scalar_one()

        assert [each.job_id for each in first_ready_jobs(db, CREATED, ["", "big"])] == [queued]
        assert count_leased_by_owner(db, RUNNING_STATES) == {ada.id: 1}

        assert db.execute(read).scalar_one() == before


def add_users(db: Connection, count: int) -> None:
    """Add users without jobs."""
    numbers = f"generate_series(1001, 1000 + {count}) AS n"
    db.execute(text(f"INSERT INTO users (id, email) SELECT n, n || '@example.com' FROM {numbers}"))


def add_ended_jobs(db: Connection, owner: User, count: int) -> None:
    """Add jobs that have ended, all alike."""
    like = add_job(db, owner)
    JOBS.update(db, like, state=DONE)
    names = [column.name for column in jobs.c if column.name != "seq"]
    values = ["id || n" if name == "id" else name for name in names]
    db.execute(
        text(
            f"INSERT INTO jobs ({', '.join(names)}) "
            f"SELECT {', '.join(values)} FROM generate_series(1, {count}) AS n, jobs"
        )
    )
