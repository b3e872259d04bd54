"""A real terminal that records what is written to it, and knows what it shows."""

import fcntl
import os
import pty
import re
import struct
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_SEQUENCE = re.compile(r"\x1b\[(\d*(?:;\d+)*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class PtyTerminal:
    """One end of a pseudo-terminal.

    Attributes:
        stream: What a program writes to.
    """

    def __init__(self, columns: int = 100, rows: int = 24) -> None:
        self._ours, self.descriptor = pty.openpty()
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, size)
        self.stream: TextIO = os.fdopen(self.descriptor, "w", encoding="utf-8")
        self._received = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self) -> None:
        self.stream.close()
        self._reader.join(10)
        os.close(self._ours)

    @property
    def text(self) -> str:
        """What has been written so far."""
        return self._received.decode(errors="ignore").replace("\r\n", "\n")

    def screen(self) -> list[str]:
        """The lines that are shown, if none is wider than the terminal; colours left out."""
        return render(self.text)

    def wait_for(self, pattern: str, seconds: float = 20.0) -> re.Match[str]:
        """Waits until what was written matches a pattern."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            match = re.search(pattern, self.text)
            if match:
                return match
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} was not written: {self.text!r}")

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:
                return
            if not data:
                return
            self._received += data


@contextmanager
def pty_terminal(columns: int = 100, rows: int = 24) -> Iterator[PtyTerminal]:
    terminal = PtyTerminal(columns, rows)
    try:
        yield terminal
    finally:
        terminal.close()


def render(text: str) -> list[str]:
    """What a terminal shows of a text, without blank lines at its end.

    It fails for a sequence that moves the cursor elsewhere.
    """
    lines, row = [""], 0
    column = 0
    for match in _SEQUENCE.finditer(text):
        argument, command, control, plain = match.groups()
        if plain is not None:
            lines[row] = (
                lines[row][:column].ljust(column) + plain + lines[row][column + len(plain) :]
            )
            column += len(plain)
        elif control == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif control == "\r":
            column = 0
        elif command == "A":
            row -= int(argument or 1)
            assert row >= 0, "the cursor left the screen"
        elif command == "K":
            assert argument == "2"
            lines[row] = ""
        else:
            assert command == "m", f"unexpected sequence {match[0]!r}"
    shown = [line.rstrip() for line in lines]
    while shown and not shown[-1]:
        shown.pop()
    return shown
