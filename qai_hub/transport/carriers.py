"""Threads that carry files."""

import contextvars
import itertools
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["carry", "leave"]

T = TypeVar("T")

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
    outcomes: queue.SimpleQueue[tuple[int, T | None, BaseException | None]] = queue.SimpleQueue()
    numbers = itertools.count()

    def work() -> None:
        for number in numbers:
            if number >= len(tasks) or stop.is_set():
                return
            try:
                outcomes.put((number, tasks[number](), None))
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                outcomes.put((number, None, error))
                return

    threads = _start(work, min(at_once, len(tasks)))
    if not threads:
        return [task() for task in tasks]
    results: dict[int, T | None] = {}
    try:
        while len(results) < len(tasks):
            number, result = _next(outcomes)
            results[number] = result
    except Exception:
        stop.set()
        _join(threads)
        raise
    except BaseException:
        stop.set()
        raise
    return [results[number] for number in range(len(tasks))]  # type: ignore[misc]


def leave(task: Callable[[], object], patience: float) -> None:
    """Carries out a task that nobody waits long for.

    Args:
        task: What to do. It raises nothing.
        patience: Seconds after which it is left to its thread.
    """
    threads = _start(task, 1)
    if threads:
        threads[0].join(patience)
    else:
        task()


def _start(work: Callable[[], object], count: int) -> list[threading.Thread]:
    threads: list[threading.Thread] = []
    for _ in range(count):
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(work,), name="qai_hub transfer", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            break
        threads.append(thread)
    return threads


def _next(
    outcomes: "queue.SimpleQueue[tuple[int, T | None, BaseException | None]]",
) -> tuple[int, T | None]:
    while True:
        try:
            number, result, fault = outcomes.get(timeout=_BREATH)
        except queue.Empty:
            continue
        if fault is not None:
            raise fault
        return number, result


def _join(threads: Sequence[threading.Thread]) -> None:
    end = time.monotonic() + _PATIENCE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
