"""The transfers on a terminal: a bar for each, and one for the sum of several."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from qai_hub.progress.board import Board
    from qai_hub.progress.clock import Clock
    from qai_hub.progress.views import Transfer

__all__ = ["TransferPart"]

# Below this number of columns, bars and speeds leave no room for names.
_WIDE = 80
_BAR_WIDTH = 20


class TransferPart:
    """One transfer, which has a line among all transfers of its board.

    Args:
        board: The board.
        transfer: The transfer.
        clock: The time.
    """

    def __init__(self, board: Board, transfer: Transfer, clock: Clock) -> None:
        self._board = board
        self._transfer = transfer
        self._clock = clock
        with board.lock:
            self._all = _transfers.get(board) or _transfers.setdefault(board, _Transfers(clock))
            if self._all.is_empty:
                board.add(self._all)
            self._all.add(transfer)

    def close(self, *, succeeded: bool) -> None:
        """Removes the line, and tells how long the transfer took if it was large."""
        with self._board.lock:
            self._all.remove(self._transfer, succeeded=succeeded)
            if self._all.is_empty:
                self._board.remove(self._all)
                _transfers.pop(self._board, None)
            line = self._transfer.result(self._clock.monotonic())
            if succeeded and line:
                self._board.write(Text(line))


class _Transfers:
    """The transfers that run at the same time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[Transfer, TaskID | None] = {}
        self._finished = 0
        self._finished_files = 0
        self._sum: TaskID | None = None
        self._progress: Progress | None = None
        self._is_wide = True

    @property
    def is_empty(self) -> bool:
        return not self._running

    def add(self, transfer: Transfer) -> None:
        self._running[transfer] = None

    def remove(self, transfer: Transfer, *, succeeded: bool) -> None:
        task = self._running.pop(transfer)
        if self._progress is not None and task is not None:
            self._progress.remove_task(task)
        if succeeded:
            self._finished += transfer.done
            self._finished_files += 1

    def render(self, width: int, height: int) -> RenderableType:
        progress = self._progress_for(width)
        if len(self._running) + self._finished_files > 1:
            self._update_sum(progress)
        shown = max(height - (self._sum is not None), 0)
        for number, (transfer, known) in enumerate(self._running.items()):
            task = known
            if task is None:
                # What is there from the start says nothing about the speed.
                task = progress.add_task(
                    transfer.label, total=transfer.total, completed=transfer.done
                )
                self._running[transfer] = task
            progress.update(task, completed=transfer.done, visible=number < shown)
        return progress.get_renderable()

    @property
    def _done(self) -> int:
        return self._finished + sum(transfer.done for transfer in self._running)

    def _update_sum(self, progress: Progress) -> None:
        if self._sum is None:
            self._sum = progress.add_task("", completed=self._done)
        sizes = [transfer.total for transfer in self._running]
        known = [size for size in sizes if size is not None]
        is_known = len(known) == len(sizes)
        files = len(self._running) + self._finished_files
        progress.update(
            self._sum,
            description=f"{files} files",
            completed=self._done,
            total=self._finished + sum(known) if is_known else None,
        )

    def _progress_for(self, width: int) -> Progress:
        is_wide = width >= _WIDE
        if self._progress is None or is_wide != self._is_wide:
            self._is_wide = is_wide
            self._running = dict.fromkeys(self._running)
            self._sum = None
            self._progress = Progress(
                *_columns(is_wide=is_wide),
                auto_refresh=False,
                expand=True,
                get_time=self._clock.monotonic,
            )
        return self._progress


def _columns(*, is_wide: bool) -> list[ProgressColumn]:
    name = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    label = TextColumn("{task.description}", markup=False, table_column=name)
    if not is_wide:
        return [label, TaskProgressColumn(), TimeRemainingColumn()]
    return [
        label,
        BarColumn(_BAR_WIDTH),
        TaskProgressColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    ]


_transfers: weakref.WeakKeyDictionary[Board, _Transfers] = weakref.WeakKeyDictionary()
