"""Events: what a transaction tells others once it is committed, and nobody if it is not."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection

Listener = Callable[[Sequence[str] | None], None]
"""Called with the jobs that an event is about; None if events may have been missed."""

_PENDING = "events"
_log = logging.getLogger(__name__)


class Topic(StrEnum):
    """What an event is about.

    Attributes:
        QUEUED: There may be jobs that can run.
        CHANGED: Jobs are new, have begun, or have another name.
        ENDED: Jobs have ended.
    """

    QUEUED = "queued"
    CHANGED = "changed"
    ENDED = "ended"


class Event(NamedTuple):
    """A topic, and the jobs that it concerns."""

    topic: Topic
    job_ids: Sequence[str] = ()


def publish(db: Connection, topic: Topic, job_ids: Iterable[str] = ()) -> None:
    """Tell the listeners of a topic, once the transaction is committed.

    Args:
        db: A writing transaction.
        topic: The topic.
        job_ids: The jobs that it concerns.
    """
    db.info[_PENDING].append(Event(topic, tuple(job_ids)))


def begin(db: Connection) -> list[Event]:
    """Return the list that collects the events of a transaction."""
    pending = db.info[_PENDING] = list[Event]()
    return pending


class Listeners:
    """The listeners of this process. They may be called from any thread."""

    def __init__(self) -> None:
        self._by_topic: defaultdict[Topic, list[Listener]] = defaultdict(list)

    def add(self, topic: Topic, listener: Listener) -> None:
        """Call a listener from now on."""
        self._by_topic[topic].append(listener)

    def dispatch(self, events: Iterable[Event]) -> None:
        """Call the listeners of events, each of whose transactions is committed."""
        for event in events:
            self._call(event.topic, event.job_ids)

    def dispatch_missed(self) -> None:
        """Let all listeners look for themselves, as events may have been missed."""
        for topic in Topic:
            self._call(topic, None)

    def _call(self, topic: Topic, job_ids: Sequence[str] | None) -> None:
        for listener in self._by_topic[topic]:
            try:
                listener(job_ids)
            except Exception:  # noqa: BLE001 - whoever published it is not to blame
                _log.exception("a listener of %s failed", topic)
