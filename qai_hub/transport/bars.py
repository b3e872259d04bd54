"""Bars that show how far a transfer is."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["transfer_bar"]


@contextmanager
def transfer_bar(title: str, total: int | None, *, show: bool) -> Iterator[Callable[[int], object]]:
    """Shows a bar on standard error for as long as the block lasts, if that is a terminal.

    Args:
        title: What is transferred.
        total: Bytes in all, if that is known.
        show: Whether to show anything.

    Yields:
        What to call with the number of bytes that were moved; less than zero when some are to be
        moved again. Any thread may call it.
    """
    if not show or sys.stderr is None or not sys.stderr.isatty():
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
