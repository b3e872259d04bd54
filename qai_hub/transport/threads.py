"""Threads that wait for the network."""

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

# Which task, what it returned, and what it raised.
Outcome: TypeAlias = tuple[int, T | None, BaseException | None]

# Ctrl+C does not interrupt a lock on Windows: there it is noticed after this time.
_BREATH = 0.5
# For this long, those who are told to stop may take to be orderly about it.
_PATIENCE = 2.0


class Abandonment:
    """Ends the transfers of a thread early, when nobody waits for that thread any more."""

    _current: ContextVar["Abandonment | None"] = ContextVar("qai_hub_abandonment", default=None)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._wakes: list[Callable[[], object]] = []

    def watch_this_thread(self) -> None:
        """Lets it end the transfers that this context begins from now on."""
        self._current.set(self)

    def set(self) -> None:
        """Ends them."""
        with self._lock:
            self._is_set = True
            wakes = list(self._wakes)
        for wake in wakes:
            wake()

    @classmethod
    @contextlib.contextmanager
    def noticed(cls, wake: Callable[[], object]) -> Iterator[None]:
        """Calls a function when nobody waits for this context any more.

        Args:
            wake: The function; it is called at once if that is so already.

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
    """Carries out tasks that wait for the network, in threads of their own.

    Ctrl+C comes through at once, whatever a task waits for: its thread is left behind, and ends
    with the process at the latest. Where no thread can be started any more, as at the end of the
    process, the tasks are carried out one after the other.

    Args:
        tasks: What to do.
        stop: Set when one of them fails, or the caller is interrupted or no longer waited for: the
            others need not go on.
        at_once: Tasks at a time.

    Returns:
        What the tasks return, in order.

    Raises:
        StoppedError: If nobody waits for the caller any more.
        BaseException: What the first of them that fails raises.
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
    """Carries out a task, which is left to its thread when the time is up.

    Where no thread can be started any more, nothing but the task itself bounds its time.

    Args:
        seconds: Seconds to wait for it.
        task: What to do.

    Returns:
        What it returns.

    Raises:
        TimeoutError: If the time is up.
        BaseException: What the task raises.
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
    """Carries out a task that nobody waits long for.

    Args:
        task: What to do. It raises nothing.
        patience: Seconds after which it is left to its thread.
    """
    threads = start(task, 1, "qai_hub transfer")
    if threads:
        threads[0].join(patience)
    else:
        task()


def carried_out(number: int, task: Callable[[], T]) -> Outcome[T]:
    """Carries out a task, and returns its number, and what it returned or raised."""
    try:
        return number, task(), None
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        return number, None, error


def result_of(outcome: Outcome[T]) -> T:
    """Returns what a task returned, or raises what it raised."""
    _, result, fault = outcome
    if fault is not None:
        raise fault
    return result  # type: ignore[return-value]


def start(work: Callable[[], object], count: int, name: str) -> list[threading.Thread]:
    """Starts daemon threads in copies of the caller's context.

    Args:
        work: What each of them does.
        count: How many.
        name: What they are called.

    Returns:
        The threads; fewer where no more can be started, as at the end of the process.
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
