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


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the tables of a page one is.

    Attributes:
        anchor: The id of the part of the page that has it.
        search: What addresses call that which is searched for in it.
        sort: What they call the column that it is sorted by.
        begin: What they call the place of its first shown row.
    """

    anchor: str
    search: str
    sort: str
    begin: str


LAYERS: Final = Place("layers", "layer", "sort", "from")
RANGES: Final = Place("ranges", "tensor", "tensor-sort", "tensor-from")
# What pages with such tables are asked for beside one: jobs, and the other table. All else would be
# in hundreds of addresses.
_KNOWN: Final = frozenset(
    {"against", "job"}
    | {name for it in (LAYERS, RANGES) for name in (it.search, it.sort, it.begin)}
)
_MAX_OTHERS: Final = 8
_MAX_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column.

    Attributes:
        name: What addresses call it.
        title: Its head; empty for a column that is not shown, by which rows are sorted only.
        value: Returns what a row is sorted by, a number or a text; None if it has nothing there.
        note: More of the head.
        is_number: Whether it has numbers.
        largest_first: Whether people look for the largest of them, so that a click on its head has
            these first; None for whether it has numbers.
    """

    name: str
    title: str
    value: Callable[[Row], Any]
    note: str = ""
    is_number: bool = False
    largest_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column.

    Attributes:
        title: What it says.
        note: More of that.
        is_number: Whether there are numbers below it.
        largest_first: Whether the first click on it has the largest of them first.
        order: `ascending` or `descending`, if the rows are sorted by it; empty otherwise.
        address: Where they are, in the order that people ask for by a click.
    """

    title: str
    note: str
    is_number: bool
    largest_first: bool
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
        first: Which rows are first, in words; empty if people have asked for an order.
        kept: The parameters that a form has to keep.
        place: Which of the tables of the page it is.
        previous: The address of the part before; empty on the first.
        following: The address of the next part; empty on the last.
    """

    rows: Sequence[Row]
    heads: Sequence[Head]
    total: int
    found: int
    begin: int
    search: str
    first: str
    kept: Params
    place: Place
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
        first: str,
        sort_many: str = "",
        place: Place = LAYERS,
    ) -> Self:
        """Return what a page shows of a table.

        Args:
            rows: All rows, in their own order.
            columns: The columns.
            params: The parameters of the page; others than its own, and those that make no sense,
                count as absent.
            text: Returns what a row is searched by.
            first: Which rows are first, in words, if they are too many for a page.
            sort_many: How they are sorted then, in place of their own order; empty to keep that.
            place: Which of the tables of the page it is.
        """
        given = list(params)
        last = dict(given)
        search = read_search(last.get(place.search, ""))
        found = _search(rows, search, text)
        by_name = {column.name: column for column in columns}
        sort = last.get(place.sort, "")
        if sort.removeprefix("-") not in by_name:
            sort = sort_many if len(found) > MAX_ROWS else ""
        if sort:
            found = _sort(found, by_name[sort.removeprefix("-")].value, descending=sort[0] == "-")
        begin = _read_begin(last.get(place.begin, ""), len(found))
        others = other_params(given, place)

        def address(sort: str, begin: int = 0) -> str:
            at = str(begin) if begin else ""
            own = {place.search: search, place.sort: sort, place.begin: at}
            return _address(others, own, place)

        end = begin + MAX_ROWS
        kept_sort = [(place.sort, sort)] if sort and last.get(place.sort) == sort else []
        return cls(
            rows=found[begin:end],
            heads=[_head(column, sort, address) for column in columns if column.title],
            total=len(rows),
            found=len(found),
            begin=begin,
            search=search,
            first=first if sort == sort_many else "",
            kept=[*others, *kept_sort],
            place=place,
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
        return _address(self.kept, {}, self.place)


def other_params(params: Iterable[tuple[str, str]], place: Place) -> Params:
    """Return the parameters of a page that the addresses of a table keep, beside its own."""
    known = _KNOWN - {place.search, place.sort, place.begin}
    others = [each for each in params if each[0] in known and len(each[1]) <= _MAX_LENGTH]
    return others[:_MAX_OTHERS]


def address_of_row(others: Params, column: str, number: int, anchor: str, place: Place) -> str:
    """Return where a row is among all, sorted by a column, and the rows after it.

    Args:
        others: The parameters that are kept.
        column: The name of the column.
        number: How many rows are before it.
        anchor: What the address leads to on the page.
        place: Which of the tables of the page has it.
    """
    return _to_address([*others, (place.sort, column), (place.begin, str(number))], anchor)


def _address(others: Params, own: dict[str, str], place: Place) -> str:
    given = ((name, value) for name, value in own.items() if value)
    return _to_address([*others, *given], place.anchor)


def _to_address(params: Params, anchor: str) -> str:
    return f"?{urlencode(params)}#{anchor}"


def _head(column: Column[Row], sort: str, address: Callable[[str], str]) -> Head:
    rising, falling = column.name, f"-{column.name}"
    order = {rising: "ascending", falling: "descending"}.get(sort, "")
    largest_first = column.is_number if column.largest_first is None else column.largest_first
    is_next_falling = order == "ascending" if order else largest_first
    return Head(
        column.title,
        column.note,
        column.is_number,
        largest_first,
        order,
        address(falling if is_next_falling else rising),
    )


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
