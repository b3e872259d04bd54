"""Conversion of failed requests to the errors that users see."""

import re
import socket
import time
from collections.abc import Collection, Iterable

from qai_hub.config.files import is_loopback
from qai_hub.config.model import OFFICIAL_URL, ClientConfig, is_official_host
from qai_hub.config.profiles import explain_absent_hub, explain_refused_token
from qai_hub.errors import Error, InternalError, RateLimitedError, UserError
from qai_hub.http_library import httpx
from qai_hub.transport.error_text import extract_reason, page_title, parse_json, sanitize
from qai_hub.transport.loopback import is_refused
from qai_hub.transport.proxy_transport import ProxyFault
from qai_hub.transport.retry import (
    is_certificate_error,
    is_plain_text,
    iter_causes,
    never_reached_server,
    parse_retry_after,
)
from qai_hub.transport.unexpected_content import is_page

__all__ = [
    "WRITE_HTTP",
    "error_from_file_server",
    "error_from_request_error",
    "error_from_response",
    "how_to_get_token",
    "is_transient",
]

WRITE_HTTP = "Write http:// in place of https:// in api_url."
"""What to do about an https address whose server does not speak TLS."""

_MAX_BODY_SIZE = 1_000_000
# Shorter values in the query of a signed URL are names or numbers.
_MIN_SECRET_LENGTH = 9
_NO_HUB = "Check api_url: this may be another server, or a portal or proxy on the way."
# How servers answer that do not know the API's paths.
_UNKNOWN_PATH = frozenset({404, 405})
_UNAVAILABLE = frozenset({502, 503, 504})
# Error codes of S3 for a wrong location given by the service: starting again would not help.
_WRONG_CLOCK_CODE = "RequestTimeTooSkewed"
_WRONG_LOCATION_CODES = frozenset(
    {"AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "NoSuchBucket"}
)


def error_from_response(
    status: int,
    headers: httpx.Headers,
    content: bytes,
    method: str,
    url: httpx.URL,
    *,
    config: ClientConfig | None = None,
    secrets: Collection[str] = (),
) -> Error:
    """Creates the error for a response of the API.

    Args:
        status: HTTP status.
        headers: Headers of the response.
        content: Body of the response, in any format.
        method: Method of the request.
        url: URL of the request.
        config: The configuration in use; None if the request depends on none. Its token is not
            shown.
        secrets: Further texts that must not be shown.

    Returns:
        The error.
    """
    host = _host(url)
    secrets = [*secrets, *([config.api_token] if config else ())]
    answered = f"{host} answered {_format_status(status)} to {method} {url.path}"
    detail = _extract_detail(status, headers, content, secrets)
    kind: type[Error] = UserError
    if status < 400:
        if 300 <= status < 400:
            message = f"{answered}, which redirects elsewhere: check api_url."
        else:
            content_text = _describe_body(headers, content, secrets)
            kind = InternalError
            message = f"{answered}, with an unexpected body: {content_text}."
            message += f" {_NO_HUB}" if _is_page(headers, content) else ""
    elif status == 401:
        message = f"{host} refused the API token. {how_to_get_token(url, config)}"
        message += f" Its reason: {detail}" if detail else ""
    elif status == 408:
        kind, message = InternalError, f"Timeout occurred while communicating with {host}."
    elif status == 426:
        message = f"{detail or answered} Upgrade qai-hub-openapi: this release is too old."
    elif status == 429:
        kind = RateLimitedError
        message = detail or f"{host} accepts no more requests for now: try again later."
    elif status < 500:
        # A reason in JSON comes from the API; any other may come from something on the way.
        is_json = parse_json(content) is not None
        own = bool(detail) and is_json
        reason = f": {detail.rstrip('.')}" if detail else ""
        message = detail if own else f"{answered}{reason}."
        message += f" {_NO_HUB}" if status in _UNKNOWN_PATH and not is_json else ""
    else:
        kind = InternalError
        state = "is unavailable right now" if status in _UNAVAILABLE else "failed"
        message = f"{host} {state} ({_format_status(status)}). {detail}".rstrip()
        message += _unknown_outcome_notice(method, config)
    return kind(
        message,
        status_code=status,
        request_id=_request_id(headers, content, secrets),
        url=str(url),
        retry_after=parse_retry_after(headers, wall=time.time()),
    )


def how_to_get_token(url: httpx.URL, config: ClientConfig | None) -> str:
    """Tells how to get a valid token for a server that refused the one in use.

    Args:
        url: A URL of the server.
        config: The configuration in use; None if the request depends on none.

    Returns:
        A sentence.
    """
    if is_loopback(url.host):
        token, file = (config.api_token, config.origin.token) if config else ("", None)
        return explain_refused_token(str(url), token, file)
    if is_official_host(url.host):
        return (
            "Set a valid one, from your account's page at "
            f"{config.web_url if config else OFFICIAL_URL}, with `qai-hub configure --api_token "
            "TOKEN` or the environment variable QAI_HUB_API_TOKEN."
        )
    return (
        "Set a valid one with `qai-hub configure --api_token TOKEN --api_url "
        f"{url.scheme}://{_host(url)}` or the environment variable QAI_HUB_API_TOKEN: whoever runs "
        "the hub issues it."
    )


def error_from_request_error(
    error: httpx.RequestError, *, config: ClientConfig | None = None
) -> Error:
    """Creates the error for a request that got no response.

    Args:
        error: The error that httpx raised.
        config: The configuration in use; None if the request depends on none.

    Returns:
        The error.
    """
    request = error.request
    host, url = _host(request.url), str(request.url)
    if isinstance(error, ProxyFault):
        return _error_from_proxy(error, host, url)
    if is_certificate_error(error):
        return UserError(
            f"The certificate of {host} is not trusted. If your network has its own certificates, "
            "set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to the path of their file.",
            url=url,
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        message = f"Could not connect to {host}{_why_unreachable(error, config)}"
    elif isinstance(error, httpx.TimeoutException):
        message = f"Timeout occurred while communicating with {host}."
    else:
        kind = type(error).__name__
        message = f"A communication error occurred with {host} ({kind}{_system_reason(error)})."
    arrived = isinstance(error, httpx.TransportError) and not never_reached_server(error)
    maybe_processed = arrived or request.extensions.get("maybe_processed")
    if maybe_processed:
        message += _unknown_outcome_notice(request.method, config)
    return InternalError(message, url=url)


def _why_unreachable(error: httpx.RequestError, config: ClientConfig | None) -> str:
    """Returns the end of the message about a server that no connection could be made to."""
    url = error.request.url
    if is_plain_text(error):
        return f": it does not speak TLS. {WRITE_HTTP}"
    if is_refused(error):
        if is_loopback(url.host):
            token, file = (config.api_token, config.origin.url) if config else ("", None)
            return f": {explain_absent_hub(str(url), token, file)}"
        return ": it refuses connections. Check api_url, and that the server runs."
    if any(isinstance(cause, socket.gaierror) for cause in iter_causes(error)):
        return ": its name cannot be resolved. Check api_url and the network."
    return f"{_system_reason(error)}. Check the address, the network and its proxy."


def _system_reason(error: httpx.RequestError) -> str:
    """Returns the operating system's words for a fault, after a colon; empty if it has none."""
    reasons = [cause.strerror for cause in iter_causes(error) if isinstance(cause, OSError)]
    return f": {reasons[-1]}" if reasons and reasons[-1] else ""


def _error_from_proxy(fault: ProxyFault, host: str, url: str) -> Error:
    kind = UserError if fault.is_refusal else InternalError
    return kind(
        f"The request to {host} failed at the proxy: {fault.proxy.netloc}, set by "
        f"{fault.proxy.source}, {fault.reason}. Check the proxy, or add the host to NO_PROXY if it "
        "can be reached directly.",
        url=url,
    )


def error_from_file_server(response: httpx.Response, operation: str) -> Error:
    """Creates the error for a response of a file server.

    Args:
        response: The response, whose body has been read.
        operation: The operation, such as `"upload of model.onnx"`.

    Returns:
        The error.
    """
    status, url = response.status_code, response.request.url
    found = re.findall(rb"<(Code|Message)>([^<]{1,1000})</", response.content[:_MAX_BODY_SIZE])
    signed = [value for _, value in url.params.multi_items() if len(value) >= _MIN_SECRET_LENGTH]
    reason = ": ".join(sanitize(text.decode("utf-8", "replace"), signed) for _, text in found[:2])
    reason = (
        reason
        or _extract_detail(status, response.headers, response.content, signed)
        or _format_status(status)
    )
    host = _host(url)
    kind: type[Error] = InternalError
    if status in _UNAVAILABLE:
        message = f"The {operation} failed: {host} is unavailable right now ({reason})."
    elif status == 429:
        kind, message = (
            RateLimitedError,
            f"The {operation} failed: {host} limits the rate of requests ({reason}).",
        )
    elif (
        400 <= status < 500
        and status != 408
        and reason.partition(":")[0] not in _WRONG_LOCATION_CODES
    ):
        kind = UserError
        message = (
            f"The {operation} was refused by {host} ({status}, {reason}). Its URL may have "
            "expired: try again."
        )
        if reason.startswith(_WRONG_CLOCK_CODE):
            message += " Set the clock of this machine first: it differs from the server's."
    else:
        message = f"The {operation} failed: {host} answered {status} ({reason})."
    return kind(
        message,
        status_code=status,
        request_id=_request_id(response.headers, b"")
        or sanitize(response.headers.get("x-amz-request-id", ""))
        or None,
        url=str(url),
        retry_after=parse_retry_after(response.headers, wall=time.time()),
    )


def is_transient(error: Error) -> bool:
    """Returns whether the same request may succeed later.

    This includes successful responses that cannot come from the API: something on the way responds
    in place of the server, or truncates its responses.
    """
    if isinstance(error, InternalError):
        status = error.status_code
        return status is None or status < 300 or status == 408 or (status >= 500 and status != 501)
    return isinstance(error, RateLimitedError)


def _extract_detail(
    status: int, headers: httpx.Headers, content: bytes, secrets: Iterable[str] = ()
) -> str:
    """Returns the reason that the server gave in addition to the status."""
    if status < 300:
        return ""
    reason = extract_reason(headers.get("Content-Type", ""), content, secrets)
    # The title of a page is often just the status.
    said = {_format_status(status), httpx.codes.get_reason_phrase(status)}
    return "" if reason in said and parse_json(content) is None else reason


def _describe_body(headers: httpx.Headers, content: bytes, secrets: Iterable[str]) -> str:
    """Describes the body that was received instead of the expected one."""
    kind = headers.get("Content-Type", "")
    text = content[:_MAX_BODY_SIZE].decode("utf-8", "replace")
    if not content.strip():
        return "nothing"
    if _is_page(headers, content):
        title = sanitize(page_title(text), secrets)
        return f"a page titled {title!r}" if title else "an HTML page"
    if len(content) <= _MAX_BODY_SIZE and parse_json(content) is not None:
        return "JSON of another kind"
    shown = sanitize(kind.partition(";")[0])[:100] or "an unknown type"
    return f"{len(content)} bytes of {shown}, damaged or cut off"


def _is_page(headers: httpx.Headers, content: bytes) -> bool:
    return "html" in headers.get("Content-Type", "") or is_page(content)


def _request_id(headers: httpx.Headers, content: bytes, secrets: Iterable[str] = ()) -> str | None:
    """Returns the server's identifier of the request."""
    reason = sanitize(headers.get("X-Request-Id", ""), secrets)
    if not reason and len(content) <= _MAX_BODY_SIZE:
        problem = parse_json(content)
        named = problem.get("request_id") if isinstance(problem, dict) else None
        reason = sanitize(named, secrets) if isinstance(named, str) else ""
    return reason or None


def _format_status(status: int) -> str:
    return f"{status} {httpx.codes.get_reason_phrase(status)}".rstrip()


def _host(url: httpx.URL) -> str:
    return url.netloc.decode("ascii", "replace")


def _unknown_outcome_notice(method: str, config: ClientConfig | None) -> str:
    if method == "PATCH":
        return " It may have been carried out all the same: sending it again does no harm."
    if method != "POST":
        return ""
    where = f" Look at {config.web_url} before you send it again." if config else ""
    return f" The request may have been carried out all the same.{where}"
