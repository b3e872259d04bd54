"""Pagination: iterates over a list page by page, returning each item once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from qai_hub.client.arguments import MAX_PAGE_SIZE, check_integer
from qai_hub.errors import InternalError
from qai_hub.resources.resource_list import ResourceList

T = TypeVar("T")
P = TypeVar("P")

# Consecutive pages without a new item, after which a list counts as endless.
_MAX_STALE_PAGES = 100
# Consecutive empty pages after which a list without cursors has ended, whatever its total is.
_MAX_EMPTY_PAGES = 50
# Consecutive empty pages with cursors, on which a server has searched in vain, after which a list
# counts as endless.
_MAX_SEARCHED_PAGES = 10_000
# How many items to skip after an empty page if the service's page length is not known.
_FALLBACK_STEP = 10

_logger = logging.getLogger("qai_hub")


class PageStart(NamedTuple):
    """Where a page begins: `offset` items after the cursor, or after the newest item."""

    offset: int = 0
    cursor: str | None = None


class Page(NamedTuple, Generic[T]):
    """One page of a list.

    Attributes:
        items: Its items, without those that were skipped.
        length: Number of its items including those that were skipped.
        total: Number of items on all pages, as the service reports it.
        cursor: Cursor of the next page; None on the last page, or if the service has no cursors.
    """

    items: Sequence[T]
    length: int
    total: int
    cursor: str | None


class Paginator(Generic[T]):
    """Decides which pages of a list to fetch, and returns each item once; it sends no requests.

    It follows the service's cursors, so that no item is missed or repeated when others are added or
    deleted during the iteration. Without cursors it counts offsets: items are still not repeated,
    but one may be missed if others before it are deleted. Empty pages are skipped: a server
    that searches a long list may send many of them.

    Args:
        key: Returns the identifier of an item.
        page_size: Maximum number of items on one page.
        start: Start of the first page.
        max_items: Maximum number of items; None for all.
    """

    def __init__(
        self, key: Callable[[T], str], page_size: int, start: PageStart, max_items: int | None
    ) -> None:
        self._key = key
        self._page_size = page_size
        self._max_items = max_items
        self._start: PageStart | None = start
        self._requested = 0
        self._seen: set[str] = set()
        self._cursors: set[str | None] = {None}
        self._returned = self._stale_pages = self._empty_pages = self._longest_page = 0

    def next_page(self) -> tuple[PageStart, int] | None:
        """Returns the next page to fetch.

        Returns:
            Its start and the number of items to ask for; None at the end of the list.

        Raises:
            InternalError: If the list seems endless.
        """
        start = self._start
        is_repeated = start is not None and start.cursor and start.cursor in self._cursors
        is_endless = self._empty_pages >= _MAX_SEARCHED_PAGES
        if self._stale_pages >= _MAX_STALE_PAGES or is_repeated or is_endless:
            raise InternalError(
                "The service's list seems endless: it returns the same items again."
            )
        left = None if self._max_items is None else self._max_items - self._returned
        if start is None or left == 0:
            return None
        self._cursors.add(start.cursor)
        self._requested = self._page_size if left is None else min(self._page_size, left)
        return start, self._requested

    def add_page(self, page: Page[T]) -> list[T]:
        """Records a page.

        Args:
            page: The page.

        Returns:
            Its items that have not been returned before, no more than were asked for.
        """
        self._empty_pages = 0 if page.length else self._empty_pages + 1
        self._longest_page = max(self._longest_page, page.length)
        new = []
        for item in page.items:
            key = self._key(item)
            if key not in self._seen and self._returned != self._max_items:
                self._seen.add(key)
                self._returned += 1
                new.append(item)
        is_searched = not page.length and page.cursor is not None
        self._stale_pages = 0 if new or is_searched else self._stale_pages + 1
        is_over = self._empty_pages > _MAX_EMPTY_PAGES and page.cursor is None
        is_over |= self._start is None
        if is_over or self._returned == self._max_items:
            self._start = None
        elif self._start is not None:
            self._start = _next_start(self._start, page, self._requested, self._longest_page)
        return new


def iterate_items(
    fetch: Callable[[PageStart, int], Page[T]], key: Callable[[T], str], page_size: int
) -> Iterator[T]:
    """Iterates over a list, each item once, as `Paginator` does.

    Args:
        fetch: Fetches a page, given its start and the maximum number of items.
        key: Returns the identifier of an item.
        page_size: Maximum number of items on one page.

    Returns:
        The items. Each page is fetched when its first item is needed.

    Raises:
        UserError: If the page size is not an integer from 1 to 1000.
    """
    return _iterate(fetch, paginate_list(key, page_size))


def fetch_range(
    fetch: Callable[[PageStart, int], Page[T]], key: Callable[[T], str], offset: int, limit: int
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
    return ResourceList(_iterate(fetch, paginate_range(key, offset, limit)))


def paginate_list(key: Callable[[T], str], page_size: int) -> Paginator[T]:
    """Returns a paginator for a whole list; arguments and errors are those of `iterate_items`."""
    return Paginator(
        key, check_integer("page_size", page_size, 1, MAX_PAGE_SIZE), PageStart(), None
    )


def paginate_range(key: Callable[[T], str], offset: int, limit: int) -> Paginator[T]:
    """Returns a paginator for a range of a list; arguments and errors as `fetch_range`."""
    start, max_items = check_integer("offset", offset, 0), check_integer("limit", limit, 0)
    return Paginator(key, MAX_PAGE_SIZE, PageStart(start), max_items)


def convert_items(convert: Callable[[P], T], payloads: Iterable[P], item_name: str) -> list[T]:
    """Converts the members of a list into objects, skipping those that cannot be converted.

    Args:
        convert: Converts a member; raises InternalError for one with too little information.
        payloads: The members.
        item_name: What a member is called in the log.

    Returns:
        The objects.
    """
    items: list[T] = []
    errors: list[InternalError] = []
    for payload in payloads:
        try:
            items.append(convert(payload))
        except InternalError as error:
            errors.append(error)
    if errors:
        _logger.warning(
            "%d of %d %s in a list are skipped: %s",
            len(errors),
            len(errors) + len(items),
            item_name,
            errors[0],
        )
    return items


def _iterate(fetch: Callable[[PageStart, int], Page[T]], paginator: Paginator[T]) -> Iterator[T]:
    while (request := paginator.next_page()) is not None:
        yield from paginator.add_page(fetch(*request))


def _next_start(start: PageStart, page: Page[T], asked: int, longest: int) -> PageStart | None:
    """Returns the start of the page after a page; None after the last one."""
    if page.cursor is not None:
        return PageStart(cursor=page.cursor)
    if start.cursor is not None:
        return None
    after = start.offset + (page.length or longest or min(asked, _FALLBACK_STEP))
    # A total below the number of items seen is ignored: after a full page there may be another.
    is_wrong = page.total < after and page.length >= asked
    return PageStart(offset=after) if after < page.total or is_wrong else None
