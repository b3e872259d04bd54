"""Fragments of HTML for notebooks.

They hold no script and load nothing. Every text is escaped that is not `Markup`, which only this
module makes. The text has the notebook's own colour: colours mark it from beside, so that it can be
read on light and dark backgrounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from qai_hub.display.text import one_line, printable, shorten_middle

GREEN, RED, BLUE = "#2da44e", "#d1444b", "#2f80ed"
AMBER, VIOLET, GREY = "#e8871e", "#9b51e0", "#7d8590"

_MAX_TEXT = 4000
_MAX_URL = 2000
_FAINT = "opacity:.75"
_WRAP = "overflow-wrap:anywhere"
_CELL = (
    "padding:.15em .9em .15em 0;text-align:left;vertical-align:top;background:none;border:0;"
    "white-space:pre-wrap"
)
_NUMBER = f"{_CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
_CARD = "font-size:13px;line-height:1.5;max-width:72em;color:inherit"


class Markup(str):
    """A text that is HTML; a plain string is text, and is escaped."""

    __slots__ = ()


def element(tag: str, *children: str, style: str = "", **attributes: str) -> Markup:
    """Makes an element.

    Args:
        tag: Its name.
        children: What it holds: markup, or text, which is escaped.
        style: Its inline style.
        attributes: Other attributes, whose values are escaped.

    Returns:
        The element.
    """
    given = {**attributes, "style": style}
    told = "".join(
        f' {name}="{escape(printable(value, _MAX_URL))}"' for name, value in given.items() if value
    )
    return Markup(f"<{tag}{told}>{join(children)}</{tag}>")


def join(children: Iterable[str], separator: str = "") -> Markup:
    """Joins markup and texts, which are escaped."""
    return Markup(_to_markup(separator).join(map(_to_markup, children)))


def card(*parts: str) -> str:
    """Returns the parts of an object's view, one below the other, as the notebook takes them."""
    return str(element("div", *(part for part in parts if part), style=_CARD))


def headline(*parts: str) -> Markup:
    """Returns the first line of a view."""
    return element("div", join(parts, " "), style=f"font-size:1.2em;margin-bottom:.2em;{_WRAP}")


def bold(text: str) -> Markup:
    """Returns a text in bold."""
    return element("b", text)


def faint(text: str) -> Markup:
    """Returns a text that matters less."""
    return element("span", text, style=_FAINT)


def code(text: str) -> Markup:
    """Returns an identifier, which a click selects as a whole, to copy it."""
    style = f"user-select:all;background:none;color:inherit;{_WRAP}"
    return element("code", text, style=style) if text else Markup()


def name(text: str, width: int = 60) -> Markup:
    """Returns a name as one line; a long one is shortened, and shown when it is pointed at."""
    line = one_line(text, 8 * width)
    return element("span", shorten_middle(line, width), title=line if len(line) > width else "")


def link(url: str, label: str) -> Markup:
    """Returns a link to a page; the label alone if the address is not one of a web page."""
    if not url.startswith(("https://", "http://")) or len(url) > _MAX_URL:
        return _to_markup(label)
    return element("a", label, href=url, target="_blank", rel="noopener")


def badge(text: str, colour: str) -> Markup:
    """Returns a short text in a coloured frame."""
    style = (
        "display:inline-block;padding:0 .5em;border-radius:.6em;white-space:nowrap;color:inherit"
    )
    return element("span", swatch(colour), text, style=f"{style};border:1px solid {colour}")


def swatch(colour: str) -> Markup:
    """Returns a small coloured square."""
    style = "display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.4em"
    return element("span", style=f"{style};background:{colour}")


def bar(share: float, colour: str) -> Markup:
    """Returns a bar whose length is a share of its cell, from 0 to 1."""
    style = f"height:.8em;min-width:1px;border-radius:2px;margin-top:.3em;width:{100 * share:.1f}%"
    return element("div", style=f"{style};background:{colour}")


def paragraph(text: str) -> Markup:
    """Returns a text with its line ends, or markup, as a block of its own; empty for no text."""
    style = f"white-space:pre-wrap;margin:.2em 0;{_WRAP}"
    return element("div", text, style=style) if text else Markup()


def facts(rows: Mapping[str, str]) -> Markup:
    """Returns values by their titles, one a line, without those that are empty."""
    shown = [(faint(title), value) for title, value in rows.items() if value]
    return _table("", [[_cell(title), _cell(value, f"{_CELL};{_WRAP}")] for title, value in shown])


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    wide: Sequence[str] = (),
) -> Markup:
    """Returns a table; empty if it has no rows.

    Args:
        columns: Titles of the columns.
        rows: The cells of each row.
        numbers: Titles of the columns that hold numbers.
        wide: Titles of the columns that hold bars.
    """
    styles = [
        _NUMBER if title in numbers else f"{_CELL};width:12em" if title in wide else _CELL
        for title in columns
    ]
    titles = [
        element("th", title, style=f"{style};font-weight:normal;{_FAINT}")
        for title, style in zip(columns, styles, strict=True)
    ]
    rule = "border-bottom:1px solid rgba(128,128,128,.4);background:none"
    head = element("thead", element("tr", *titles, style=rule))
    body = [[_cell(value, style) for value, style in zip(row, styles, strict=True)] for row in rows]
    return _table(head, body)


def _table(head: str, rows: Iterable[Sequence[str]]) -> Markup:
    body = [element("tr", *cells, style="background:none") for cells in rows]
    if not body:
        return Markup()
    style = "border-collapse:collapse;margin:.2em 0;font-size:inherit;color:inherit"
    return element("table", head, element("tbody", *body), style=style)


def _cell(value: str, style: str = _CELL) -> Markup:
    return element("td", value, style=style)


def _to_markup(child: str) -> Markup:
    if isinstance(child, Markup):
        return child
    return Markup(escape(printable(child, _MAX_TEXT)))
