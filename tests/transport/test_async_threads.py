"""What an event loop leaves to threads."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import pytest
from support.polling import wait_until

from qai_hub.transport.async_threads import to_thread
from qai_hub.transport.retry import StoppedError
from qai_hub.transport.threads import run_in_threads


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("qai_hub")])


def test_it_returns_and_raises_what_the_task_does() -> None:
    async def use() -> int:
        with pytest.raises(ZeroDivisionError):
            await to_thread(lambda: 1 // 0)
        return await to_thread(threading.get_ident)

    assert asyncio.run(use()) != threading.get_ident()


def test_the_task_sees_the_context_of_its_caller() -> None:
    variable = contextvars.ContextVar("variable", default=0)

    async def use() -> int:
        variable.set(1)
        return await to_thread(variable.get)

    assert asyncio.run(use()) == 1


def test_the_loop_goes_on_meanwhile() -> None:
    async def use() -> bool:
        event = threading.Event()
        waiting = asyncio.create_task(to_thread(lambda: event.wait(20)))
        await asyncio.sleep(0)
        event.set()
        return await waiting

    assert asyncio.run(use())


def test_transfers_end_when_their_caller_is_cancelled() -> None:
    begun, stop, ended = threading.Event(), threading.Event(), threading.Event()

    def transfer() -> None:
        begun.set()
        assert stop.wait(20)
        ended.set()

    def task() -> None:
        with pytest.raises(StoppedError):
            run_in_threads([transfer], stop)

    async def use() -> None:
        waiting = asyncio.create_task(to_thread(task))
        await asyncio.to_thread(begun.wait, 20)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert ended.is_set()

    asyncio.run(use())


def test_a_transfer_that_begins_after_that_is_stopped_at_once() -> None:
    begun, go_on = threading.Event(), threading.Event()
    stops: list[bool] = []

    def task() -> None:
        begun.set()
        go_on.wait(20)
        stop = threading.Event()
        with pytest.raises(StoppedError):
            run_in_threads([lambda: stop.wait(20)], stop)
        stops.append(stop.is_set())

    async def use() -> None:
        waiting = asyncio.create_task(to_thread(task))
        await asyncio.to_thread(begun.wait, 20)
        waiting.cancel()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(use())
    assert stops == [True]


def test_what_nobody_gets_any_more_is_taken_back() -> None:
    begun, go_on = threading.Event(), threading.Event()
    taken_back: list[str] = []

    def task() -> str:
        begun.set()
        go_on.wait(20)
        return "made"

    async def use() -> None:
        waiting = asyncio.create_task(to_thread(task, taken_back.append))
        await asyncio.to_thread(begun.wait, 20)
        waiting.cancel()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await to_thread(lambda: "kept", taken_back.append) == "kept"

    asyncio.run(use())
    assert taken_back == ["made"]
