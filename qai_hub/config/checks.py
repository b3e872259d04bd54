"""Validation of tokens and URLs."""

import ipaddress
import re
from urllib.parse import urlsplit

from qai_hub.errors import UserError, without_secrets

__all__ = ["Secret", "check_token", "check_url", "is_private"]


class Secret(str):
    """A string whose repr hides it, also in tracebacks that show the values of variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def check_token(token: str) -> str:
    """Strips a token and rejects one that is not valid in a header, without showing it."""
    if not isinstance(token, str):
        raise UserError(f"api_token must be text, not {type(token).__name__}.")
    token = token.strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise UserError("api_token has characters that no token has: copy it again, alone.")
    return Secret(token)


def check_url(key: str, url: str) -> str:
    """Strips a URL and rejects one to which no request could be sent.

    Args:
        key: Name of the setting, for messages.
        url: The URL.

    Returns:
        The URL without trailing slashes.

    Raises:
        UserError: If it is not an http or https URL with a host, or has user information, a query
            or a fragment.
    """
    wrong = f"{key} must be an address like https://host or http://127.0.0.1:8642"
    if not isinstance(url, str):
        raise UserError(f"{wrong}, not {type(url).__name__}.")
    trimmed = url.strip().rstrip("/")
    try:
        parts = urlsplit(trimmed)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or re.search(r"[\s\x00-\x1f\x7f\\]", trimmed):
        raise UserError(f"{wrong}, not {without_secrets(trimmed)!r}.")
    if parts.username is not None or parts.query or parts.fragment:
        raise UserError(f"{wrong}, without user name, password, query or fragment.")
    return trimmed


def is_private(url: str) -> bool:
    """Returns whether a URL uses HTTPS or loopback, so that nobody on the way can read along."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    return loopback or parts.scheme == "https"
