from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.user import User
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/users/auth/user/",
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[User]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> User:
    try:
        value = reading.body(response)
        if type(value) is User:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return User.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
) -> Response[User]:
    """Get the caller.

    Returns the user whom the token belongs to.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs()
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
) -> User:
    """Get the caller.

    Returns the user whom the token belongs to.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        User,
        sync_detailed(
            client,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
) -> Response[User]:
    """Get the caller.

    Returns the user whom the token belongs to.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs()
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
) -> User:
    """Get the caller.

    Returns the user whom the token belongs to.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        User,
        (
            await asyncio_detailed(
                client,
            )
        ).parsed,
    )
