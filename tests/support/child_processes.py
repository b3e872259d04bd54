"""Servers that tests start end with the tests, however these end."""

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def ended_with_parent(number: int = signal.SIGKILL) -> Callable[[], None]:
    """Return a `preexec_fn` by which a child gets a signal when the thread that starts it ends.

    That is the main thread, for fixtures: so a run that is killed leaves no server behind. It does
    nothing on other systems than Linux.
    """

    def prepare() -> None:
        if sys.platform == "linux":
            _libc.prctl(_PR_SET_PDEATHSIG, number)

    return prepare
