"""The lines at the bottom of a terminal that are rewritten in place.

All waits and transfers that write to one stream share a board, so that they do not overwrite each
other. Other lines are written above it.
"""

from __future__ import annotations

import atexit
import io
import os
import threading
import weakref
from typing import TYPE_CHECKING, Protocol, TextIO

from rich.console import Console, Group, RenderableType

from qai_hub.progress.output import Output
from qai_hub.progress.ticker import Ticker

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Board", "Part"]

_REDRAW_INTERVAL = 0.25


class Part(Protocol):
    """One part of a board."""

    def render(self, width: int, height: int) -> RenderableType:
        """Returns what to show.

        Args:
            width: Columns that there are.
            height: Rows that there are.
        """


class _Nowhere(io.StringIO):
    """The file of a console that renders only: rich does not write to every stand-in for stderr."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the stream that the text is for."""
        return self._encoding

    def write(self, text: str) -> int:
        """Drops the text."""
        return len(text)


class Board:
    """The lines of one stream. Those of a forked process's parent stay as they are.

    Args:
        stream: The terminal.

    Attributes:
        console: What renders the parts.
        lock: Held while they are changed or rendered.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._output = Output(stream)
        self._process = os.getpid()
        self.lock = threading.RLock()
        self._parts: list[Part] = []
        self._ticker: Ticker | None = None
        self._drawn: list[str] = []
        self.console = Console(
            file=_Nowhere(self._output.encoding),
            # That of the terminal is found before each redraw. COLUMNS may say 0, where rich
            # prints nothing at all.
            width=80,
            force_terminal=True,
            force_interactive=True,
            force_jupyter=False,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )

    @classmethod
    def of(cls, stream: TextIO) -> Board:
        """Returns the board of a stream, which all callers share while any of them keeps it."""
        with _boards_lock:
            board = _boards.get(id(stream))
            if board is None:
                board = _boards[id(stream)] = cls(stream)
            return board

    def add(self, part: Part) -> None:
        """Shows a part below the others, from the next redraw on."""
        if self._is_of_parent():
            return
        with self.lock:
            self._parts.append(part)
            if self._ticker is None:
                self._ticker = Ticker(_REDRAW_INTERVAL, self._tick)

    def remove(self, part: Part) -> None:
        """Removes a part, if it is shown."""
        if self._is_of_parent():
            return
        with self.lock:
            if part not in self._parts:
                return
            self._parts.remove(part)
            if not self._parts and self._ticker is not None:
                self._ticker.stop()
                self._ticker = None
            if self._drawn:
                self._draw()

    def redraw(self) -> None:
        """Shows at once what has changed."""
        if self._is_of_parent():
            return
        with self.lock:
            self._draw()

    def write(self, *lines: Text) -> None:
        """Writes lines that stay, above the board."""
        if self._is_of_parent():
            return
        with self.lock:
            # Long lines are left to the terminal to wrap, so that URLs can be copied whole.
            above = "".join(self._capture(line, soft_wrap=True) + "\n" for line in lines)
            self._draw(above)

    def close(self) -> None:
        """Removes all parts."""
        for part in list(self._parts):
            self.remove(part)

    def _tick(self, ticker: Ticker) -> None:
        with self.lock:
            if not ticker.is_stopped:
                self._draw()

    def _draw(self, above: str = "") -> None:
        """Writes all changes at once, so that nothing flickers."""
        lines = self._render()
        if lines == self._drawn and not above:
            return
        erase = "\x1b[1A\x1b[2K" * (len(self._drawn) - 1)
        erase = f"\r\x1b[2K{erase}" if self._drawn else ""
        # First: whatever interrupts the rest, too much rather than too little is erased.
        self._drawn = lines
        self._output.write(f"{erase}{above}" + "\n".join(lines))

    def _render(self) -> list[str]:
        if not self._parts:
            return []
        columns, rows = self._output.size
        # A terminal may begin a new line when the last column is written to.
        width, height = max(columns - 1, 1), max(rows - 1, 1)
        self.console.size = (width, height)
        share = max(height // len(self._parts), 1)
        parts = [part.render(width, share) for part in self._parts]
        return self._capture(Group(*parts)).splitlines()[:height]

    def _capture(self, shown: RenderableType, *, soft_wrap: bool = False) -> str:
        with self.console.capture() as captured:
            self.console.print(shown, end="", soft_wrap=soft_wrap)
        return captured.get()

    def _is_of_parent(self) -> bool:
        # Its lock may have been held by a thread that there is no more.
        return self._process != os.getpid()


_boards: weakref.WeakValueDictionary[int, Board] = weakref.WeakValueDictionary()
_boards_lock = threading.Lock()


def _forget_boards() -> None:
    global _boards_lock  # noqa: PLW0603 - a thread that there is no more may hold it
    _boards_lock = threading.Lock()
    _boards.clear()


@atexit.register
def _close_boards() -> None:
    """Leaves no half line, and no thread that writes, when the process ends in midst of a wait."""
    for board in list(_boards.values()):
        board.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_boards)
