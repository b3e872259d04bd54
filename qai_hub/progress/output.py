"""Writing to a stream that may be missing, closed, broken or limited to an encoding."""

import os
from typing import TextIO

__all__ = ["Output"]

_ASCII = str.maketrans({"✅": "+", "❌": "x", "⏳": "-", "…": ".", "━": "=", "╸": "-", "╺": "-"})


class Output:
    """Writes to a stream until that fails, and never raises.

    Args:
        stream: The stream; None if there is none.

    Attributes:
        encoding: Encoding of the stream.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        encoding = getattr(stream, "encoding", None) or "utf-8"
        self.encoding = encoding if isinstance(encoding, str) else "ascii"

    def write(self, text: str) -> None:
        """Writes a text, and flushes the stream if it can be flushed."""
        if self._stream is None:
            return
        try:
            self._stream.write(self._encodable(text))
            getattr(self._stream, "flush", lambda: None)()
        except Exception:  # noqa: BLE001 - programs replace stderr by objects that raise anything
            self._stream = None

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the terminal; 80 and 24 if it does not tell them."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno() if self._stream else -1)
        except (AttributeError, OSError, TypeError, ValueError):
            return 80, 24
        return columns or 80, rows or 24

    def _encodable(self, text: str) -> str:
        try:
            text.encode(self.encoding)
        except LookupError:
            return text.translate(_ASCII).encode("ascii", "replace").decode()
        except UnicodeEncodeError:
            encoded = text.translate(_ASCII).encode(self.encoding, "replace")
            return encoded.decode(self.encoding)
        return text
