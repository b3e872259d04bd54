"""Telling what pages of other sites have a browser request with the rights of its user."""

from starlette.requests import Request


def is_of_other_site(request: Request) -> bool:
    """Return whether a page of another site has a browser send a request, such as for an image.

    Pages at other ports of the same host count as other sites. A link to a page of the hub may be
    anywhere: what it leads to, other sites cannot read.
    """
    headers = request.headers
    follows_link = request.method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
    return not follows_link and headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
