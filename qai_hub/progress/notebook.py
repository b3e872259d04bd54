"""Progress in a notebook: one element of the cell's output for each wait and transfer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from qai_hub.progress.text import format_size
from qai_hub.progress.ticker import Ticker
from qai_hub.progress.views import JobView, Transfer, count_states, summarize_ends

if TYPE_CHECKING:
    from qai_hub.progress.clock import Clock

__all__ = ["NotebookDisplay"]

_REDRAW_INTERVAL = 1.0
_MAX_ROWS = 30
_CELL = "padding:.1em .9em .1em 0;text-align:left;background:none;border:0"


class NotebookDisplay:
    """Shows elements, which are updated in place and stay as they were last.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def show_submission(self, job: JobView) -> None:
        """Tells that a job was submitted."""
        _Element(lambda: (f"Submitted {_title(job)}", job.submission)).draw()

    def open_wait(self, jobs: Sequence[JobView], *, grouped: bool) -> _NotebookWait:
        """Shows a wait."""
        return _NotebookWait(jobs, self._clock)

    def open_transfer(self, transfer: Transfer) -> _NotebookTransfer:
        """Shows a transfer."""
        return _NotebookTransfer(transfer, self._clock)


class _Element:
    """An element of the output, which never raises.

    Args:
        render: Returns its content as HTML and as plain text.
    """

    def __init__(self, render: Callable[[], tuple[str, str]]) -> None:
        self._render = render
        self._handle: Any = None
        self._shown: tuple[str, str] | None = None
        self._is_broken = False
        self._lock = threading.RLock()
        self._ticker: Ticker | None = None

    def keep_fresh(self) -> None:
        """Draws it again each second, until it is closed."""
        self._ticker = Ticker(_REDRAW_INTERVAL, self._tick)

    def draw(self) -> None:
        """Shows the present content."""
        with self._lock:
            content = self._render()
            if self._is_broken or content == self._shown:
                return
            self._shown = content
            bundle = {"text/html": content[0], "text/plain": content[1]}
            try:
                if self._handle is None:
                    from IPython import display

                    show: Any = display.display
                    self._handle = show(bundle, raw=True, display_id=True)
                else:
                    self._handle.update(bundle, raw=True)
            except Exception:  # noqa: BLE001 - a kernel that ends raises anything
                self._is_broken = True

    def close(self) -> None:
        """Leaves it as it is."""
        with self._lock:
            if self._ticker is not None:
                self._ticker.stop()

    def _tick(self, ticker: Ticker) -> None:
        with self._lock:
            if not ticker.is_stopped:
                self.draw()


class _NotebookWait:
    """The jobs of one wait."""

    def __init__(self, jobs: Sequence[JobView], clock: Clock) -> None:
        self._jobs = list(jobs)
        self._clock = clock
        self._element = _Element(self._render)
        self._element.keep_fresh()

    def update(self, index: int, job: JobView, *, is_told: bool) -> None:
        """Shows a job's state."""
        self._jobs[index] = job
        # Those of many jobs are left to the next redraw: the whole table is sent each time.
        if len(self._jobs) == 1:
            self._element.draw()

    def suspend(self) -> None:
        """Does nothing: an element does not disturb what others write."""

    def resume(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Leaves the jobs as they are."""
        self._element.draw()
        self._element.close()

    def _render(self) -> tuple[str, str]:
        jobs = sorted(self._jobs, key=lambda job: (not job.has_failed, job.has_ended))
        rows = [self._row(job) for job in jobs[:_MAX_ROWS]]
        rest = jobs[_MAX_ROWS:]
        if rest:
            rows.append(_table_row(f"and {len(rest)} more", escape(count_states(rest)), ""))
        table = f"<table>{''.join(rows)}</table>"
        text = "\n".join(f"{job.title}: {job.state}" for job in jobs[:_MAX_ROWS])
        if len(jobs) == 1:
            return table, text
        return f"{table}<div>{summarize_ends(jobs)}</div>", f"{text}\n{summarize_ends(jobs)}"

    def _row(self, job: JobView) -> str:
        details = [escape(job.durations(self._clock.now()))]
        if job.has_failed and job.reason:
            details.append(_multiline(job.reason))
        details += [
            f"<b>{notice.level}</b> {_multiline(notice.text)}"
            for notice in job.notices
            if job.has_ended
        ]
        state = f"{job.symbol} {escape(job.state)}"
        return _table_row(state, _title(job), "<br>".join(filter(None, details)))


class _NotebookTransfer:
    """One transfer."""

    def __init__(self, transfer: Transfer, clock: Clock) -> None:
        self._transfer = transfer
        self._clock = clock
        self._result: str | None = None
        self._element = _Element(self._render)
        self._element.keep_fresh()

    def close(self, *, succeeded: bool) -> None:
        """Tells how long the transfer took if it was large, or shown already."""
        self._element.close()
        line = self._transfer.result(self._clock.monotonic())
        if succeeded and line:
            self._result = line
            self._element.draw()

    def _render(self) -> tuple[str, str]:
        if self._result:
            return escape(self._result), self._result
        done, total = self._transfer.done, self._transfer.total
        sizes = format_size(done) + (f" of {format_size(total)}" if total else "")
        value = f' value="{done}" max="{total}"' if total else ""
        text = f"{self._transfer.label}: {sizes}"
        return f"{escape(self._transfer.label)} <progress{value}></progress> {sizes}", text


def _title(job: JobView) -> str:
    name = f" {escape(job.name)}" if job.name else ""
    label = escape(job.job_id)
    if job.url.startswith(("https://", "http://")):
        page = escape(job.url)
        label = f'<a href="{page}" target="_blank" rel="noopener">{label}</a>'
    return f"{escape(job.kind)} job {label}{name}"


def _table_row(*cells: str) -> str:
    inner = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
    return f"<tr>{inner}</tr>"


def _multiline(text: str) -> str:
    return escape(text).replace("\n", "<br>")
