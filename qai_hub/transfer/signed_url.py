"""Requests to signed URLs, whose query is a secret.

httpx logs the URL of each request, and httpcore logs the headers of each response. Neither log may
show a signature, nor may the text of an exception.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from qai_hub.errors import InternalError
from qai_hub.http_library import httpx
from qai_hub.transport.redirects import MAX_REDIRECTS, SignedURL, preserves_request, redirect_target
from qai_hub.transport.retry import RetryBudget
from qai_hub.transport.session import Session

__all__ = ["send_signed"]


def send_signed(
    session: Session,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    stream: bool = False,
    retries: RetryBudget | None = None,
    **body: Any,  # noqa: ANN401 - what httpx takes
) -> httpx.Response:
    """Sends a request to a signed URL.

    Any such request may be sent again, since files are replaced and not appended to. Redirects are
    followed to any host, since no token is sent.

    Args:
        session: A session that adds no token.
        method: HTTP method.
        url: The signed URL.
        headers: Further headers.
        stream: Whether to leave the body of the response to the caller, who closes it.
        retries: The retry budget of an operation of several requests; None for a separate budget.
        body: Arguments of `httpx.Client.build_request` for a body that can be read again.

    Returns:
        The response, whatever its status.

    Raises:
        InternalError: If the URL is invalid, or there are too many redirects.
        httpx.TransportError: If there was no response.
    """
    current = _parse_url(url)
    for _ in range(MAX_REDIRECTS + 1):
        request = session.build_request(method, current, headers=headers, **body)
        request.url = current
        request.extensions |= {"repeatable": True, "retry_budget": retries}
        response = session.send(request, stream=stream)
        following = redirect_target(current, response)
        if following is None or not preserves_request(method, response.status_code):
            return response
        response.close()
        if (current.scheme, following.scheme) == ("https", "http"):
            raise InternalError(
                f"{current.host} redirects the request for a file to an unencrypted URL.",
                status_code=response.status_code,
                url=str(current),
            )
        current = _parse_url(following)
    raise InternalError(
        f"{request.url.host} redirects more than {MAX_REDIRECTS} times.",
        url=str(request.url),
    )


def _parse_url(url: str | httpx.URL) -> SignedURL:
    try:
        parsed = SignedURL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        parsed = SignedURL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InternalError("The server sent an invalid URL for a file.")
    return parsed


def _strip_queries(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, str) and "headers.complete" in record.msg:
        record.msg = re.sub(r"\?[^'\"\s]*", "?...", record.msg)
    return True


# A redirect has a signed URL in its headers.
logging.getLogger("httpcore.http11").addFilter(_strip_queries)
