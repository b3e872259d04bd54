"""Addresses whose query is a secret."""

import httpx

from qai_hub.errors import without_secrets

__all__ = ["SignedURL", "location"]


class SignedURL(httpx.URL):
    """An address that is sent with its query and shown without it."""

    def __str__(self) -> str:
        return without_secrets(super().__str__())

    def __repr__(self) -> str:
        return f"SignedURL({str(self)!r})"


def location(url: httpx.URL, response: httpx.Response) -> SignedURL | None:
    """Reads where an answer sends.

    Args:
        url: Where the request went.
        response: The answer.

    Returns:
        The address, without user information; None if the answer names none.
    """
    if not response.has_redirect_location:
        return None
    try:
        joined = url.join(response.headers["Location"])
        return SignedURL(joined.copy_with(username=None, password=None, fragment=None))
    except (httpx.InvalidURL, ValueError):
        return None
