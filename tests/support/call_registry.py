"""Where calls that are compared between clients are collected."""

from collections.abc import Callable

from support.call_context import Maker

SHAPES: dict[str, Maker] = {}


def shape(name: str) -> Callable[[Maker], Maker]:
    """Registers a call."""

    def register(call: Maker) -> Maker:
        assert name not in SHAPES, name
        SHAPES[name] = call
        return call

    return register
