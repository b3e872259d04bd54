"""The progress line: a job's state, on one line of a terminal or notebook."""

import os
import sys
import time
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from qai_hub.status import JobStatus
from qai_hub.transfer.progress import can_rewrite_lines
from qai_hub.waiting.schedule import MAX_LONG_POLL

__all__ = ["ProgressLine", "state_text"]

_ASCII = str.maketrans({"✅": "+", "❌": "x", "⏳": "-"})


class ProgressLine:
    """Shows a job's state and the elapsed time, rewriting one line in place.

    It shows nothing if lines cannot be rewritten, and stops if the stream fails: a progress line
    never ends a wait.

    Args:
        title: What is waited for.
        stream: Where to write; None for nowhere.
        clock: Monotonic clock, in seconds.
    """

    def __init__(
        self,
        title: str,
        stream: TextIO | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._stream = stream if can_rewrite_lines(stream) else None
        self._clock = clock
        self._start = clock()
        self._shown = ""
        self._cells = 0

    @classmethod
    def on_stderr(cls, title: str, *, verbose: bool) -> Self:
        """Makes a line on the current standard error stream.

        Args:
            title: What is waited for.
            verbose: Whether to show anything.

        Returns:
            The line.
        """
        return cls(title, sys.stderr if verbose else None)

    @property
    def redraw_interval(self) -> float:
        """Seconds after which to redraw the line."""
        return 1.0 if self._stream else float("inf")

    @property
    def max_long_poll(self) -> int:
        """Maximum seconds for which a request may delay redrawing the line."""
        return 5 if self._stream else MAX_LONG_POLL

    def show(self, status: JobStatus | None) -> None:
        """Shows a job's state.

        Args:
            status: The state; None if it is not known yet.
        """
        self.update(state_text(status))

    def update(self, state: str) -> None:
        """Shows a state given as text.

        Args:
            state: The state, in a few words.
        """
        minutes, seconds = divmod(int(self._clock() - self._start), 60)
        text = f"{state} {self._title} {minutes}:{seconds:02d}"
        if text != self._shown:
            self._draw(text)
            self._shown = text

    def close(self) -> None:
        """Ends the line, so that further output starts on a new one."""
        if self._shown:
            self._write("\n")
        self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _draw(self, text: str) -> None:
        if self._stream is None:
            return
        text = "".join(sign if sign.isprintable() else "?" for sign in text[:500])
        text = _cut(_encodable(text, self._stream), _columns(self._stream) - 1)
        cells = sum(map(_width, text))
        self._write(f"\r{text}{' ' * (self._cells - cells)}")
        self._cells = cells

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except Exception:  # noqa: BLE001 - programs replace stderr by objects that raise anything
            self._stream = None


def state_text(status: JobStatus | None) -> str:
    """Formats the state of a job.

    Args:
        status: The status; None if it is not known yet.

    Returns:
        A symbol and the name of the state.
    """
    return f"{status.symbol} {status.code}" if status else "⏳"


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        return 80


def _encodable(text: str, stream: TextIO) -> str:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (LookupError, TypeError, UnicodeEncodeError):
        return text.translate(_ASCII).encode("ascii", "replace").decode()
    return text


def _width(sign: str) -> int:
    return 2 if unicodedata.east_asian_width(sign) in {"W", "F"} else 1


def _cut(text: str, columns: int) -> str:
    while text and sum(map(_width, text)) > columns:
        text = text[:-1]
    return text
