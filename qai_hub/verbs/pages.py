"""Lists from their first item to their last, one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from qai_hub.errors import InternalError, UserError
from qai_hub.verbs.paging import LARGEST_PAGE

T = TypeVar("T")

# Pages in a row without anything new, after which a list is taken for endless.
_MOST_STALE_PAGES = 100


class Place(NamedTuple):
    """Where a page begins: `offset` items after the cursor, or after the newest item."""

    offset: int = 0
    cursor: str | None = None


class Page(NamedTuple, Generic[T]):
    """One page of a list.

    Attributes:
        items: Its items.
        total: Number of items on all pages.
        cursor: Where the next page begins; None on the last one, or if the service has no cursors.
    """

    items: Sequence[T]
    total: int
    cursor: str | None


def all_items(
    fetch: Callable[[Place, int], Page[T]], key: Callable[[T], str], page_size: int
) -> Iterator[T]:
    """Goes through a list, each item once.

    It follows the cursors of the service, so that no item is left out or comes twice when others
    are made or go meanwhile. Where there are none it counts: an item still comes once only, but
    one may be left out if others before it go meanwhile.

    Args:
        fetch: Fetches the page of at most some items that begins at a place.
        key: Identifier of an item.
        page_size: Most items of one page.

    Returns:
        The items. Each page is fetched when its first item is asked for.

    Raises:
        UserError: If the page size is no whole number from 1 to 1000.
    """
    whole = isinstance(page_size, int) and not isinstance(page_size, bool)
    if not whole or not 1 <= page_size <= LARGEST_PAGE:
        raise UserError(f"page_size is a whole number from 1 to {LARGEST_PAGE}, not {page_size!r}.")
    return _all_items(fetch, key, page_size)


def _all_items(
    fetch: Callable[[Place, int], Page[T]], key: Callable[[T], str], page_size: int
) -> Iterator[T]:
    place: Place | None = Place()
    seen: set[str] = set()
    cursors: set[str | None] = {None}
    stale = 0
    while place is not None:
        page = fetch(place, page_size)
        stale += 1
        for item in page.items:
            if key(item) not in seen:
                seen.add(key(item))
                stale = 0
                yield item
        place = _next(place, page)
        if stale >= _MOST_STALE_PAGES or (place and place.cursor and place.cursor in cursors):
            raise InternalError("The service's list has no end: it gives the same items again.")
        cursors.add(page.cursor)


def _next(place: Place, page: Page[T]) -> Place | None:
    """Where the page after a page begins; None after the last one."""
    if page.cursor is not None:
        return Place(cursor=page.cursor)
    after = place.offset + len(page.items)
    if place.cursor is not None or not page.items or after >= page.total:
        return None
    return Place(offset=after)
