"""The attempts that this process is carrying out, each in its own thread."""

import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from qai_hub.local.store.records import Job


@dataclass(eq=False, slots=True)
class _Attempt:
    job: Job
    cancelled: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Attempts:
    """The running attempts, and how they are cancelled.

    Args:
        ended: Called, in its thread, when an attempt has ended.
        cancel: Called with the job of an attempt that is being cancelled.
    """

    def __init__(self, ended: Callable[[], None], cancel: Callable[[Job], None]) -> None:
        self._cancel = cancel
        self._ended = ended
        self._lock = threading.Lock()
        self._running: set[_Attempt] = set()

    def begin(self, job: Job, run: Callable[[Job, threading.Event], None]) -> None:
        """Start an attempt.

        Args:
            job: The job, as it was claimed.
            run: Carries it out; returns early once the event is set.

        Raises:
            RuntimeError: This process cannot start another thread.
        """
        attempt = _Attempt(job)

        def carry_out() -> None:
            try:
                run(job, attempt.cancelled)
            finally:
                self._remove(attempt)
                self._ended()

        # Daemons, so that a process that forgets to stop its hub can still exit.
        attempt.thread = threading.Thread(target=carry_out, name=job.id, daemon=True)
        with self._lock:
            self._running.add(attempt)
        try:
            attempt.thread.start()
        except RuntimeError:
            self._remove(attempt)
            raise

    def by_owner(self) -> Counter[int]:
        """Return the number of running attempts by the owner of their jobs."""
        with self._lock:
            return Counter(attempt.job.owner_id for attempt in self._running)

    def cancel(self, job_ids: Collection[str]) -> None:
        """Cancel the attempts at some jobs."""
        with self._lock:
            asked = [attempt for attempt in self._running if attempt.job.id in job_ids]
        for attempt in asked:
            self._ask(attempt)

    def stop(self) -> None:
        """Cancel all attempts and wait for their end; no more may be started."""
        with self._lock:
            running = tuple(self._running)
        for attempt in running:
            self._ask(attempt)
        for attempt in running:
            if attempt.thread is not None:
                attempt.thread.join()

    def _ask(self, attempt: _Attempt) -> None:
        # In this order, because the thread that starts the attempt checks the event afterwards.
        attempt.cancelled.set()
        self._cancel(attempt.job)

    def _remove(self, attempt: _Attempt) -> None:
        with self._lock:
            self._running.discard(attempt)
