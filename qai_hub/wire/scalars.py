"""Conversion of scalars and times, whose JSON differs from the values of protobuf."""

import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["SCALARS", "format_time", "parse_time", "shorten_float", "to_datetime"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def parse_time(text: object) -> tuple[int, int]:
    """Parses an RFC 3339 time.

    Args:
        text: The time, with its offset from UTC.

    Returns:
        Seconds since the epoch, and nanoseconds.

    Raises:
        ValueError: If the text is not such a time.
    """
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("it must be a time like 2026-01-02T03:04:05.000006Z")
    second, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(second.upper() + offset.upper()).astimezone(UTC)
        return (moment - _EPOCH) // timedelta(seconds=1), int((fraction or "").ljust(9, "0"))
    except (OverflowError, ValueError):
        raise ValueError("it is not a time between the years 1 and 9999") from None


def format_time(time: "Timestamp") -> str:
    """Formats a time as RFC 3339 in UTC, with microseconds, or nanoseconds where needed.

    Args:
        time: The time.

    Returns:
        The text.

    Raises:
        ValueError: If it is not between the years 1 and 9999.
    """
    text = to_datetime(time).isoformat("T", "microseconds").removesuffix("+00:00")
    rest = time.nanos % 1000
    return f"{text}{rest:03}Z" if rest else f"{text}Z"


def to_datetime(time: "Timestamp") -> datetime:
    """Converts a time to an aware datetime in UTC, rounded down to microseconds.

    Args:
        time: The time.

    Returns:
        The datetime.

    Raises:
        ValueError: If it is not between the years 1 and 9999.
    """
    nanos = time.nanos
    if not 0 <= nanos < 1_000_000_000:
        raise ValueError("its nanoseconds are not within a second")
    try:
        # A product is made faster than a difference of several units.
        return _EPOCH + _MICROSECOND * (time.seconds * 1_000_000 + nanos // 1000)
    except OverflowError:
        raise ValueError("it is not a time between the years 1 and 9999") from None


def shorten_float(value: float) -> float:
    """Returns the shortest decimal number with the same value in single precision.

    Args:
        value: A number of single precision, such as 0.10000000149011612.

    Returns:
        The number, such as 0.1.
    """
    if not isfinite(value):
        return value
    exact = struct.pack("<f", value)
    # Nine digits are enough to distinguish all numbers of single precision.
    shorter = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next(short for short in shorter if struct.pack("<f", short) == exact)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("it must be text")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("it must be true or false")
    return value


def _integer(value: object) -> int:
    """Checks an integer; 1.0 is one, since JSON has a single type for numbers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("it must be an integer")
    return value


def _number(value: object) -> float:
    """Checks a number; NaN and the infinities are strings, as in proto3 JSON."""
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("it must be a number")
    return float(value)


def _single(value: object) -> float:
    given = _number(value)
    struct.pack("<f", given)
    return given


# Converters from JSON values to those that protobuf expects, by the type on the wire.
SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "bool": _boolean,
    "int64": _integer,
    "uint32": _integer,
    "uint64": _integer,
    "float": _single,
    "double": _number,
}
