"""Events are told after the commit of their transaction, and never without it."""

import logging
from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy import text
from support.polling import wait_until

from qai_hub.local.store import Store
from qai_hub.local.store.events import Topic, publish

READ_SETTINGS = text("SELECT count(*) FROM settings WHERE name = 'probe'")


class Told:
    """What the listeners of a store have been told, and what they saw in it."""

    def __init__(self, store: Store) -> None:
        self.events: list[tuple[Topic, Sequence[str] | None, int]] = []
        for topic in Topic:
            store.subscribe(topic, partial(self._note, store, topic))

    def _note(self, store: Store, topic: Topic, ids: Sequence[str] | None) -> None:
        with store.read() as db:
            self.events.append((topic, ids, db.execute(READ_SETTINGS).scalar_one()))


def test_listeners_see_what_was_committed(store: Store) -> None:
    told = Told(store)
    with store.write() as db:
        publish(db, Topic.ENDED, ["j1", "j2"])
        db.execute(text("INSERT INTO settings VALUES ('probe', '1')"))
        publish(db, Topic.QUEUED)
        assert told.events == []
    wait_until(lambda: len(told.events) == 2)
    assert told.events == [(Topic.ENDED, ("j1", "j2"), 1), (Topic.QUEUED, (), 1)]


def test_a_transaction_that_fails_tells_nothing(store: Store) -> None:
    told = Told(store)

    def fail() -> None:
        with store.write() as db:
            publish(db, Topic.ENDED, ["j1"])
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with store.write() as db:
        publish(db, Topic.QUEUED)
    wait_until(lambda: bool(told.events))
    assert told.events == [(Topic.QUEUED, (), 0)]


def test_a_listener_that_fails_harms_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    store.subscribe(Topic.QUEUED, fail)
    told = Told(store)
    with caplog.at_level(logging.CRITICAL + 1):
        with store.write() as db:
            publish(db, Topic.QUEUED)
        wait_until(lambda: bool(told.events))
    assert [topic for topic, _, _ in told.events] == [Topic.QUEUED]
