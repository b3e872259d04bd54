"""Texts of limited length, without control characters."""

from __future__ import annotations

_MAX_REPR = 300


def printable(text: str, limit: int) -> str:
    """Returns a text of limited length, without control characters other than line ends."""
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in cut)


def one_line(text: str, width: int) -> str:
    """Returns a text as one line of limited width, without control characters."""
    return printable(text, width).replace("\n", " ")


def shorten_middle(text: str, width: int) -> str:
    """Returns a text, shortened in the middle if long: the ends of names are the telling parts."""
    if len(text) <= width:
        return text
    head = width // 3
    return f"{text[:head]}…{text[1 + head - width :]}"


def short_repr(value: object) -> str:
    """Returns the repr of a value, shortened in the middle if long."""
    # A long text is cut first: its whole repr may take megabytes.
    given = shorten_middle(value, _MAX_REPR) if isinstance(value, str) else value
    return shorten_middle(repr(given), 2 * _MAX_REPR)


def format_fields(name: str, fields: dict[str, object]) -> str:
    """Formats the repr of an object: its class and some of its attributes, each shortened."""
    shown = ", ".join(f"{key}={short_repr(value)}" for key, value in fields.items())
    return f"{name}({shown})"


def limit_rows(rows: list[str], limit: int, hint: str = "") -> list[str]:
    """Returns the first rows, and a row with the number of the others if there are any."""
    if len(rows) <= limit:
        return rows
    return [*rows[:limit], f"and {len(rows) - limit:,} more{hint}"]
