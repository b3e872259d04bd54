"""The errors that this package raises: one root class with three kinds of errors.

`UserError` reports what the caller can correct, `InternalError` a failure of the network or the
server, and `RateLimitedError` that the server asks for fewer requests. The only other exceptions
are built-in ones: `TimeoutError` when the time limit of a wait is reached, `FileNotFoundError` for
a file or profile that does not exist, `TypeError` and `ValueError` for invalid arguments,
`KeyError` and `IndexError` for what a mapping or a sequence does not hold.
"""

import re
import sys
import warnings
from collections.abc import Iterable

__all__ = [
    "Error",
    "InternalError",
    "InvalidValueError",
    "RateLimitedError",
    "UserError",
]


class Error(Exception):
    """Base class of the errors of this package.

    Args:
        message: What went wrong and what to do next.
        status_code: HTTP status of the response, if there was one.
        request_id: The server's identifier of the request, to quote when asking for support.
        url: URL of the request. Only scheme, host, port and path are kept, because a query or
            user information may contain a secret.
        retry_after: Seconds that the server asked to wait before the next request.

    Attributes:
        status_code: As given.
        request_id: As given.
        url: As given, without query, fragment and user information.
        retry_after: As given.

    Examples:
        >>> try:
        ...     hub.get_job("j0000000")
        ... except hub.Error as error:
        ...     print(error.status_code, error)
        404 There is no job j0000000 that you may see: ...
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        request_id: str | None = None,
        url: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.request_id = request_id
        self.url = None if url is None else redact_url(url)
        self.retry_after = retry_after


class UserError(Error):
    """The request or the configuration is invalid: correct it before trying again.

    Examples:
        >>> hub.get_devices(attributes="snapdragon")
        Traceback (most recent call last):
            ...
        qai_hub.errors.UserError: 'snapdragon' is not a device attribute: write key:value, ...
    """


class InvalidValueError(UserError, ValueError):
    """An argument has an invalid value: a `UserError` that is also a `ValueError`.

    Examples:
        >>> try:
        ...     job = hub.submit_quantize_job(model, dataset, hub.QuantizeDtype.INT16)
        ... except ValueError as error:
        ...     print(type(error).__name__)
        InvalidValueError
    """


class InternalError(Error):
    """The server or the network failed: the same request may succeed later.

    Examples:
        >>> try:
        ...     devices = hub.get_devices()
        ... except hub.InternalError as error:
        ...     print(f"Not now: {error}. The server calls the request {error.request_id}.")
    """


class RateLimitedError(Error):
    """The server accepts no more requests for now: slow down.

    Examples:
        >>> try:
        ...     job = hub.submit_inference_job(target_model, device, dataset, retry=False)
        ... except hub.RateLimitedError as error:
        ...     print(f"Try again in {error.retry_after} seconds.")
    """


_MIN_SECRET_LENGTH = 6
# As people mistype them too: `https:/host`, `http:\\host`.
_URL_START = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:(?=[/\\]))?[/\\]*")
_AUTHORITY_END = re.compile(r"[/\\?#]")
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::\d*)?")
_PATH_END = re.compile(r"[?#]")


def redact_url(url: str) -> str:
    """Removes query, fragment and user information from a URL.

    Args:
        url: A URL, well-formed or not.

    Returns:
        Its scheme, host, port and path.
    """
    rest = _URL_START.sub("", url, count=1)
    start = url.removesuffix(rest)
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0]
    if "@" in authority:
        rest = rest[authority.rindex("@") + 1 :]
    elif not _HOST.fullmatch(authority):
        # Perhaps a password with a sign that ends the authority.
        rest = rest.rpartition("@")[2]
    return f"{start}{_PATH_END.split(rest, maxsplit=1)[0]}"


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Replaces secrets in a text by asterisks.

    Args:
        text: The text.
        secrets: Texts that must not be shown. Those that would make holes in words are left.

    Returns:
        The text without them.
    """
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_LENGTH:
            text = text.replace(secret, "***")
    return text


def warn_deprecated(message: str) -> None:
    """Emits a `DeprecationWarning` for the line outside this package that called into it.

    Args:
        message: What is deprecated, and what to use instead.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == "qai_hub":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeprecationWarning, stacklevel=level)
