"""Parsing of values in responses, whatever a server sends.

A value that is not of the contract's type counts as missing, like null, and does not affect other
values. Every returned value has the type that the contract specifies.
"""

import datetime
from typing import Any, TypeVar

import httpx

from .types import UNSET, Unset

T = TypeVar("T")

_LARGEST = 64
_moment = datetime.datetime.fromisoformat


def body(response: httpx.Response) -> Any:
    """Returns the parsed body of a response.

    A transport that has already parsed it, from any format, provides it in the extension `value`:
    as JSON, or as the model of the response.
    """
    if "value" in response.extensions:
        return response.extensions["value"]
    return response.json()


def integer(value: Any, otherwise: T) -> int | T:
    """Returns an integer of at most 64 bits; 1.0 is one, since JSON has one type for numbers."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value.bit_length() <= _LARGEST else otherwise


def number(value: Any, otherwise: T) -> float | T:
    """Returns a number, which may be NaN or infinite."""
    if type(value) is float:
        return value
    whole = integer(value, None)
    return otherwise if whole is None else float(whole)


def time(value: Any) -> datetime.datetime | Unset:
    """Returns an aware datetime; a time without an offset is in UTC."""
    try:
        moment = _moment(value)
    except (TypeError, ValueError):
        return UNSET
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)


__all__ = ["body", "integer", "number", "time"]
