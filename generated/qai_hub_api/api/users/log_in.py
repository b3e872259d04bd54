from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.api_token import ApiToken
from ...models.credentials import Credentials
from ...types import Response


def _get_kwargs(
    *,
    body: Credentials,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/users/auth/login/",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _build_response(response: httpx.Response) -> Response[ApiToken]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> ApiToken:
    try:
        value = reading.body(response)
        if type(value) is ApiToken:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return ApiToken.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    *,
    body: Credentials,
) -> Response[ApiToken]:
    """Log in.

    Exchanges an e-mail address and a password for an API token. Returns 400 if they do not match.

    Args:
        client: Where to send the request.
        body: What to send.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    *,
    body: Credentials,
) -> ApiToken:
    """Log in.

    Exchanges an e-mail address and a password for an API token. Returns 400 if they do not match.

    Args:
        client: Where to send the request.
        body: What to send.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        ApiToken,
        sync_detailed(
            client,
            body=body,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    *,
    body: Credentials,
) -> Response[ApiToken]:
    """Log in.

    Exchanges an e-mail address and a password for an API token. Returns 400 if they do not match.

    Args:
        client: Where to send the request.
        body: What to send.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    *,
    body: Credentials,
) -> ApiToken:
    """Log in.

    Exchanges an e-mail address and a password for an API token. Returns 400 if they do not match.

    Args:
        client: Where to send the request.
        body: What to send.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        ApiToken,
        (
            await asyncio_detailed(
                client,
                body=body,
            )
        ).parsed,
    )
