"""Requests to signed addresses, whose query is a secret.

httpx logs the address of each request, and httpcore logs the headers of each answer. Neither may
show a signature, nor may the text of an exception.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

import httpx

from qai_hub.config.secret import Secret
from qai_hub.errors import InternalError, without_secrets
from qai_hub.transport.session import Session

__all__ = ["SignedURL", "send_signed"]

_MOST_REDIRECTS = 5


class SignedURL(httpx.URL):
    """An address that is sent with its query and shown without it."""

    def __str__(self) -> str:
        return without_secrets(super().__str__())

    def __repr__(self) -> str:
        return f"SignedURL({str(self)!r})"


def send_signed(
    session: Session,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    follow_redirects: bool = False,
    stream: bool = False,
    **body: Any,  # noqa: ANN401 - what httpx takes
) -> httpx.Response:
    """Sends a request to a signed address. It may be sent again: files are replaced, not added to.

    Args:
        session: A session that adds no token.
        method: HTTP method.
        url: Where to.
        headers: Further headers.
        follow_redirects: Whether to go where the server says the file is.
        stream: Whether the body of the answer is left to the caller, who closes it.
        body: What `httpx.Client.build_request` takes for a body; one that can be read again.

    Returns:
        The answer, whatever its status.

    Raises:
        InternalError: If the address is none.
        httpx.TransportError: If there was no answer.
    """
    for _ in range(_MOST_REDIRECTS + 1):
        request = session.build_request(method, _checked(url), headers=headers, **body)
        request.url = SignedURL(request.url)
        request.extensions["repeatable"] = True
        response = session.send(request, stream=stream)
        location = Secret(response.headers.get("Location", ""))
        if not (follow_redirects and response.is_redirect and location):
            return response
        response.close()
        try:
            url = Secret(httpx.URL(url).join(location))
        except (httpx.InvalidURL, ValueError):
            url = ""
    raise InternalError(
        f"{request.url.host} sends from one address to the next without end.",
        url=str(request.url),
    )


def _checked(url: str) -> SignedURL:
    try:
        parsed = SignedURL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        parsed = SignedURL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InternalError("The server gave an address for a file that no request can be sent to.")
    return parsed


def _without_queries(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, str) and "headers.complete" in record.msg:
        record.msg = re.sub(r"\?[^'\"\s]*", "?...", record.msg)
    return True


# An answer that redirects names a signed address in its headers.
logging.getLogger("httpcore.http11").addFilter(_without_queries)
