"""What is shown of jobs: that they were submitted, their states in a wait, and their ends once."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from qai_hub.next_steps import Step
from qai_hub.progress.display import WaitDisplay, open_display
from qai_hub.progress.views import JobView, NoticeView
from qai_hub.waiting.schedule import MAX_LONG_POLL

if TYPE_CHECKING:
    from qai_hub.owner import Owner
    from qai_hub.progress.clock import Clock
    from qai_hub.status import JobStatus
    from qai_hub.waiting.ask import WaitableJob

__all__ = ["WaitProgress", "note_what_goes_on", "show_only_news", "show_submission"]

J = TypeVar("J", bound="WaitableJob")

_MAX_NAMES = 20

# Servers answer a long poll when the job ends, not when its state changes.
_SHOWN_LONG_POLL = 2

# Identifiers of the jobs whose end was shown, by the owner of the jobs.
_told: weakref.WeakKeyDictionary[Owner, set[str]] = weakref.WeakKeyDictionary()

# Owners of the jobs whose end is shown only if it is waited for.
_telling_news: weakref.WeakSet[Owner] = weakref.WeakSet()


def show_only_news(owner: Owner) -> None:
    """Shows the end of a job no more if the job is known to have ended before a wait.

    Args:
        owner: The owner of the jobs.
    """
    _telling_news.add(owner)


def show_submission(job: WaitableJob) -> None:
    """Shows that a job was submitted, unless it is not verbose."""
    display = open_display() if job.verbose else None
    if display is not None:
        display.show_submission(_view(job, None))


def note_what_goes_on(error: KeyboardInterrupt, job_ids: Sequence[str]) -> None:
    """Notes that Ctrl+C has ended the wait alone: who meant the jobs would not know.

    Args:
        error: The interruption. What was noted before of some of the jobs is replaced.
        job_ids: The identifiers of the jobs that have not ended; nothing is noted of none.
    """
    if not job_ids:
        return
    named = job_ids[:_MAX_NAMES]
    more = f" and {len(job_ids) - _MAX_NAMES} more" if len(job_ids) > _MAX_NAMES else ""
    go_on = f"{', '.join(named)}{more} {'goes' if len(job_ids) == 1 else 'go'} on"
    each = "it" if len(job_ids) == 1 else "each"
    again = Step(
        f'fetch {each} again with hub.get_job("{named[0]}")',
        f"wait again with `qai-hub job wait {' '.join(named)}`",
    )
    cancel = Step("cancel()", f"`qai-hub job cancel {' '.join(named)}`")
    error.__notes__ = []
    error.add_note(f"{go_on}: {again}, or end {each} with {cancel}.")


class WaitProgress(Generic[J]):
    """Shows how the jobs of a wait proceed, within its context.

    Jobs that are not verbose are left out, and those whose end was shown before are only counted.
    After a fork, it shows nothing in the child.

    Args:
        jobs: The jobs.
        grouped: Whether nothing else is written during the wait.
        clock: The time; None for that of this machine.
    """

    def __init__(
        self, jobs: Sequence[J], *, grouped: bool = False, clock: Clock | None = None
    ) -> None:
        self._jobs = jobs
        shown = [number for number, job in enumerate(jobs) if job.verbose]
        self._rows = {number: row for row, number in enumerate(shown)}
        self._grouped = grouped and len(shown) > 1
        self._old = {number for number in shown if _is_old(jobs[number])}
        is_news = any(number not in self._old for number in shown)
        self._display = open_display(clock) if is_news else None
        self._wait: WaitDisplay | None = None
        # A blocking wait for several jobs runs in a thread, and its caller suspends the display.
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._is_suspended = False
        self._postponed: list[tuple[int, JobView]] = []
        self._ended: set[int] = set()

    @property
    def max_long_poll(self) -> int:
        """Maximum seconds of a long poll, so that changes of a state are shown in time."""
        return MAX_LONG_POLL if self._display is None else _SHOWN_LONG_POLL

    def update(self, index: int, status: JobStatus) -> None:
        """Shows the status of a job that was just fetched.

        Args:
            index: Index of the job.
            status: Its status.
        """
        if status.finished:
            self._ended.add(index)
        if index not in self._rows or self._is_of_parent():
            return
        view = _view(self._jobs[index], status)
        with self._lock:
            self._postponed.append((index, view))
            if not self._is_suspended:
                self._show_postponed()

    def suspend(self) -> None:
        """Shows nothing until `resume` is called, since the caller's code runs meanwhile."""
        if self._is_of_parent():
            return
        with self._lock:
            self._is_suspended = True
            if self._wait is not None:
                self._wait.suspend()

    def resume(self) -> None:
        """Shows what has happened meanwhile."""
        if self._is_of_parent():
            return
        with self._lock:
            self._is_suspended = False
            if self._wait is not None:
                self._wait.resume()
            self._show_postponed()

    def __enter__(self) -> Self:
        if self._display is not None:
            views = [_view(self._jobs[number], None) for number in self._rows]
            self._wait = self._display.open_wait(views, grouped=self._grouped)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            jobs = enumerate(self._jobs)
            note_what_goes_on(error, [job.job_id for i, job in jobs if i not in self._ended])
        if self._is_of_parent():
            return
        with self._lock:
            wait, self._wait = self._wait, None
            if wait is not None:
                wait.close()

    def _show_postponed(self) -> None:
        for index, view in self._postponed:
            if self._wait is None:
                continue
            job = self._jobs[index]
            is_told = index in self._old or _is_told(job)
            if view.has_ended:
                _told.setdefault(job._owner, set()).add(job.job_id)
            self._wait.update(self._rows[index], view, is_told=is_told)
        self._postponed.clear()

    def _is_of_parent(self) -> bool:
        # The lock may have been held by a thread that there is no more.
        return self._process != os.getpid()


def _is_old(job: WaitableJob) -> bool:
    """Returns whether the end of a job need not be shown when a wait begins."""
    if _is_told(job):
        return True
    known: JobStatus | None = getattr(job, "_last_status", None)
    return job._owner in _telling_news and known is not None and known.finished


def _is_told(job: WaitableJob) -> bool:
    return job.job_id in _told.get(job._owner, ())


def _view(job: WaitableJob, status: JobStatus | None) -> JobView:
    # Reading an attribute that is not known yet would send a request.
    known: dict[str, Any] = vars(job)
    lead = job._owner._connection.clock_lead
    view: dict[str, Any] = {
        "job_id": job.job_id,
        "kind": job._type_name,
        "name": known.get("name") or "",
        "url": job.url,
        "queued_at": _by_own_clock(known.get("queued_at") or known.get("created_at"), lead),
        "started_at": _by_own_clock(known.get("started_at"), lead),
        "completed_at": _by_own_clock(known.get("completed_at"), lead),
    }
    if status is not None:
        notices = [NoticeView(each.severity, each.message) for each in known.get("notices") or ()]
        view |= {
            "state": status.code,
            "symbol": status.symbol,
            "has_ended": status.finished,
            "has_failed": status.failure,
            "reason": status.message or "",
            "notices": tuple(notices),
        }
    return JobView(**view)


def _by_own_clock(moment: datetime | None, lead: timedelta) -> datetime | None:
    """Returns a point in time of the server's by the clock that it is compared with."""
    try:
        return None if moment is None else moment - lead
    except OverflowError:
        return moment
