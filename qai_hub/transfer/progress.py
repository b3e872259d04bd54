"""Progress bars of transfers, and the detection of streams that can show them."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["can_rewrite_lines", "transfer_bar"]


@contextmanager
def transfer_bar(title: str, total: int | None, *, show: bool) -> Iterator[Callable[[int], object]]:
    """Shows a progress bar on standard error during a block, if lines can be rewritten there.

    Args:
        title: Title of the bar.
        total: Size of the transfer in bytes, if it is known.
        show: Whether to show anything.

    Yields:
        A function to call with the number of bytes transferred, from any thread. The number is
        negative when bytes have to be transferred again.
    """
    if not show or not can_rewrite_lines(sys.stderr):
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


def can_rewrite_lines(stream: TextIO | None) -> bool:
    """Returns whether lines that were written to a stream can be overwritten.

    Args:
        stream: The stream, if there is one.

    Returns:
        Whether the stream is a terminal or the output of a notebook cell.
    """
    if stream is None:
        return False
    try:
        return stream.isatty() or _is_notebook_stream(stream)
    except (AttributeError, OSError, ValueError):
        return False


def _is_notebook_stream(stream: TextIO) -> bool:
    # In a notebook, a stream may still be redirected to a file.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    in_kernel = "ZMQInteractiveShell" in [kind.__name__ for kind in type(shell).__mro__]
    return in_kernel and type(stream).__module__.partition(".")[0] == "ipykernel"


def _renew_lock() -> None:
    """Replaces tqdm's lock in a forked child if a thread of the parent held it at the fork."""
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
