"""Asking a server for its health, without a token and without retries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from qai_hub.http_library import httpx
from qai_hub.transport.errors import error_from_request_error, error_from_response
from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.server_clock import read_date
from qai_hub.transport.session import Session
from qai_hub.transport.setup import user_agent
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api.errors import ApiError
    from qai_hub_api.models import Health

    from qai_hub.config import ClientConfig
    from qai_hub.errors import Error

__all__ = ["ServerHealth", "fetch_health"]

_NO_SUCH_OPERATION = 404
_UNHEALTHY = 500


@dataclass(frozen=True)
class ServerHealth:
    """What a server that can be reached says of itself.

    Attributes:
        status: `ok` if it is healthy; `failed` if it is not; empty if it has no health check, such
            as the official service.
        version: Its release; empty if it does not say.
        date: Its clock; None if it does not say.
        problem: The error that it answered with; None if it is healthy or has no health check.
    """

    status: str
    version: str = ""
    date: datetime | None = None
    problem: Error | None = None


def fetch_health(config: ClientConfig, time_limit: float) -> ServerHealth:
    """Asks a server for its health.

    Args:
        config: The configuration, of which the token is not sent.
        time_limit: Seconds for each step of the request.

    Returns:
        Its answer, also that of a server which has no such operation or is not healthy.

    Raises:
        UserError: If the environment names a proxy or certificates that cannot be used, or the
            server's certificate is not trusted.
        InternalError: If the server cannot be reached.
    """
    from qai_hub_api.api.health import get_health
    from qai_hub_api.client import Client as GeneratedClient
    from qai_hub_api.errors import ApiError

    session = Session(
        config.api_url,
        headers={"Accept": "application/json", "User-Agent": user_agent()},
        policy=RetryPolicy(max_attempts=1),
        timeout=httpx.Timeout(time_limit),
        follow_same_origin=True,
    )
    with session:
        client = GeneratedClient(base_url=config.api_url).set_httpx_client(session)
        try:
            answer = get_health.sync_detailed(client)
        except ApiError as error:
            return ServerHealth(
                "failed" if error.status_code >= _UNHEALTHY else "",
                date=read_date(error.headers.get("Date", "")),
                problem=None if error.status_code == _NO_SUCH_OPERATION else _to_error(error),
            )
        except httpx.RequestError as error:
            raise error_from_request_error(error, config=config) from None
    health = cast("Health", answer.parsed)
    version = value_or_none(health.version) or ""
    return ServerHealth(health.status, version, read_date(answer.headers.get("Date", "")))


def _to_error(error: ApiError) -> Error:
    return error_from_response(
        error.status_code, error.headers, error.content, error.method, error.url
    )
