"""Attributes that are fetched when they are first read."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

__all__ = ["on_demand"]

T = TypeVar("T")

_NONE_GIVEN: Any = object()


class _Partial(Protocol):
    """An object whose attributes are not all known yet."""

    def _complete(self) -> None:
        """Fetches the rest, if there is any."""


class _OnDemand:
    def __init__(self, default: object) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    # A non-data descriptor: called only if the instance's dictionary does not hold the attribute.
    def __get__(self, instance: _Partial | None, owner: type | None = None) -> object:
        if instance is not None:
            instance._complete()
            if self._name in vars(instance):
                return vars(instance)[self._name]
        elif self._default is _NONE_GIVEN:
            return self
        if self._default is _NONE_GIVEN:
            raise AttributeError(f"{type(instance).__name__!r} has no attribute {self._name!r}")
        return self._default


def on_demand(default: T = _NONE_GIVEN) -> T:
    """Declares an attribute that is fetched when it is first read.

    Args:
        default: Its value if there is nothing to fetch; without a default the attribute is then
            missing.

    Returns:
        A descriptor for the class, which must have a method `_complete`.
    """
    declared: Any = _OnDemand(default)
    return declared  # type: ignore[no-any-return]
