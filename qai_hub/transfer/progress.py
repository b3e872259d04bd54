"""Bars that show how far a transfer is, and where such things can be shown."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["rewrites_lines", "transfer_bar"]


@contextmanager
def transfer_bar(title: str, total: int | None, *, show: bool) -> Iterator[Callable[[int], object]]:
    """Shows a bar on standard error for as long as the block lasts, if that rewrites lines.

    Args:
        title: What is transferred.
        total: Bytes in all, if that is known.
        show: Whether to show anything.

    Yields:
        What to call with the number of bytes that were moved; less than zero when some are to be
        moved again. Any thread may call it.
    """
    if not show or not rewrites_lines(sys.stderr):
        yield lambda count: None
        return
    from tqdm import tqdm

    with tqdm(
        total=total, desc=title, unit="B", unit_scale=True, unit_divisor=1024, file=sys.stderr
    ) as bar:
        lock = threading.Lock()

        def moved(count: int) -> None:
            with lock:
                bar.update(count)

        yield moved


def rewrites_lines(stream: TextIO | None) -> bool:
    """Tells whether a line that is shown can be written over.

    Args:
        stream: The stream that it is written to, if there is one.

    Returns:
        Whether the stream leads to a terminal or to the output of a notebook's cell.
    """
    if stream is None:
        return False
    try:
        return stream.isatty() or _is_of_notebook(stream)
    except (AttributeError, OSError, ValueError):
        return False


def _is_of_notebook(stream: TextIO) -> bool:
    # Within a notebook, a stream may still be sent to a file.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    in_kernel = "ZMQInteractiveShell" in [kind.__name__ for kind in type(shell).__mro__]
    return in_kernel and type(stream).__module__.partition(".")[0] == "ipykernel"


def _renew_lock() -> None:
    """Gives tqdm another lock in a child, if a thread of its parent holds the one that it has."""
    std = sys.modules.get("tqdm.std")
    if std is None:
        return
    lock = std.TqdmDefaultWriteLock.th_lock
    if lock.acquire(blocking=False):
        lock.release()
    else:
        std.tqdm.set_lock(threading.RLock())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
