"""The hub's log of an attempt: a bounded file of lines in UTC."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from qai_hub.local.engine.failures import FailureType, resource_failure_from_error

LOG_LIMIT = 4 * 2**20
_TAIL_LINES = 40
_LINE_LIMIT = 4096
_CONTROL_SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# A warning of ONNX Runtime, which it repeats for each graph that it opens.
_WARNING = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ (\[W:onnxruntime:.*)", re.DOTALL)
# What a model makes the runtime say must not fill the memory of the hub.
_MAX_WARNINGS = 1000


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AttemptLog:
    """Records the worker's output and the hub's own lines, each with a UTC timestamp.

    The first lines are kept up to a limit. Of what follows, only the last lines are kept, after a
    line that reports how much was omitted. A warning that ONNX Runtime repeats is written once;
    `write_repeats` tells how often it came.

    Args:
        path: File to append to.
        limit: Size in bytes from which lines are omitted.
        now: Clock of the timestamps.
        output_log: Receives a copy of the worker's output, without the hub's own lines.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit: int = LOG_LIMIT,
        now: Callable[[], datetime] = _utc_now,
        output_log: "AttemptLog | None" = None,
    ) -> None:
        self.path = path
        self._output_log = output_log
        self._now = now
        self._file = path.open("ab", buffering=0)
        self._remaining = limit
        self._disk_full = False
        self._partial = b""
        self._warnings = Counter[str]()
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._last_entries: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._overflow_count = 0

    def write(self, text: str) -> None:
        """Write lines of the hub.

        Args:
            text: One or more lines.
        """
        self._end_partial_line()
        lines = [_CONTROL_SEQUENCES.sub("", line) for line in text.splitlines()]
        self._write_entries(map(self._format_entry, lines))

    def write_output(self, chunk: bytes) -> None:
        """Write the worker's output, whole lines at a time.

        Args:
            chunk: Raw output, of any length, split anywhere.
        """
        *ended, rest = (self._partial + chunk).split(b"\n")
        whole = len(rest) - len(rest) % _LINE_LIMIT
        self._partial = rest[whole:]
        pieces = [
            line[start : start + _LINE_LIMIT]
            for line in [*ended, rest[:whole]]
            for start in range(0, len(line), _LINE_LIMIT)
        ]
        cleaned = [_CONTROL_SEQUENCES.sub("", piece.decode("utf-8", "replace")) for piece in pieces]
        texts = [text for text in cleaned if text and not self._is_repeated(text)]
        self._tail.extend(texts)
        self._write_to_both(texts)

    def write_repeats(self) -> None:
        """Write how often each repeated warning came, once."""
        self._end_partial_line()
        repeated = {text: count for text, count in self._warnings.items() if count > 1}
        self._write_to_both(f"… {count} times in all: {text}" for text, count in repeated.items())
        self._warnings.clear()

    def tail(self) -> str:
        """Return the last lines that the worker has printed so far, without timestamps.

        Repeated warnings are left out.
        """
        self._end_partial_line()
        return "\n".join(self._tail)

    def close(self) -> None:
        """Write buffered lines and close the file."""
        self._end_partial_line()
        if self._output_log is not None:
            self._output_log.close()
        omitted = self._overflow_count - len(self._last_entries)
        if omitted:
            self._append(self._format_entry(f"… {omitted} lines omitted …"))
        self._append(b"".join(self._last_entries))
        self._file.close()

    def _is_repeated(self, text: str) -> bool:
        """Count a line if it is a warning; return whether it was written before."""
        found = _WARNING.fullmatch(text)
        if found is None:
            return False
        warning = found[1]
        is_known = warning in self._warnings
        if is_known or len(self._warnings) < _MAX_WARNINGS:
            self._warnings[warning] += 1
        return is_known

    def _write_to_both(self, texts: Iterable[str]) -> None:
        # To the byte, so that who reads both logs knows the lines again.
        entries = [*map(self._format_entry, texts)]
        self._write_entries(entries)
        if self._output_log is not None:
            self._output_log._write_entries(entries)

    def _end_partial_line(self) -> None:
        if self._partial:
            self.write_output(b"\n")

    def _format_entry(self, text: str) -> bytes:
        stamp = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{stamp} {text}\n".encode()

    def _write_entries(self, written: Iterable[bytes]) -> None:
        entries = []
        for entry in written:
            self._remaining -= len(entry)
            if self._remaining >= 0:
                entries.append(entry)
            else:
                self._last_entries.append(entry)
                self._overflow_count += 1
        self._append(b"".join(entries))

    def _append(self, data: bytes) -> None:
        if not data or self._disk_full:
            return
        try:
            self._file.write(data)
        except OSError as error:
            # The attempt itself reports the full disk; its supervision must go on.
            if resource_failure_from_error(error) is not FailureType.OUT_OF_DISK:
                raise
            self._disk_full = True
