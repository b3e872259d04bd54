"""Pagination: iterates over a list page by page, returning each item once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from qai_hub.client.arguments import LARGEST_PAGE, whole_number
from qai_hub.errors import InternalError

T = TypeVar("T")
P = TypeVar("P")

# Consecutive pages without a new item, after which a list counts as endless.
_MOST_STALE_PAGES = 100
# Consecutive empty pages after which a list without cursors has ended, whatever its total is.
_MOST_EMPTY_PAGES = 50
# How many items to skip after an empty page if the service's page length is not known.
_SMALL_STEP = 10

_logger = logging.getLogger("qai_hub")


class Place(NamedTuple):
    """Where a page begins: `offset` items after the cursor, or after the newest item."""

    offset: int = 0
    cursor: str | None = None


class Page(NamedTuple, Generic[T]):
    """One page of a list.

    Attributes:
        items: Its items, without those that were left out.
        length: Number of its items including those that were left out.
        total: Number of items on all pages, as the service reports it.
        cursor: Cursor of the next page; None on the last page, or if the service has no cursors.
    """

    items: Sequence[T]
    length: int
    total: int
    cursor: str | None


class ListWalk(Generic[T]):
    """Decides which pages of a list to fetch, and returns each item once; it sends no requests.

    It follows the service's cursors, so that no item is missed or repeated when others are added or
    deleted during the iteration. Without cursors it counts offsets: items are still not repeated,
    but one may be missed if others before it are deleted. Empty pages are skipped.

    Args:
        key: Returns the identifier of an item.
        page_size: Maximum number of items on one page.
        start: Start of the first page.
        most: Maximum number of items; None for all.
    """

    def __init__(
        self, key: Callable[[T], str], page_size: int, start: Place, most: int | None
    ) -> None:
        self._key = key
        self._page_size = page_size
        self._most = most
        self._place: Place | None = start
        self._asked = 0
        self._seen: set[str] = set()
        self._cursors: set[str | None] = {None}
        self._given = self._stale = self._empty = self._longest = 0

    def next(self) -> tuple[Place, int] | None:
        """Returns the next page to fetch.

        Returns:
            Its start and the number of items to ask for; None at the end of the list.

        Raises:
            InternalError: If the list seems endless.
        """
        place = self._place
        came_before = place is not None and place.cursor and place.cursor in self._cursors
        if self._stale >= _MOST_STALE_PAGES or came_before:
            raise InternalError("The service's list has no end: it gives the same items again.")
        left = None if self._most is None else self._most - self._given
        if place is None or left == 0:
            return None
        self._cursors.add(place.cursor)
        self._asked = self._page_size if left is None else min(self._page_size, left)
        return place, self._asked

    def take(self, page: Page[T]) -> list[T]:
        """Records a page.

        Args:
            page: The page.

        Returns:
            Its items that have not been returned before, no more than were asked for.
        """
        self._empty = 0 if page.length else self._empty + 1
        self._longest = max(self._longest, page.length)
        new = []
        for item in page.items:
            if self._key(item) not in self._seen and self._given != self._most:
                self._seen.add(self._key(item))
                self._given += 1
                new.append(item)
        self._stale = 0 if new else self._stale + 1
        is_over = self._empty > _MOST_EMPTY_PAGES or self._place is None
        if is_over or self._given == self._most:
            self._place = None
        elif self._place is not None:
            self._place = _next(self._place, page, self._asked, self._longest)
        return new


def all_items(
    fetch: Callable[[Place, int], Page[T]], key: Callable[[T], str], page_size: int
) -> Iterator[T]:
    """Iterates over a list, each item once, as `ListWalk` does.

    Args:
        fetch: Fetches a page, given its start and the maximum number of items.
        key: Returns the identifier of an item.
        page_size: Maximum number of items on one page.

    Returns:
        The items. Each page is fetched when its first item is needed.

    Raises:
        UserError: If the page size is not an integer from 1 to 1000.
    """
    return _items(fetch, whole_list(key, page_size))


def some_items(
    fetch: Callable[[Place, int], Page[T]], key: Callable[[T], str], offset: int, limit: int
) -> list[T]:
    """Fetches a range of a list, page by page; the service may return shorter pages than asked for.

    Args:
        fetch: Fetches a page, given its start and the maximum number of items.
        key: Returns the identifier of an item.
        offset: Number of items to skip.
        limit: Maximum number of items to fetch.

    Returns:
        The items.

    Raises:
        UserError: If offset or limit is not an integer of at least 0.
    """
    return list(_items(fetch, part_of_list(key, offset, limit)))


def whole_list(key: Callable[[T], str], page_size: int) -> ListWalk[T]:
    """Returns a walk through a whole list; arguments and errors are those of `all_items`."""
    return ListWalk(key, whole_number("page_size", page_size, 1, LARGEST_PAGE), Place(), None)


def part_of_list(key: Callable[[T], str], offset: int, limit: int) -> ListWalk[T]:
    """Returns a walk through a range of a list; arguments and errors are those of `some_items`."""
    start, most = whole_number("offset", offset, 0), whole_number("limit", limit, 0)
    return ListWalk(key, LARGEST_PAGE, Place(start), most)


def mapped(make: Callable[[P], T], payloads: Iterable[P], what: str) -> list[T]:
    """Converts the members of a list into objects, leaving out those that cannot be converted.

    Args:
        make: Converts a member; raises InternalError for one with too little information.
        payloads: The members.
        what: What a member is called in the log.

    Returns:
        The objects.
    """
    made: list[T] = []
    left_out: list[InternalError] = []
    for payload in payloads:
        try:
            made.append(make(payload))
        except InternalError as error:
            left_out.append(error)
    if left_out:
        _logger.warning(
            "%d of %d %s of a list are left out: %s",
            len(left_out),
            len(left_out) + len(made),
            what,
            left_out[0],
        )
    return made


def _items(fetch: Callable[[Place, int], Page[T]], walk: ListWalk[T]) -> Iterator[T]:
    while (wanted := walk.next()) is not None:
        yield from walk.take(fetch(*wanted))


def _next(place: Place, page: Page[T], asked: int, longest: int) -> Place | None:
    """Returns the start of the page after a page; None after the last one."""
    if page.cursor is not None:
        return Place(cursor=page.cursor)
    if place.cursor is not None:
        return None
    after = place.offset + (page.length or longest or min(asked, _SMALL_STEP))
    # A total below the number of items seen is ignored: after a full page there may be another.
    is_wrong = page.total < after and page.length >= asked
    return Place(offset=after) if after < page.total or is_wrong else None
