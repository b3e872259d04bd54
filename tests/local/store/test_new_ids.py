"""Ids that are taken already, as some are once there are hundreds of millions."""

import random
import secrets
from collections.abc import Callable

import pytest
from support.store_builders import NOON, add_dataset, add_job, add_model

from qai_hub.local.store import Store
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.records import User
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS


@pytest.fixture
def repeat(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has all ids come again."""

    def seed() -> None:
        monkeypatch.setattr(secrets, "choice", random.Random(5).choice)

    return seed


def test_an_id_that_is_taken_is_not_given_again(
    store: Store, ada: User, repeat: Callable[[], None]
) -> None:
    for table, add in ((MODELS, add_model), (DATASETS, add_dataset), (JOBS, add_job)):
        keys = []
        for _ in range(3):
            repeat()
            with store.write() as db:
                keys.append(add(db, ada))
        with store.read() as db:
            assert table.get_many(db, keys).keys() == set(keys)
        assert len(set(keys)) == 3


def test_projects_have_ids_of_their_own(store: Store, repeat: Callable[[], None]) -> None:
    projects = set()
    for name in ("ada", "bob"):
        repeat()
        with store.write() as db:
            projects.add(ensure_user(db, f"{name}@example.com").project_id)
    assert len(projects) == 2


def test_where_no_id_is_left_nothing_is_changed(
    store: Store, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "choice", lambda _: "a")
    with store.write() as db:
        key = add_model(db, ada)

    def add_another() -> None:
        with store.write() as db:
            MODELS.update(db, key, name="changed")
            add_model(db, ada)

    with pytest.raises(RuntimeError, match="no new id"):
        add_another()
    with store.read() as db:
        found = MODELS.get(db, key)
    assert found is not None
    assert (found.name, found.created) == ("net", NOON)
