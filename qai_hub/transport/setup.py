"""Creation of the HTTP clients, with their headers, time limits, retries and certificates."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from math import inf
from typing import TYPE_CHECKING, Literal, TypedDict

from qai_hub._version import OFFICIAL_RELEASE, __version__
from qai_hub.config import ClientConfig, require_token
from qai_hub.config.files import Secret
from qai_hub.http_library import httpx
from qai_hub.transport.certificates import CERTIFICATE_VARIABLES
from qai_hub.transport.parsing_session import JsonSession
from qai_hub.transport.proxies import PROXY_VARIABLES
from qai_hub.transport.request_attempts import RetryRules
from qai_hub.transport.retry import IDEMPOTENT, RetryPolicy
from qai_hub.transport.session import TIME_LIMITS, Session

if TYPE_CHECKING:
    from qai_hub.transport.async_session import AsyncSession

__all__ = [
    "TRANSFER_READ_LIMIT",
    "api_session",
    "async_api_session",
    "file_session",
    "network_environment",
    "raise_transfer_read_limit",
]

_VARIABLES = (*PROXY_VARIABLES, *CERTIFICATE_VARIABLES)
_ABSENT = Secret("(absent)")
# A transfer may take hours, so its retries are limited by number and not by time, and a server may
# take a while to store a large file.
_TRANSFER_RETRIES = RetryPolicy(max_attempts=8, time_budget=inf)
# A long poll occupies its connection until the server responds. With a limit, many waits in
# threads would block each other and every other request.
_CONNECTION_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)
TRANSFER_READ_LIMIT = 120.0
_transfer_read_limit = TRANSFER_READ_LIMIT


def network_environment() -> tuple[Secret, ...]:
    """Returns the environment variables that sessions depend on, to replace them on a change.

    Returns:
        The values of the variables for proxies and certificates.
    """
    # An empty variable differs from an absent one: it may take precedence over another.
    values = [os.environ.get(name) for name in _VARIABLES]
    return tuple([_ABSENT if value is None else Secret(value) for value in values])


def api_session(config: ClientConfig, wire: Literal["json", "protobuf"]) -> Session:
    """Creates the blocking session for the API requests of a configuration.

    Args:
        config: The configuration.
        wire: The format that the server uses.

    Returns:
        The session.

    Raises:
        UserError: If the configuration has no token, or the environment names a proxy that cannot
            be used.
    """
    kind: type[Session] = JsonSession
    if wire == "protobuf":
        from qai_hub.transport.protobuf import ProtobufSession

        kind = ProtobufSession
    return kind(
        config.api_url,
        headers=_headers(config, wire),
        follow_same_origin=True,
        limits=_CONNECTION_LIMITS,
        **_retry_options(wire),
    )


def async_api_session(config: ClientConfig, wire: Literal["json", "protobuf"]) -> AsyncSession:
    """Creates the asynchronous session for the API requests of a configuration.

    Args:
        config: The configuration.
        wire: The format that the server uses.

    Returns:
        The session.

    Raises:
        UserError: If the configuration has no token, or the environment names a proxy that cannot
            be used.
    """
    # asyncio takes as long to import as all of the transport, and blocking clients do without.
    from qai_hub.transport.async_parsing_session import AsyncJsonSession

    kind: type[AsyncSession] = AsyncJsonSession
    if wire == "protobuf":
        from qai_hub.transport.async_protobuf import AsyncProtobufSession

        kind = AsyncProtobufSession
    return kind(
        base_url=config.api_url,
        headers=_headers(config, wire),
        timeout=TIME_LIMITS,
        limits=_CONNECTION_LIMITS,
        rules=RetryRules(**_retry_options(wire)),
    )


class _RetryOptions(TypedDict):
    idempotent: Collection[str]
    idempotent_posts: bool


def _retry_options(wire: Literal["json", "protobuf"]) -> _RetryOptions:
    """Returns which requests can safely be processed twice."""
    return {
        # A PATCH of the contract sets values, which is idempotent.
        "idempotent": IDEMPOTENT | {"PATCH"},
        # The official service ignores idempotency keys, so a POST that may have been processed
        # is not repeated.
        "idempotent_posts": wire == "json",
    }


def _headers(config: ClientConfig, wire: Literal["json", "protobuf"]) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Authorization": Secret(f"token {require_token(config)}"),
        "Client-Version": OFFICIAL_RELEASE,
        "User-Agent": user_agent(),
    }
    if wire == "protobuf":
        # The official service expects these headers from each client.
        import platform

        headers |= {
            "Accept": "*/*",
            "Client-Mode": config.client_mode,
            "OS-Type": platform.system(),
            "OS-Version": platform.release(),
            "Python-Version": platform.python_version(),
        }
    return headers


def file_session() -> Session:
    """Creates the session for transfers to and from signed URLs, which adds no token."""
    headers = {"User-Agent": user_agent()}
    return Session(
        headers=headers,
        policy=_TRANSFER_RETRIES,
        timeout=httpx.Timeout(connect=5.0, read=_transfer_read_limit, write=60.0, pool=60.0),
    )


def raise_transfer_read_limit(seconds: float) -> None:
    """Raises the time limit of the file sessions that are created from now on.

    Args:
        seconds: Seconds to wait for the next bytes; values below the default change nothing.
    """
    global _transfer_read_limit  # noqa: PLW0603 - one for the process, as the sessions are
    _transfer_read_limit = max(seconds, TRANSFER_READ_LIMIT)


def user_agent() -> str:
    # What the module platform reports, which takes longer to import than a request.
    python = sys.version.partition(" ")[0]
    return f"qai-hub-openapi/{__version__} python/{python} httpx/{httpx.__version__}"
