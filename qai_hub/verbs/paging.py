"""Lists that are longer than a page of the service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from qai_hub.errors import UserError

T = TypeVar("T")

# The contract's limit of one page.
LARGEST_PAGE = 1000


def fetch_range(
    fetch: Callable[[int, int], tuple[Sequence[T], int]], offset: int, limit: int
) -> list[T]:
    """Fetches a range of a list, page by page; the service may make its pages shorter.

    Args:
        fetch: Fetches one page, by offset and limit, and the number of items on all pages.
        offset: Items to pass over.
        limit: Most items to fetch.

    Returns:
        The items.

    Raises:
        UserError: If offset or limit are not whole numbers of at least 0.
    """
    for argument, value in (("offset", offset), ("limit", limit)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise UserError(f"{argument} is a whole number of at least 0, not {value!r}.")
    items: list[T] = []
    while len(items) < limit:
        found, total = fetch(offset + len(items), min(limit - len(items), LARGEST_PAGE))
        items += found
        if not found or offset + len(items) >= total:
            break
    return items
