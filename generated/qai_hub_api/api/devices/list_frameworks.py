from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.framework_list import FrameworkList
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/frameworks/",
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[FrameworkList]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> FrameworkList:
    try:
        value = reading.body(response)
        if type(value) is FrameworkList:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return FrameworkList.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
) -> Response[FrameworkList]:
    """List frameworks.

    Runtime frameworks that jobs can ask for.

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
) -> FrameworkList:
    """List frameworks.

    Runtime frameworks that jobs can ask for.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        FrameworkList,
        sync_detailed(
            client,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
) -> Response[FrameworkList]:
    """List frameworks.

    Runtime frameworks that jobs can ask for.

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
) -> FrameworkList:
    """List frameworks.

    Runtime frameworks that jobs can ask for.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        FrameworkList,
        (
            await asyncio_detailed(
                client,
            )
        ).parsed,
    )
