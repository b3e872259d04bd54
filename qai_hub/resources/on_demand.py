"""Attributes that are fetched when they are first asked for."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

__all__ = ["on_demand"]

T = TypeVar("T")

_NONE_GIVEN: Any = object()


class _Partial(Protocol):
    """Something of which not all is known yet."""

    def _complete(self) -> None:
        """Fetches the rest, if there is any."""


class _OnDemand:
    def __init__(self, default: object) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    # What is in the dictionary of an instance comes first: this is called where there is nothing.
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
    """Declares an attribute that is fetched when it is first asked for.

    Args:
        default: Its value where there is nothing to fetch; without one it is missing then.

    Returns:
        What stands for it in the class, which has a method `_complete`.
    """
    declared: Any = _OnDemand(default)
    return declared  # type: ignore[no-any-return]
