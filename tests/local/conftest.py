"""A store on each database, and people in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.object_storage import ENVIRONMENT, ObjectStorage, running_storage
from support.postgresql_server import PostgresqlServer, running_server

from qai_hub.local.store import Store
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.store.records import User
from qai_hub.local.store.sqlite import SqliteStore

# The modules whose tests of the store run on PostgreSQL, too.
_ON_BOTH = (
    "test_events",
    "test_job_lists",
    "test_lifecycle",
    "test_new_ids",
    "test_portable",
    "test_pruning",
    "test_scheduler",
    "test_scheduler_users",
    "test_store",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of the store on each database, but those that are marked as SQLite's."""
    name = metafunc.module.__name__.rpartition(".")[2]
    if "store" in metafunc.fixturenames and name in _ON_BOTH:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        databases = ["sqlite"] if "sqlite" in marks else ["sqlite", "postgresql"]
        metafunc.parametrize("store", databases, indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgresqlServer) -> str:
    """The URL of a database with the hub's tables, and nothing in them."""
    url = postgresql.create_database()
    PostgresqlStore(url).close()
    return url


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer, postgresql_template: str) -> Iterator[str]:
    """The URL of a database for one test."""
    url = postgresql.create_database(postgresql_template)
    yield url
    postgresql.drop_database(url)


@pytest.fixture(scope="session")
def postgresql_of_stores(postgresql: PostgresqlServer, postgresql_template: str) -> str:
    """The URL of a database that tests use one after the other."""
    return postgresql.create_database(postgresql_template)


@pytest.fixture
def emptied_postgresql_url(
    postgresql: PostgresqlServer, postgresql_of_stores: str
) -> Iterator[str]:
    """The URL of a database without rows, for tests that leave its tables as they are."""
    yield postgresql_of_stores
    postgresql.empty_database(postgresql_of_stores)


@pytest.fixture(scope="session")
def shared_storage() -> Iterator[ObjectStorage]:
    """An object storage, which no test stops."""
    with running_storage() as storage:
        yield storage


@pytest.fixture
def object_storage(shared_storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> ObjectStorage:
    """An object storage, and its credentials in the environment."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return shared_storage


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    database = getattr(request, "param", "sqlite")
    made: Store
    if database == "sqlite":
        made = SqliteStore(tmp_path / "data", durable=False)
    else:
        made = PostgresqlStore(request.getfixturevalue("emptied_postgresql_url"))
    yield made
    made.close()


@pytest.fixture
def ada(store: Store) -> User:
    with store.write() as db:
        return ensure_user(db, "ada@example.com")


@pytest.fixture
def bob(store: Store) -> User:
    with store.write() as db:
        return ensure_user(db, "bob@example.com")


@pytest.fixture
def people(store: Store) -> list[User]:
    """Many of them."""
    with store.write() as db:
        return [ensure_user(db, f"person{number}@example.com") for number in range(12)]


@pytest.fixture
def eve(store: Store) -> User:
    with store.write() as db:
        return ensure_user(db, "eve@example.com")
