"""The progress of transfers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from qai_hub.progress.clock import Clock
from qai_hub.progress.display import open_display
from qai_hub.progress.views import Transfer

__all__ = ["show_transfer"]


@contextmanager
def show_transfer(
    direction: Literal["upload", "download"],
    name: str,
    total: int | None,
    *,
    show: bool,
    already: int = 0,
    clock: Clock | None = None,
) -> Iterator[Callable[[int], object]]:
    """Shows the transfer of a file during a block, on standard error.

    Args:
        direction: Whether the file is uploaded or downloaded.
        name: Name of the file.
        total: Size of the file in bytes, if it is known.
        show: Whether to show anything.
        already: Bytes that were transferred before, and that say nothing about the speed.
        clock: The time; None for that of this machine.

    Yields:
        A function to call with the number of bytes transferred, from any thread. The number is
        negative when bytes have to be transferred again.
    """
    clock = clock or Clock()
    display = open_display(clock) if show else None
    if display is None:
        yield lambda count: None
        return
    transfer = Transfer(direction, name, total, clock.monotonic(), already)
    shown = display.open_transfer(transfer)
    succeeded = False
    try:
        yield transfer.move
        succeeded = True
    finally:
        shown.close(succeeded=succeeded)
