"""What displays show: jobs and transfers, as values without requests and with safe texts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from qai_hub.progress.text import format_duration, format_size, one_line, printable_lines

__all__ = ["JobView", "NoticeView", "Transfer", "count_states", "summarize_ends"]

_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
# A shorter transfer gets no line of its own when it has finished.
_LARGE_SIZE = 1_000_000
_LONG_DURATION = 5.0


class NoticeView(NamedTuple):
    """A message of a job to its user.

    Attributes:
        level: `DEBUG`, `INFO`, `WARNING` or `ERROR`; `NOTICE` if it is another.
        text: The message; it may have several lines.
    """

    level: str
    text: str

    def __str__(self) -> str:
        return f"{self.level}: {one_line(self.text, len(self.text))}"


@dataclass(frozen=True)
class JobView:
    """A job at one time.

    Attributes:
        job_id: Identifier.
        kind: Type of the job, such as `compile`.
        name: Display name; empty if it is not known.
        url: URL of the job's page.
        state: Name of the state; empty if it is not known.
        symbol: Symbol of the state.
        has_ended: Whether the job has ended.
        has_failed: Whether it has failed.
        reason: Why it has failed; it may have several lines.
        queued_at: When it was queued, if that is known.
        started_at: When it started to run.
        completed_at: When it ended.
        notices: Its messages to the user.
    """

    job_id: str
    kind: str
    name: str = ""
    url: str = ""
    state: str = ""
    symbol: str = "⏳"
    has_ended: bool = False
    has_failed: bool = False
    reason: str = ""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    notices: tuple[NoticeView, ...] = ()

    def __post_init__(self) -> None:
        for field in ("job_id", "kind", "name", "url", "state"):
            object.__setattr__(self, field, one_line(getattr(self, field)))
        object.__setattr__(self, "reason", printable_lines(self.reason))
        notices = [
            NoticeView(level if level in _LEVELS else "NOTICE", printable_lines(text))
            for level, text in self.notices
        ]
        object.__setattr__(self, "notices", tuple(notices))

    @property
    def title(self) -> str:
        """Type, identifier and name."""
        name = f' "{self.name}"' if self.name else ""
        return f"{self.kind} job {self.job_id}{name}"

    @property
    def submission(self) -> str:
        """What is told when it has been submitted."""
        return f"Submitted {self.title}: {self.url}"

    @property
    def reason_line(self) -> str:
        """The reason of its failure as one line."""
        return one_line(self.reason, len(self.reason))

    def time_queued(self, now: datetime) -> str | None:
        """Returns how long it has been in the queue, or was, if that is known."""
        end = self.started_at or self.completed_at
        return self._time_between(self.queued_at, end, now)

    def time_run(self, now: datetime) -> str | None:
        """Returns how long it has been running, or ran, if that is known."""
        return self._time_between(self.started_at, self.completed_at, now)

    def durations(self, now: datetime) -> str:
        """Returns both times in words, such as `queued 0:03, ran 0:12`; empty if unknown."""
        queued, ran = self.time_queued(now), self.time_run(now)
        if not self.state:
            return queued or ""
        parts = [f"queued {queued}"] if queued else []
        if ran:
            parts.append(f"ran {ran}" if self.has_ended else f"running {ran}")
        return ", ".join(parts)

    def _time_between(
        self, start: datetime | None, end: datetime | None, now: datetime
    ) -> str | None:
        if end is None and not self.has_ended:
            end = now
        if start is None or end is None:
            return None
        return format_duration((end - start).total_seconds())


def summarize_ends(jobs: Sequence[JobView]) -> str:
    """Returns how many jobs have ended, and how many of them failed."""
    ended = sum(job.has_ended for job in jobs)
    failed = sum(job.has_failed for job in jobs)
    return f"{ended} of {len(jobs)} jobs ended{f', {failed} failed' if failed else ''}"


def count_states(jobs: Sequence[JobView]) -> str:
    """Returns how many jobs are in which state, such as `3 CREATED, 1 FAILED`."""
    states = Counter(job.state or "state unknown" for job in jobs)
    return ", ".join(f"{count} {state}" for state, count in states.most_common())


class Transfer:
    """A transfer of one file, of which several threads may report the progress.

    Args:
        direction: Whether the file is uploaded or downloaded.
        name: Name of the file.
        total: Size in bytes, if it is known.
        start: The time on a monotonic clock, in seconds.
        already: Bytes that were transferred before.

    Attributes:
        direction: As given.
        name: The name, as one printable line.
        total: As given.
        done: Bytes transferred so far, those before included.
    """

    def __init__(
        self,
        direction: Literal["upload", "download"],
        name: str,
        total: int | None,
        start: float,
        already: int = 0,
    ) -> None:
        self.direction = direction
        self.name = one_line(name)
        self.total = total
        self.done = already
        self._already = already
        self._start = start
        self._lock = threading.Lock()

    def move(self, count: int) -> None:
        """Records that bytes were transferred, or by a negative number that they must be again."""
        with self._lock:
            self.done += count

    @property
    def label(self) -> str:
        """What is going on, such as `Uploading model.onnx`."""
        return f"{self.direction.capitalize()}ing {self.name}"

    def result(self, now: float) -> str | None:
        """Returns what is told of the finished transfer; None if it was too small for that."""
        seconds = now - self._start
        if self.done < _LARGE_SIZE and seconds < _LONG_DURATION:
            return None
        speed = format_size((self.done - self._already) / max(seconds, 0.001))
        return (
            f"{self.direction.capitalize()}ed {self.name}: {format_size(self.done)} in"
            f" {format_duration(seconds)} ({speed}/s)"
        )
