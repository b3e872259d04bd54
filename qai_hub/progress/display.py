"""The form of progress for the current standard error stream, and what all forms have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from qai_hub.progress.clock import Clock
from qai_hub.progress.mode import Mode, choose_mode
from qai_hub.progress.output import Output

if TYPE_CHECKING:
    from qai_hub.progress.views import JobView, Transfer

__all__ = ["Display", "TransferDisplay", "WaitDisplay", "open_display", "write_above"]


class WaitDisplay(Protocol):
    """Shows one wait."""

    def update(self, index: int, job: JobView, *, is_told: bool) -> None:
        """Shows what is known of a job now.

        Args:
            index: Index of the job.
            job: The job. When it has ended, this is the last call for it.
            is_told: Whether its end was shown before, so that it is only counted.
        """

    def suspend(self) -> None:
        """Draws nothing until `resume` is called, since others may write to the stream."""

    def resume(self) -> None:
        """Draws again."""

    def close(self) -> None:
        """Draws nothing any more."""


class TransferDisplay(Protocol):
    """Shows one transfer."""

    def close(self, *, succeeded: bool) -> None:
        """Draws nothing any more.

        Args:
            succeeded: Whether the transfer has succeeded.
        """


class Display(Protocol):
    """Shows submissions, waits and transfers in one form. No method raises."""

    def show_submission(self, job: JobView) -> None:
        """Tells that a job was submitted."""

    def open_wait(self, jobs: Sequence[JobView], *, grouped: bool) -> WaitDisplay:
        """Shows a wait.

        Args:
            jobs: The jobs.
            grouped: Whether nothing else is written during the wait.

        Returns:
            What shows the wait.
        """

    def open_transfer(self, transfer: Transfer) -> TransferDisplay:
        """Shows a transfer.

        Args:
            transfer: The transfer, which others change.

        Returns:
            What shows the transfer.
        """


def open_display(clock: Clock | None = None) -> Display | None:
    """Returns the display for standard error, as it is now.

    Args:
        clock: The time; None for that of this machine.

    Returns:
        The display; None if nothing is to be shown.
    """
    # Each form is imported when it is used: rich takes a tenth of a second.
    stream, clock = sys.stderr, clock or Clock()
    match _choose_form(stream):
        case "rich":
            from qai_hub.progress.terminal import TerminalDisplay

            return TerminalDisplay(stream, clock)
        case "notebook":
            from qai_hub.progress.notebook import NotebookDisplay

            return NotebookDisplay(clock)
        case "plain":
            from qai_hub.progress.plain import PlainDisplay

            return PlainDisplay(stream, os.environ, clock)
        case _:
            return None


def write_above(text: str) -> None:
    """Writes a text to standard error, above the lines that are rewritten there.

    Args:
        text: The text, without control characters.
    """
    stream = sys.stderr
    if _choose_form(stream) == "rich":
        from rich.text import Text

        from qai_hub.progress.board import Board

        Board.of(stream).write(Text(text))
    else:
        Output(stream).write(f"{text}\n")


def _choose_form(stream: TextIO | None) -> Mode:
    mode = choose_mode(stream, os.environ)
    return "plain" if mode == "rich" and _lacks_escape_sequences() else mode


def _lacks_escape_sequences() -> bool:
    """Returns whether this is a console of an old Windows, whose lines cannot be rewritten."""
    from rich.console import detect_legacy_windows

    return detect_legacy_windows()
