"""Progress on a terminal, drawn by rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Group, RenderableType
from rich.text import Text

from qai_hub.progress.board import Board
from qai_hub.progress.terminal_transfers import TransferPart
from qai_hub.progress.views import JobView, Transfer, count_states, summarize_ends

if TYPE_CHECKING:
    from qai_hub.progress.clock import Clock

__all__ = ["TerminalDisplay"]


class TerminalDisplay:
    """Rewrites lines in place, and writes the ends of jobs above them.

    Args:
        stream: The terminal.
        clock: The time.
    """

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._board = Board.of(stream)
        self._clock = clock

    def show_submission(self, job: JobView) -> None:
        """Tells that a job was submitted."""
        self._board.write(Text(job.submission))

    def open_wait(self, jobs: Sequence[JobView], *, grouped: bool) -> _WaitPart:
        """Shows a wait."""
        return _WaitPart(self._board, jobs, self._clock)

    def open_transfer(self, transfer: Transfer) -> TransferPart:
        """Shows a transfer."""
        return TransferPart(self._board, transfer, self._clock)


class _WaitPart:
    """The jobs of one wait that have not ended: one line each, as many as there is room for."""

    def __init__(self, board: Board, jobs: Sequence[JobView], clock: Clock) -> None:
        self._board = board
        self._jobs = list(jobs)
        self._clock = clock
        board.add(self)

    def update(self, index: int, job: JobView, *, is_told: bool) -> None:
        """Shows a job's state."""
        self._jobs[index] = job
        if job.has_ended and not is_told:
            if len(self._jobs) == 1:
                self._board.remove(self)
            self._board.write(*self._end_lines(job))
        elif len(self._jobs) == 1:
            # Those of many jobs are left to the next redraw.
            self._board.redraw()

    def suspend(self) -> None:
        """Hides the part while others may write to the terminal."""
        self._board.remove(self)

    def resume(self) -> None:
        """Shows the part again."""
        self._board.add(self)

    def close(self) -> None:
        """Removes the part, and tells how many jobs have ended if there were several."""
        self._board.remove(self)
        if len(self._jobs) > 1 and all(job.has_ended for job in self._jobs):
            self._board.write(Text(summarize_ends(self._jobs)))

    def render(self, width: int, height: int) -> RenderableType:
        """Returns a line for each job that has not ended, the running ones first."""
        left = [job for job in self._jobs if not job.has_ended]
        if len(self._jobs) == 1:
            return Group(*map(self._line, left))
        left.sort(key=lambda job: (job.started_at is None, not job.state))
        shown = left if len(left) < height else left[: max(height - 2, 0)]
        lines = [self._line(job) for job in shown]
        if len(shown) < len(left):
            rest = left[len(shown) :]
            lines.append(_cut(Text(f"⏳ and {len(rest)} more: {count_states(rest)}", "dim")))
        summary = _cut(Text(summarize_ends(self._jobs)))
        return Group(*lines, summary) if height > 1 else summary

    def _line(self, job: JobView) -> Text:
        # Times come before the name, which may be too long for the terminal.
        times = job.durations(self._clock.now())
        line = Text(f"{job.symbol} ")
        line.append(f"{job.state} " if job.state else "", "yellow")
        line.append(f"({times}) " if times else "")
        return _cut(line.append(job.title))

    def _end_lines(self, job: JobView) -> list[Text]:
        times = job.durations(self._clock.now())
        line = Text(f"{job.symbol} ")
        line.append(job.state, "red" if job.has_failed else "green")
        line.append(f" {job.title}{f' ({times})' if times else ''}")
        line.append(f": {job.reason_line}" if job.has_failed and job.reason else "")
        styles = {"ERROR": "red", "WARNING": "yellow"}
        notices = [
            Text("   - ").append(f"{notice.level}:", styles.get(notice.level, ""))
            + Text(str(notice).removeprefix(f"{notice.level}:"))
            for notice in job.notices
        ]
        return [line, *notices]


def _cut(line: Text) -> Text:
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
