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
    "Abandonment",
    "Outcome",
    "carried_out",
    "carry",
    "leave",
    "result_of",
    "start",
    "within",
]

T = TypeVar("T")

# Index of the task, its result, and the exception that it raised.
Outcome: TypeAlias = tuple[int, T | None, BaseException | None]

# Seconds after which Ctrl+C is noticed on Windows, where it does not interrupt waiting for a lock.
_BREATH = 0.5
# Seconds that stopped threads get to clean up.
_PATIENCE = 2.0


class Abandonment:
    """Aborts the transfers of a thread when nobody waits for that thread any more."""

    _current: ContextVar["Abandonment | None"] = ContextVar("qai_hub_abandonment", default=None)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._wakes: list[Callable[[], object]] = []

    def watch_this_thread(self) -> None:
        """Makes this object abort the transfers that the current context starts from now on."""
        self._current.set(self)

    def set(self) -> None:
        """Aborts the transfers."""
        with self._lock:
            self._is_set = True
            wakes = list(self._wakes)
        for wake in wakes:
            wake()

    @classmethod
    @contextlib.contextmanager
    def noticed(cls, wake: Callable[[], object]) -> Iterator[None]:
        """Calls a function if the current context is abandoned during a block.

        Args:
            wake: The function; it is called at once if the context is already abandoned.

        Yields:
            Nothing.
        """
        current = cls._current.get()
        if current is None:
            yield
            return
        with current._lock:
            current._wakes.append(wake)
            is_set = current._is_set
        try:
            if is_set:
                wake()
            yield
        finally:
            with current._lock:
                current._wakes.remove(wake)


def carry(tasks: Sequence[Callable[[], T]], stop: threading.Event, at_once: int = 1) -> list[T]:
    """Runs tasks that wait for the network in separate threads.

    Ctrl+C interrupts the caller at once, whatever a task waits for: the thread of that task is
    abandoned, and ends with the process at the latest. Where no thread can be started any more, as
    at the end of the process, the tasks run in the caller's thread, one after the other.

    Args:
        tasks: The tasks.
        stop: Set when a task fails, or the caller is interrupted or abandoned, to stop the other
            tasks.
        at_once: Maximum number of tasks to run in parallel.

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
            outcome = carried_out(number, tasks[number])
            outcomes.put(outcome)
            if outcome[2] is not None:
                return

    threads = start(work, min(at_once, len(tasks)), "qai_hub transfer")
    if not threads:
        return [task() for task in tasks]
    results: dict[int, T] = {}
    try:
        with Abandonment.noticed(lambda: outcomes.put((-1, None, StoppedError()))):
            while len(results) < len(tasks):
                outcome = _next(outcomes)
                results[outcome[0]] = result_of(outcome)
    except Exception:
        stop.set()
        _join(threads)
        raise
    except BaseException:
        stop.set()
        raise
    return [results[number] for number in range(len(tasks))]


def within(seconds: float, task: Callable[[], T]) -> T:
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
    threads = start(lambda: outcomes.put(carried_out(0, task)), 1, "qai_hub asking")
    if not threads:
        return task()
    outcome = _next(outcomes, end)
    threads[0].join()
    return result_of(outcome)


def leave(task: Callable[[], object], patience: float) -> None:
    """Runs a task whose result nobody needs.

    Args:
        task: The task, which must not raise.
        patience: Seconds to wait for the task before its thread is abandoned.
    """
    threads = start(task, 1, "qai_hub transfer")
    if threads:
        threads[0].join(patience)
    else:
        task()


def carried_out(number: int, task: Callable[[], T]) -> Outcome[T]:
    """Runs a task, and returns its number, its result and the exception that it raised."""
    try:
        return number, task(), None
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        return number, None, error


def result_of(outcome: Outcome[T]) -> T:
    """Returns the result of a task, or raises its exception."""
    _, result, fault = outcome
    if fault is not None:
        raise fault
    return result  # type: ignore[return-value]


def start(work: Callable[[], object], count: int, name: str) -> list[threading.Thread]:
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


def _next(outcomes: "queue.SimpleQueue[Outcome[T]]", end: float = inf) -> Outcome[T]:
    while True:
        remaining = end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        try:
            return outcomes.get(timeout=min(remaining, _BREATH))
        except queue.Empty:
            continue


def _join(threads: Sequence[threading.Thread]) -> None:
    end = time.monotonic() + _PATIENCE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
