"""Turns: nobody waits for all that another wants."""

from qai_hub.local.core.turns import Turns


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
