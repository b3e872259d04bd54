"""Progress as plain lines, for pipes, files and continuous integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from qai_hub.progress.github import is_github_actions, workflow_command
from qai_hub.progress.output import Output
from qai_hub.progress.views import JobView, Transfer, summarize_ends

if TYPE_CHECKING:
    from qai_hub.progress.clock import Clock

__all__ = ["PlainDisplay"]


class PlainDisplay:
    """Writes one line for each event, without control characters.

    Args:
        stream: Where to write.
        environ: Environment variables, which tell whether GitHub Actions reads the lines.
        clock: The time.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str], clock: Clock) -> None:
        self._output = Output(stream)
        self._annotates = is_github_actions(environ)
        self._clock = clock

    def show_submission(self, job: JobView) -> None:
        """Tells that a job was submitted."""
        self._output.write(f"{job.submission}\n")

    def open_wait(self, jobs: Sequence[JobView], *, grouped: bool) -> _PlainWait:
        """Shows a wait."""
        annotates = self._annotates
        return _PlainWait(self._output, jobs, self._clock, annotates, grouped and annotates)

    def open_transfer(self, transfer: Transfer) -> _PlainTransfer:
        """Shows a transfer."""
        return _PlainTransfer(self._output, transfer, self._clock)


class _PlainWait:
    """The lines of one wait."""

    def __init__(
        self,
        output: Output,
        jobs: Sequence[JobView],
        clock: Clock,
        annotates: bool,
        grouped: bool,
    ) -> None:
        self._output = output
        self._jobs = list(jobs)
        self._clock = clock
        self._annotates = annotates
        self._group = workflow_command("group", f"Waiting for {len(jobs)} jobs") if grouped else ""
        self._is_group_open = False
        # A group is folded in the log, so that annotations follow after it.
        self._annotations: list[str] = []

    def update(self, index: int, job: JobView, *, is_told: bool) -> None:
        """Writes a line if the state has changed, and several if the job has ended."""
        before, self._jobs[index] = self._jobs[index], job
        if is_told:
            return
        if job.has_ended:
            self._write_end(job)
        elif job.state != before.state:
            self._write(f"{_headline(job)}: {job.state}")

    def suspend(self) -> None:
        """Does nothing: whole lines do not disturb what others write."""

    def resume(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Writes how many jobs have ended, if there were several and all have."""
        if len(self._jobs) > 1 and all(job.has_ended for job in self._jobs):
            self._write(summarize_ends(self._jobs))
        if self._is_group_open:
            self._output.write(f"{workflow_command('endgroup')}\n")
            self._is_group_open = False
        for line in self._annotations:
            self._output.write(f"{line}\n")
        self._annotations.clear()

    def _write_end(self, job: JobView) -> None:
        times = job.durations(self._clock.now())
        line = f"{_headline(job)}: {job.state}{f' ({times})' if times else ''}"
        shows_reason = job.has_failed and job.reason and not self._annotates
        self._write(f"{line}: {job.reason_line}" if shows_reason else line)
        if self._annotates and job.has_failed:
            self._annotate("error", job.reason or job.state, f"{job.title} failed")
        for notice in job.notices:
            if self._annotates and notice.level in {"WARNING", "ERROR"}:
                self._annotate(notice.level.lower(), notice.text, job.title)
            else:
                self._write(f"- {notice}")

    def _annotate(self, level: str, message: str, title: str) -> None:
        line = workflow_command(level, message, title=title)
        if self._is_group_open:
            self._annotations.append(line)
        else:
            self._output.write(f"{line}\n")

    def _write(self, line: str) -> None:
        if self._group and not self._is_group_open:
            self._output.write(f"{self._group}\n")
            self._is_group_open = True
        self._output.write(f"{line}\n")


class _PlainTransfer:
    """The line of one transfer."""

    def __init__(self, output: Output, transfer: Transfer, clock: Clock) -> None:
        self._output = output
        self._transfer = transfer
        self._clock = clock

    def close(self, *, succeeded: bool) -> None:
        """Writes a line if the transfer was large and has succeeded."""
        line = self._transfer.result(self._clock.monotonic())
        if succeeded and line:
            self._output.write(f"{line}\n")


def _headline(job: JobView) -> str:
    return f"{job.title[:1].upper()}{job.title[1:]}"
