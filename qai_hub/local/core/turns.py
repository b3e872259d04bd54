"""A queue whose users take turns, and places that they take in turns."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


class Places:
    """A few places for the requests of all users, who take turns where these are not enough.

    They belong to one event loop.

    Args:
        number: How many there are.
    """

    def __init__(self, number: int) -> None:
        # Nobody waits while there are some.
        self._free = number
        self._turns: Turns[asyncio.Future[None]] = Turns()

    @asynccontextmanager
    async def take(self, user_id: int) -> AsyncIterator[None]:
        """Wait for a place, and have it meanwhile."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(user_id)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, user_id: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._turns.add(user_id, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It came at the same moment.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while (turn := self._turns.take()) is not None:
            # Whoever has left wants none any more.
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
