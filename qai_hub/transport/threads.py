"""Threads that wait for the network."""

import contextvars
import itertools
import queue
import threading
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import TypeAlias, TypeVar

__all__ = ["carry", "leave", "within"]

T = TypeVar("T")

# Which task, what it returned, and what it raised.
_Outcome: TypeAlias = tuple[int, T | None, BaseException | None]

# Ctrl+C does not interrupt a lock on Windows: there it is noticed after this time.
_BREATH = 0.5
# For this long, those who are told to stop may take to be orderly about it.
_PATIENCE = 2.0


def carry(tasks: Sequence[Callable[[], T]], stop: threading.Event, at_once: int = 1) -> list[T]:
    """Carries out tasks that wait for the network, in threads of their own.

    Ctrl+C comes through at once, whatever a task waits for: its thread is left behind, and ends
    with the process at the latest. Where no thread can be started any more, as at the end of the
    process, the tasks are carried out one after the other.

    Args:
        tasks: What to do.
        stop: Set when one of them fails, or the caller is interrupted: the others need not go on.
        at_once: Tasks at a time.

    Returns:
        What the tasks return, in order.

    Raises:
        BaseException: What the first of them that fails raises.
    """
    outcomes: queue.SimpleQueue[_Outcome[T]] = queue.SimpleQueue()
    numbers = itertools.count()

    def work() -> None:
        for number in numbers:
            if number >= len(tasks) or stop.is_set():
                return
            outcome = _carried_out(number, tasks[number])
            outcomes.put(outcome)
            if outcome[2] is not None:
                return

    threads = _start(work, min(at_once, len(tasks)), "qai_hub transfer")
    if not threads:
        return [task() for task in tasks]
    results: dict[int, T] = {}
    try:
        while len(results) < len(tasks):
            outcome = _next(outcomes)
            results[outcome[0]] = _result(outcome)
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
    outcomes: queue.SimpleQueue[_Outcome[T]] = queue.SimpleQueue()
    end = time.monotonic() + seconds
    threads = _start(lambda: outcomes.put(_carried_out(0, task)), 1, "qai_hub asking")
    if not threads:
        return task()
    outcome = _next(outcomes, end)
    threads[0].join()
    return _result(outcome)


def leave(task: Callable[[], object], patience: float) -> None:
    """Carries out a task that nobody waits long for.

    Args:
        task: What to do. It raises nothing.
        patience: Seconds after which it is left to its thread.
    """
    threads = _start(task, 1, "qai_hub transfer")
    if threads:
        threads[0].join(patience)
    else:
        task()


def _carried_out(number: int, task: Callable[[], T]) -> _Outcome[T]:
    try:
        return number, task(), None
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        return number, None, error


def _result(outcome: _Outcome[T]) -> T:
    _, result, fault = outcome
    if fault is not None:
        raise fault
    return result  # type: ignore[return-value]


def _start(work: Callable[[], object], count: int, name: str) -> list[threading.Thread]:
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


def _next(outcomes: "queue.SimpleQueue[_Outcome[T]]", end: float = inf) -> _Outcome[T]:
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
