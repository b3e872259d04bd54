"""Rules for redirects: where a request may be sent, and with which content."""

from qai_hub.errors import InternalError, UserError, redact_url
from qai_hub.http_library import httpx

__all__ = [
    "MAX_REDIRECTS",
    "SignedURL",
    "build_redirect_request",
    "preserves_request",
    "redirect_target",
    "too_many_redirects",
]


class SignedURL(httpx.URL):
    """A URL that is sent with its query, but shown without it."""

    def __str__(self) -> str:
        return redact_url(super().__str__())

    def __repr__(self) -> str:
        return f"SignedURL({str(self)!r})"


def redirect_target(url: httpx.URL, response: httpx.Response) -> SignedURL | None:
    """Reads the target of a redirect.

    Args:
        url: URL of the request.
        response: The response.

    Returns:
        The URL, without user information; None if the response names no valid one.
    """
    if not response.has_redirect_location:
        return None
    try:
        joined = url.join(response.headers["Location"])
        return SignedURL(joined.copy_with(username=None, password=None, fragment=None))
    except (httpx.InvalidURL, ValueError):
        return None


MAX_REDIRECTS = 5

_SAFE = frozenset({"GET", "HEAD"})
_PRESERVING = frozenset({307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def build_redirect_request(
    request: httpx.Request, response: httpx.Response
) -> httpx.Request | None:
    """Creates the request that follows a redirect of a request with a token.

    The token is only sent to the same scheme, host and port, or from plain HTTP to HTTPS on the
    default ports. Method, headers and body stay the same.

    Args:
        request: The request.
        response: Its response.

    Returns:
        The request to send next; None if the response is not a redirect.

    Raises:
        UserError: If the redirect leads to another server, or requires another method.
    """
    url = redirect_target(request.url, response)
    if url is None:
        return None
    host, status = request.url.netloc.decode("ascii", "replace"), response.status_code
    answered = f"{host} answered {status} to {request.method} {request.url.path}"
    if not _is_same_origin_or_upgrade(request.url, url):
        raise _refusal(
            request,
            response,
            f"{answered}, which redirects to {_origin(url)}. The API token is not sent there: if "
            "the hub has moved, set api_url to that address.",
        )
    if not preserves_request(request.method, status):
        raise _refusal(
            request,
            response,
            f"{answered}, which redirects elsewhere without the request's body: check api_url.",
        )
    return httpx.Request(
        request.method,
        url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def preserves_request(method: str, status: int) -> bool:
    """Returns whether a redirect preserves the request: it only reads, or has status 307 or 308."""
    return method in _SAFE or status in _PRESERVING


def too_many_redirects(request: httpx.Request, response: httpx.Response) -> InternalError:
    """Creates the error for too many redirects."""
    return InternalError(
        f"{request.url.host} redirects more than {MAX_REDIRECTS} times: check api_url.",
        status_code=response.status_code,
        url=str(request.url),
    )


def _is_same_origin_or_upgrade(one: httpx.URL, other: httpx.URL) -> bool:
    if one.host != other.host:
        return False
    ports = _port(one), _port(other)
    if one.scheme == other.scheme:
        return ports[0] == ports[1]
    return (one.scheme, other.scheme) == ("http", "https") and ports == (80, 443)


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"


def _refusal(request: httpx.Request, response: httpx.Response, message: str) -> UserError:
    return UserError(message, status_code=response.status_code, url=str(request.url))
