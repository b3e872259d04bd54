"""Texts of users and servers made safe to show, of limited length."""

from __future__ import annotations

import re

_MAX_REPR = 300
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
# Runners of continuous integration obey commands of the one form anywhere in a line, and of the
# other at its start.
_COMMAND_ANYWHERE = re.compile(r"##(?=\w*\[)")
_COMMAND_AT_START = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def printable(text: str, limit: int | None = None) -> str:
    """Returns a text of limited length, without control characters but line ends and tabs."""
    cut = text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"
    return cut if cut.isprintable() else "".join(map(_replace_control, cut))


def one_line(text: str, width: int | None = None) -> str:
    """Returns a text as one line of limited width, without control characters."""
    return printable(text, width).replace("\n", " ").replace("\t", " ")


def for_logs(text: str) -> str:
    """Returns a text that neither steers a terminal nor commands a CI runner that reads the log."""
    return _COMMAND_AT_START.sub(r"\1: ", _COMMAND_ANYWHERE.sub("# #", printable(text)))


def escape_commands(json: str) -> str:
    """Escapes what commands a CI runner in JSON, in which only strings can contain it."""
    return _COMMAND_ANYWHERE.sub(r"\\u0023#", json)


def _replace_control(sign: str) -> str:
    if sign.isprintable() or sign in "\n\t":
        return sign
    return " " if sign.isspace() else "�"


def shorten_middle(text: str, width: int) -> str:
    """Returns a text, shortened in the middle if long: the ends of names are the telling parts."""
    if len(text) <= width:
        return text
    head = width // 3
    return f"{text[:head]}…{text[1 + head - width :]}"


def format_bytes(size: float) -> str:
    """Formats a size in bytes in powers of 1,024, such as `1.5 MiB`."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} B" if unit == 0 else f"{value:.3g} {_UNITS[unit]}"


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
