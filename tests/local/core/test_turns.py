"""Turns: nobody waits for all that another wants."""

import asyncio

from qai_hub.local.core.turns import Places, Turns


def test_users_take_turns_and_keep_their_order() -> None:
    turns = Turns[str]()
    for item in ("a1", "a2", "a3"):
        turns.add(1, item)
    assert turns.take() == "a1"
    turns.add(2, "b1")
    turns.add(3, "c1")
    turns.add(2, "b2")
    assert [turns.take() for _ in range(6)] == ["a2", "b1", "c1", "a3", "b2", None]
    turns.add(1, "a4")
    assert turns.take() == "a4"


def test_users_take_places_in_turns() -> None:
    async def order() -> list[int]:
        places, had = Places(2), list[int]()

        async def use(user_id: int) -> None:
            async with places.take(user_id):
                had.append(user_id)
                await asyncio.sleep(0)

        await asyncio.gather(*(use(user_id) for user_id in (1, 1, 1, 1, 1, 2, 3, 2)))
        return had

    assert asyncio.run(order()) == [1, 1, 1, 2, 3, 1, 2, 1]


def test_whoever_leaves_before_their_turn_keeps_no_place() -> None:
    async def leave() -> list[int]:
        places, had, go_on = Places(1), list[int](), asyncio.Event()

        async def use(user_id: int) -> None:
            async with places.take(user_id):
                had.append(user_id)
                await go_on.wait()

        async def be_first() -> None:
            await use(1)
            # The place is the next user's already, who has not noticed.
            late.cancel()

        first = asyncio.create_task(be_first())
        gone, late, last = (asyncio.create_task(use(user_id)) for user_id in (2, 3, 4))
        await asyncio.sleep(0)
        gone.cancel()
        go_on.set()
        await asyncio.gather(first, last)
        async with places.take(5):
            return had

    assert asyncio.run(leave()) == [1, 4]
