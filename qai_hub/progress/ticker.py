"""A thread that calls a function again and again."""

import contextlib
import contextvars
import threading
from collections.abc import Callable

__all__ = ["Ticker"]


class Ticker:
    """Calls a function at an interval until it is stopped.

    Where no thread can be started any more, as at the end of the process, it calls nothing.

    Args:
        interval: Seconds before the first call, and between calls.
        call: The function, which gets this ticker.
    """

    def __init__(self, interval: float, call: Callable[["Ticker"], object]) -> None:
        self._stopped = threading.Event()

        def run() -> None:
            while not self._stopped.wait(interval):
                call(self)

        # A notebook knows by the context which cell the output belongs to.
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(run,), name="qai_hub progress", daemon=True
        )
        with contextlib.suppress(RuntimeError):
            thread.start()

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped; a call may have begun before."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begins no further call, and returns at once."""
        self._stopped.set()
