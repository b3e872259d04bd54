"""Requests that want the same at the same moment have it read once."""

import asyncio

import pytest

from qai_hub.local.core.waiters import SharedReads


class Source:
    """What is read, and how often."""

    def __init__(self) -> None:
        self.reads = 0
        self.go_on = asyncio.Event()

    async def read(self) -> int:
        self.reads += 1
        await self.go_on.wait()
        return self.reads


def test_many_have_what_one_has_read() -> None:
    async def many() -> tuple[list[int], int]:
        shared, source = SharedReads[str, int](), Source()
        asked = [asyncio.create_task(shared.read("job", source.read)) for _ in range(100)]
        await asyncio.sleep(0)
        source.go_on.set()
        first = await asyncio.gather(*asked)
        return first, await shared.read("job", source.read)

    assert asyncio.run(many()) == ([1] * 100, 2)


def test_other_keys_are_read_by_themselves() -> None:
    async def two() -> list[int]:
        shared, source = SharedReads[str, int](), Source()
        source.go_on.set()
        return [await shared.read(key, source.read) for key in ("a job", "another")]

    assert asyncio.run(two()) == [1, 2]


def test_whoever_leaves_takes_nothing_from_the_others() -> None:
    async def one_leaves() -> int:
        shared, source = SharedReads[str, int](), Source()
        gone = asyncio.create_task(shared.read("job", source.read))
        stays = asyncio.create_task(shared.read("job", source.read))
        await asyncio.sleep(0)
        gone.cancel()
        source.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert asyncio.run(one_leaves()) == 1


def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    async def fails() -> int:
        shared, source = SharedReads[str, int](), Source()
        source.go_on.set()

        async def fail() -> int:
            raise OSError("gone")

        asked = [asyncio.create_task(shared.read("job", fail)) for _ in range(2)]
        for task in asked:
            with pytest.raises(OSError, match="gone"):
                await task
        return await shared.read("job", source.read)

    assert asyncio.run(fails()) == 1
