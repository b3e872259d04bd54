"""Which jobs people see of those that use a model; of others, they are told nothing."""

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import Connection
from support.sqlite_steps import steps_of
from support.store_builders import add_job, add_model

from qai_hub.local.core.visible_uses import VisibleUses, find_visible_uses
from qai_hub.local.store import Store
from qai_hub.local.store.people import share
from qai_hub.local.store.records import User
from qai_hub.local.store.relations import find_uses


@pytest.fixture
def db(store: Store, ada: User, bob: User) -> Iterator[Connection]:
    # Both are added before, by transactions of their own.
    del ada, bob
    with store.write() as opened:
        yield opened


def ids(found: VisibleUses) -> list[str]:
    return [each.id for each in found.jobs]


def test_the_newest_come_first_with_what_they_do(db: Connection, ada: User) -> None:
    model, other = add_model(db, ada), add_model(db, ada)
    made = add_job(db, ada, target=[model])
    used = [add_job(db, ada, "profile", input=[model]) for _ in range(3)]
    add_job(db, ada, "profile", input=[other])
    found = find_visible_uses(db, ada, [model], 5)
    assert ids(found) == [*used[::-1], made]
    assert [found.roles[key] for key in ids(found)] == ["input", "input", "input", "target"]
    assert not found.has_more
    assert ids(find_visible_uses(db, ada, [model], 5, "target")) == [made]
    few = find_visible_uses(db, ada, [model], 3)
    assert (ids(few), few.has_more) == (used[::-1], True)


def test_jobs_of_others_take_no_place_and_are_not_counted(
    db: Connection, ada: User, bob: User
) -> None:
    model = add_model(db, ada)
    share(db, model, [bob.email])
    own = add_job(db, ada, "profile", input=[model])
    others = [add_job(db, bob, "profile", input=[model]) for _ in range(9)]
    assert find_visible_uses(db, ada, [model], 3) == find_visible_uses(db, ada, [model], 1)
    found = find_visible_uses(db, ada, [model], 1)
    assert (ids(found), found.has_more) == ([own], False)
    seen_by_bob = find_visible_uses(db, bob, [model], 8)
    assert (ids(seen_by_bob), seen_by_bob.has_more) == (others[:0:-1], True)


def test_what_is_shared_is_seen(db: Connection, ada: User, bob: User) -> None:
    model = add_model(db, ada)
    own = add_job(db, ada, "profile", input=[model])
    first, second, _ = (add_job(db, bob, "profile", input=[model]) for _ in range(3))
    for key in (first, second):
        share(db, key, [ada.email])
    found = find_visible_uses(db, ada, [model], 2)
    assert (ids(found), found.has_more) == ([second, first], True)
    assert ids(find_visible_uses(db, ada, [model], 3)) == [second, first, own]


def test_the_newest_of_many_uses_are_found_without_the_others(
    db: Connection, ada: User, bob: User
) -> None:
    model, many = add_model(db, ada), 200

    def steps() -> tuple[int, int]:
        own = partial(find_uses, db, [model], 5, owner_id=ada.id)
        foreign = partial(find_uses, db, [model], 5, not_owner_id=ada.id)
        return steps_of(db, own), steps_of(db, foreign)

    for _ in range(5):
        add_job(db, ada, "profile", input=[model])
    own, foreign = steps()
    for _ in range(many):
        add_job(db, ada, "profile", input=[model])
    grown_own, grown_foreign = steps()
    assert grown_own - own < 10
    # Those of others are looked for among all, in the index alone, without their jobs.
    assert grown_foreign - foreign < 8 * many
