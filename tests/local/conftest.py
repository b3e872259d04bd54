"""A store, and people in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from qai_hub.local.store import Store
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.records import User


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "data", durable=False)
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
