"""Where the next page of a list begins."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx

__all__ = ["next_cursor"]


def next_cursor(headers: Mapping[str, str]) -> str | None:
    """Reads the cursor of the next page from a `Link` header (RFC 8288).

    Nothing but the cursor is taken: a link may lead to another host, which gets no request.

    Args:
        headers: Headers of an answer.

    Returns:
        The cursor; None if there is no next page, or if the server has no cursors.
    """
    link = headers.get("Link")
    if link is None:
        return None
    answer = httpx.Response(200, headers=[(b"Link", link.encode())])
    try:
        query = urlsplit(answer.links.get("next", {}).get("url", "")).query
    except ValueError:
        return None
    return parse_qs(query).get("cursor", [None])[0]
