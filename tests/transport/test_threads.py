"""Tasks that wait for the network, in threads of their own."""

import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.transport.threads import run_detached, run_in_threads, run_with_timeout


def no_threads(monkeypatch: pytest.MonkeyPatch, after: int = 0) -> None:
    """Has the system start so many threads more, and then none."""
    start, left = threading.Thread.start, [after]

    def refuse(thread: threading.Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't create new thread at interpreter shutdown")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


@given(st.lists(st.integers(), max_size=12), st.integers(1, 5))
def test_results_are_in_order(values: list[int], max_workers: int) -> None:
    tasks = [lambda value=value: value for value in values]
    assert run_in_threads(tasks, threading.Event(), max_workers) == values


def test_so_many_at_once_and_no_more() -> None:
    together, most, lock = threading.Barrier(3), [0, 0], threading.Lock()

    def task() -> None:
        with lock:
            most[0] += 1
            most[1] = max(most)
        together.wait(10)
        with lock:
            most[0] -= 1

    run_in_threads([task] * 9, threading.Event(), 3)
    assert most == [0, 3]


def test_the_first_fault_stops_the_others() -> None:
    stop, done = threading.Event(), []

    def fail() -> None:
        raise ValueError("no")

    def wait() -> None:
        stop.wait(10)
        done.append(stop.is_set())

    with pytest.raises(ValueError, match="no"):
        run_in_threads([wait, fail, wait, wait, wait], stop, 2)
    assert done == [True]


def test_variables_of_the_context_go_along() -> None:
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(7)
    assert run_in_threads([variable.get] * 3, threading.Event(), 2) == [7, 7, 7]


@pytest.mark.parametrize("started", [0, 1, 2])
def test_where_no_threads_can_be_started(monkeypatch: pytest.MonkeyPatch, started: int) -> None:
    no_threads(monkeypatch, started)
    tasks = [lambda value=value: value for value in range(5)]
    assert run_in_threads(tasks, threading.Event(), 4) == [0, 1, 2, 3, 4]


def test_it_works_within_a_thread_of_a_pool() -> None:
    with ThreadPoolExecutor(1) as pool:
        nested = pool.submit(
            lambda: run_in_threads(
                [lambda: run_in_threads([int], threading.Event())], threading.Event()
            )
        )
        assert nested.result(10) == [[0]]


@pytest.mark.parametrize("threads", [True, False])
def test_a_task_that_is_left(monkeypatch: pytest.MonkeyPatch, *, threads: bool) -> None:
    if not threads:
        no_threads(monkeypatch)
    done: list[int] = []
    run_detached(lambda: done.append(1), 10)
    assert done == [1]


def test_nobody_waits_long_for_it() -> None:
    release = threading.Event()
    start = time.monotonic()
    run_detached(lambda: release.wait(20), 0.1)
    assert time.monotonic() - start < 10
    release.set()


@pytest.mark.parametrize("threads", [True, False])
def test_a_task_within_its_time(monkeypatch: pytest.MonkeyPatch, *, threads: bool) -> None:
    if not threads:
        no_threads(monkeypatch)
    assert run_with_timeout(10, lambda: 7) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        run_with_timeout(10, lambda: int("not a number"))


def test_a_task_that_takes_too_long() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        run_with_timeout(0.05, lambda: release.wait(20))
    release.set()
