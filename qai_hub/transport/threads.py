"""Threads for blocking network operations, which Ctrl+C can interrupt at any time."""

import contextlib
import contextvars
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from math import inf
from typing import TypeAlias, TypeVar

from qai_hub.transport.retry import StoppedError

__all__ = [
    "CancellationToken",
    "Outcome",
    "capture_outcome",
    "run_detached",
    "run_in_threads",
    "run_with_timeout",
    "start_threads",
    "unwrap_outcome",
]

T = TypeVar("T")

# Index of the task, its result, and the exception that it raised.
Outcome: TypeAlias = tuple[int, T | None, BaseException | None]

# Seconds after which Ctrl+C is noticed on Windows, where it does not interrupt waiting for a lock.
_POLL_INTERVAL = 0.5
# Seconds that stopped threads get to clean up.
_CLEANUP_TIMEOUT = 2.0


class CancellationToken:
    """Aborts the transfers of a thread when nobody waits for that thread any more."""

    _current: ContextVar["CancellationToken | None"] = ContextVar(
        "qai_hub_cancellation", default=None
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._callbacks: list[Callable[[], object]] = []

    def attach_to_context(self) -> None:
        """Makes this object abort the transfers that the current context starts from now on."""
        self._current.set(self)

    def cancel(self) -> None:
        """Aborts the transfers."""
        with self._lock:
            self._is_cancelled = True
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    @classmethod
    @contextlib.contextmanager
    def on_cancel(cls, callback: Callable[[], object]) -> Iterator[None]:
        """Calls a function if the current context is abandoned during a block.

        Args:
            callback: The function; it is called at once if the context is already abandoned.

        Yields:
            Nothing.
        """
        current = cls._current.get()
        if current is None:
            yield
            return
        with current._lock:
            current._callbacks.append(callback)
            is_cancelled = current._is_cancelled
        try:
            if is_cancelled:
                callback()
            yield
        finally:
            with current._lock:
                current._callbacks.remove(callback)


def run_in_threads(
    tasks: Sequence[Callable[[], T]], stop: threading.Event, max_workers: int = 1
) -> list[T]:
    """Runs tasks that wait for the network in separate threads.

    Ctrl+C interrupts the caller at once, whatever a task waits for: the thread of that task is
    abandoned, and ends with the process at the latest. Where no thread can be started any more, as
    at the end of the process, the tasks run in the caller's thread, one after the other.

    Args:
        tasks: The tasks.
        stop: Set when a task fails, or the caller is interrupted or abandoned, to stop the other
            tasks.
        max_workers: Maximum number of tasks to run in parallel.

    Returns:
        The results of the tasks, in order.

    Raises:
        StoppedError: If nobody waits for the caller any more.
        BaseException: Whatever the first task that fails raises.
    """
    outcomes: queue.SimpleQueue[Outcome[T]] = queue.SimpleQueue()
    numbers = itertools.count()

    def work() -> None:
        for number in numbers:
            if number >= len(tasks) or stop.is_set():
                return
            outcome = capture_outcome(number, tasks[number])
            outcomes.put(outcome)
            if outcome[2] is not None:
                return

    threads = start_threads(work, min(max_workers, len(tasks)), "qai_hub transfer")
    if not threads:
        return [task() for task in tasks]
    results: dict[int, T] = {}
    try:
        with CancellationToken.on_cancel(lambda: outcomes.put((-1, None, StoppedError()))):
            while len(results) < len(tasks):
                outcome = _get_outcome(outcomes)
                results[outcome[0]] = unwrap_outcome(outcome)
    except Exception:
        stop.set()
        _join(threads)
        raise
    except BaseException:
        stop.set()
        raise
    return [results[number] for number in range(len(tasks))]


def run_with_timeout(seconds: float, task: Callable[[], T]) -> T:
    """Runs a task with a time limit, after which its thread is abandoned.

    Where no thread can be started any more, the task runs without a time limit.

    Args:
        seconds: Seconds to wait for the task.
        task: The task.

    Returns:
        The result of the task.

    Raises:
        TimeoutError: If the time is up.
        BaseException: Whatever the task raises.
    """
    outcomes: queue.SimpleQueue[Outcome[T]] = queue.SimpleQueue()
    end = time.monotonic() + seconds
    threads = start_threads(lambda: outcomes.put(capture_outcome(0, task)), 1, "qai_hub request")
    if not threads:
        return task()
    outcome = _get_outcome(outcomes, end)
    threads[0].join()
    return unwrap_outcome(outcome)


def run_detached(task: Callable[[], object], timeout: float) -> None:
    """Runs a task whose result nobody needs.

    Args:
        task: The task, which must not raise.
        timeout: Seconds to wait for the task before its thread is abandoned.
    """
    threads = start_threads(task, 1, "qai_hub transfer")
    if threads:
        threads[0].join(timeout)
    else:
        task()


def capture_outcome(number: int, task: Callable[[], T]) -> Outcome[T]:
    """Runs a task, and returns its number, its result and the exception that it raised."""
    try:
        return number, task(), None
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        return number, None, error


def unwrap_outcome(outcome: Outcome[T]) -> T:
    """Returns the result of a task, or raises its exception."""
    _, result, fault = outcome
    if fault is not None:
        raise fault
    return result  # type: ignore[return-value]


def start_threads(work: Callable[[], object], count: int, name: str) -> list[threading.Thread]:
    """Starts daemon threads in copies of the caller's context.

    Args:
        work: The function that each thread runs.
        count: Number of threads.
        name: Name of the threads.

    Returns:
        The threads; fewer if no more can be started, as at the end of the process.
    """
    threads: list[threading.Thread] = []
    for _ in range(count):
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(work,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            break
        threads.append(thread)
    return threads


def _get_outcome(outcomes: "queue.SimpleQueue[Outcome[T]]", end: float = inf) -> Outcome[T]:
    while True:
        remaining = end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        try:
            return outcomes.get(timeout=min(remaining, _POLL_INTERVAL))
        except queue.Empty:
            continue


def _join(threads: Sequence[threading.Thread]) -> None:
    end = time.monotonic() + _CLEANUP_TIMEOUT
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
