"""A queue whose users take turns."""

from collections import deque
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Turns(Generic[_Item]):
    """What several users wait for. Each gets one of theirs after the other, so none waits for all.

    Whoever shares one between threads has to lock it.
    """

    def __init__(self) -> None:
        # Who is next comes first.
        self._waiting: dict[int, deque[_Item]] = {}

    def add(self, user_id: int, item: _Item) -> None:
        """Have a user wait for something, after what they wait for already."""
        self._waiting.setdefault(user_id, deque()).append(item)

    def take(self) -> _Item | None:
        """Return what is next, and end that user's turn; None if nobody waits."""
        if not self._waiting:
            return None
        user_id = next(iter(self._waiting))
        theirs = self._waiting.pop(user_id)
        item = theirs.popleft()
        if theirs:
            self._waiting[user_id] = theirs
        return item
