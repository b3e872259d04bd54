"""Tables that may be too long for a page, which people search, sort and go through.

The server does all that, from the page's address, so that it is done to all rows and without
scripts. A table that is shown as a whole is sorted and searched in the browser, too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import urlencode

from qai_hub.local.pages.text import read_search, split_search

Row = TypeVar("Row")
Params = Sequence[tuple[str, str]]
"""The parameters of a page, in order."""

MAX_ROWS: Final = 500
"""The most rows that a page shows."""

_SEARCH: Final = "layer"
_SORT: Final = "sort"
_BEGIN: Final = "from"
# What else pages with such tables are asked for: jobs. All else would be in hundreds of addresses.
_OTHERS: Final = ("against", "job")
_MAX_OTHERS: Final = 8
_MAX_ID: Final = 64


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column.

    Attributes:
        name: What addresses call it.
        title: Its head; empty for a column that is not shown, by which rows are sorted only.
        value: Returns what a row is sorted by, a number or a text; None if it has nothing there.
        note: More of the head.
        is_number: Whether it has numbers.
    """

    name: str
    title: str
    value: Callable[[Row], Any]
    note: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column.

    Attributes:
        title: What it says.
        note: More of that.
        is_number: Whether there are numbers below it.
        order: `ascending` or `descending`, if the rows are sorted by it; empty otherwise.
        address: Where they are, in the order that people ask for by a click.
    """

    title: str
    note: str
    is_number: bool
    order: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTable(Generic[Row]):
    """The part of a table that a page shows.

    Attributes:
        rows: The rows of that part.
        heads: The heads of its columns.
        total: How many rows there are.
        found: How many of them fit the search.
        begin: The place of the first shown row among those, from 0.
        search: What is searched for; empty for nothing.
        is_slowest_first: Whether the slowest rows are first, as they are too many for a page.
        kept: The parameters that a form has to keep.
        anchor: The id of the part of the page that has the table.
        previous: The address of the part before; empty on the first.
        following: The address of the next part; empty on the last.
    """

    rows: Sequence[Row]
    heads: Sequence[Head]
    total: int
    found: int
    begin: int
    search: str
    is_slowest_first: bool
    kept: Params
    anchor: str
    previous: str
    following: str

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        columns: Sequence[Column[Row]],
        params: Iterable[tuple[str, str]],
        *,
        text: Callable[[Row], str],
        slowest: str,
        anchor: str = "layers",
    ) -> Self:
        """Return what a page shows of a table.

        Args:
            rows: All rows, in their own order.
            columns: The columns.
            params: The parameters of the page; others than its own, and those that make no sense,
                count as absent.
            text: Returns what a row is searched by.
            slowest: How rows are sorted if they are too many for a page, in place of their own
                order; empty to keep that.
            anchor: The id of the part of the page that has the table.
        """
        given = list(params)
        last = dict(given)
        search = read_search(last.get(_SEARCH, ""))
        found = _search(rows, search, text)
        by_name = {column.name: column for column in columns}
        sort = last.get(_SORT, "")
        if sort.removeprefix("-") not in by_name:
            sort = slowest if len(found) > MAX_ROWS else ""
        if sort:
            found = _sort(found, by_name[sort.removeprefix("-")].value, descending=sort[0] == "-")
        begin = _read_begin(last.get(_BEGIN, ""), len(found))
        others = other_params(given)

        def address(sort: str, begin: int = 0) -> str:
            own = {_SEARCH: search, _SORT: sort, _BEGIN: str(begin) if begin else ""}
            return _address(others, own, anchor)

        end = begin + MAX_ROWS
        kept_sort = [(_SORT, last[_SORT])] if last.get(_SORT) == sort else []
        return cls(
            rows=found[begin:end],
            heads=[_head(column, sort, address) for column in columns if column.title],
            total=len(rows),
            found=len(found),
            begin=begin,
            search=search,
            is_slowest_first=bool(sort) and sort == slowest,
            kept=[*others, *kept_sort],
            anchor=anchor,
            previous=address(sort, max(0, begin - MAX_ROWS)) if begin else "",
            following=address(sort, end) if end < len(found) else "",
        )

    @property
    def is_whole(self) -> bool:
        """Whether all rows are shown."""
        return len(self.rows) == self.total

    @property
    def everything(self) -> str:
        """The address of the table without a search."""
        return _address(self.kept, {}, self.anchor)


def other_params(params: Iterable[tuple[str, str]]) -> Params:
    """Return the parameters of a page that its addresses keep, beside those of the table."""
    known = [each for each in params if each[0] in _OTHERS and len(each[1]) <= _MAX_ID]
    return known[:_MAX_OTHERS]


def address_of_row(others: Params, column: str, place: int, anchor: str) -> str:
    """Return where a row is among all, sorted by a column, and the rows after it.

    Args:
        others: The parameters that are kept.
        column: The name of the column.
        place: Its place.
        anchor: What the address leads to on the page.
    """
    return _address(others, {_SORT: column, _BEGIN: str(place)}, anchor)


def _address(others: Params, own: dict[str, str], anchor: str) -> str:
    query = urlencode([*others, *((name, value) for name, value in own.items() if value)])
    return f"?{query}#{anchor}"


def _head(column: Column[Row], sort: str, address: Callable[[str], str]) -> Head:
    order = {column.name: "ascending", f"-{column.name}": "descending"}.get(sort, "")
    turned = f"-{column.name}" if order == "ascending" else column.name
    return Head(column.title, column.note, column.is_number, order, address(turned))


def _search(rows: Sequence[Row], search: str, text: Callable[[Row], str]) -> Sequence[Row]:
    words = split_search(search)
    if not words:
        return rows
    return [row for row in rows if _has_all(text(row).lower(), words)]


def _has_all(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)


def _sort(
    rows: Sequence[Row],
    value: Callable[[Row], Any],
    *,
    descending: bool,
) -> Sequence[Row]:
    """Return rows in order; those without a value are last in either."""
    keyed = [(value(row), row) for row in rows]
    known = [each for each in keyed if each[0] is not None]
    known.sort(key=lambda each: each[0], reverse=descending)
    return [row for _, row in known] + [row for key, row in keyed if key is None]


def _read_begin(text: str, found: int) -> int:
    """Return where a part begins: at the first row if the address names none that there is."""
    begin = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return begin if begin < found else 0
