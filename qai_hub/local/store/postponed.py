"""What a transaction needs the result of, but takes too long for it: done between two tries.

Others wait for ordered transactions, so these send no requests. One that needs the result of a
request gives up, and is begun again when the request has been answered.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection

_Result = TypeVar("_Result")
_DONE = "done"


class Postponed(Exception):  # noqa: N818 - no error
    """A transaction needs the result of an action that is to be done without it.

    Attributes:
        name: Identifies the action among those of this transaction.
        action: The action.
    """

    def __init__(self, name: str, action: Callable[[], object]) -> None:
        super().__init__(name)
        self.name = name
        self.action = action


def remember(db: Connection, done: Mapping[str, Any]) -> None:
    """Tell a new transaction the results of what was postponed in earlier tries of it."""
    db.info[_DONE] = done


def do_outside(db: Connection, name: str, action: Callable[[], _Result]) -> _Result:
    """Return the result of an action that is done without the transaction.

    Args:
        db: A writing transaction, which `Store.run` tries again.
        name: Identifies the action among those of this transaction.
        action: The action.

    Raises:
        Postponed: It has not been done yet.
    """
    done: Mapping[str, Any] = db.info[_DONE]
    if name not in done:
        raise Postponed(name, action)
    result: _Result = done[name]
    return result
