"""Values of answers, whatever a server sends.

A value that is not of the contract's type is taken for one that is not there, as null is: it costs
no more than itself. What this gives is of that type.
"""

import datetime
from typing import Any, TypeVar

import httpx

from .types import UNSET, Unset

T = TypeVar("T")

_LARGEST = 64
_moment = datetime.datetime.fromisoformat


def body(response: httpx.Response) -> Any:
    """What the body of an answer says, as JSON would.

    A transport that has read it already, of whatever format, leaves it in the extension `value`.
    """
    if "value" in response.extensions:
        return response.extensions["value"]
    return response.json()


def integer(value: Any, otherwise: T) -> int | T:
    """A whole number of at most 64 bits; JSON has one type of numbers: 1.0 is one, too."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value.bit_length() <= _LARGEST else otherwise


def number(value: Any, otherwise: T) -> float | T:
    """A number, NaN and infinity among them."""
    if type(value) is float:
        return value
    whole = integer(value, None)
    return otherwise if whole is None else float(whole)


def time(value: Any) -> datetime.datetime | Unset:
    """A time with its offset from UTC, which is UTC where none is told."""
    try:
        moment = _moment(value)
    except (TypeError, ValueError):
        return UNSET
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)


__all__ = ["body", "integer", "number", "time"]
