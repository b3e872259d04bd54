"""How the HTTP clients are set up: what they say of themselves, their patience and trust."""

import functools
import os
import platform
import ssl
from math import inf

import httpx

from qai_hub._version import __version__
from qai_hub.config import ClientConfig, require_token
from qai_hub.transport.async_session import AsyncSession
from qai_hub.transport.retries import RetryPolicy
from qai_hub.transport.session import TIME_LIMITS, Session

__all__ = [
    "TRANSFER_READ_LIMIT",
    "api_session",
    "async_api_session",
    "file_session",
    "wait_longer_for_files",
]

_FOLLOWED_RELEASE = "0.56.0"
# A transfer may take hours, so that only its tries are counted, and a server may take a while to
# put a large file away.
_TRANSFERS = RetryPolicy(tries=8, budget=inf)
# A wait keeps its connection busy for as long as the server holds the answer back: with a limit,
# many waits in threads would keep each other, and every other request, waiting.
_CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=20)
TRANSFER_READ_LIMIT = 120.0
_transfer_read_limit = TRANSFER_READ_LIMIT


def api_session(config: ClientConfig) -> Session:
    """Makes what sends the requests of one configuration.

    Args:
        config: The configuration.

    Returns:
        The session.

    Raises:
        UserError: If the configuration has no token.
    """
    return Session(
        config.api_url,
        headers=_headers(config),
        idempotent_posts=True,
        limits=_CONNECTIONS,
        verify=_certificates(),
    )


def async_api_session(config: ClientConfig) -> AsyncSession:
    """Makes what sends the requests of one configuration, in an event loop.

    Args:
        config: The configuration.

    Returns:
        The session.

    Raises:
        UserError: If the configuration has no token.
    """
    return AsyncSession(
        base_url=config.api_url,
        headers=_headers(config),
        timeout=TIME_LIMITS,
        limits=_CONNECTIONS,
        verify=_certificates(),
    )


def _headers(config: ClientConfig) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Authorization": f"token {require_token(config)}",
        "Client-Version": _FOLLOWED_RELEASE,
        "User-Agent": _user_agent(),
    }


def file_session() -> Session:
    """Makes what carries files, to and from signed addresses."""
    headers = {"User-Agent": _user_agent()}
    return Session(
        headers=headers,
        policy=_TRANSFERS,
        timeout=httpx.Timeout(connect=5.0, read=_transfer_read_limit, write=60.0, pool=60.0),
        verify=_certificates(),
    )


def wait_longer_for_files(seconds: float) -> None:
    """Raises the time limit of the file sessions that are made from now on.

    Args:
        seconds: Seconds to wait for the next bytes; fewer than the usual ones change nothing.
    """
    global _transfer_read_limit  # noqa: PLW0603 - one for the process, as the sessions are
    _transfer_read_limit = max(seconds, TRANSFER_READ_LIMIT)


def _user_agent() -> str:
    return (
        f"qai-hub-openapi/{__version__} python/{platform.python_version()} "
        f"httpx/{httpx.__version__}"
    )


def _certificates() -> ssl.SSLContext:
    return _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.cache
def _trust(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Certificates that the environment names take 20 ms to read: once for all sessions."""
    return httpx.create_ssl_context()
