from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.sign_in_link import SignInLink
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/users/auth/browser/",
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[SignInLink]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> SignInLink:
    try:
        value = reading.body(response)
        if type(value) is SignInLink:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return SignInLink.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
) -> Response[SignInLink]:
    """Make a link that signs a browser in.

    Returns a link to the pages of a hub, which signs the browser that opens it in as the caller. It
    can be used once, for a few minutes. A path as its `to` parameter chooses the page. The browser
    is signed out when the token is revoked. The official service has no such links.

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
) -> SignInLink:
    """Make a link that signs a browser in.

    Returns a link to the pages of a hub, which signs the browser that opens it in as the caller. It
    can be used once, for a few minutes. A path as its `to` parameter chooses the page. The browser
    is signed out when the token is revoked. The official service has no such links.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        SignInLink,
        sync_detailed(
            client,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
) -> Response[SignInLink]:
    """Make a link that signs a browser in.

    Returns a link to the pages of a hub, which signs the browser that opens it in as the caller. It
    can be used once, for a few minutes. A path as its `to` parameter chooses the page. The browser
    is signed out when the token is revoked. The official service has no such links.

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
) -> SignInLink:
    """Make a link that signs a browser in.

    Returns a link to the pages of a hub, which signs the browser that opens it in as the caller. It
    can be used once, for a few minutes. A path as its `to` parameter chooses the page. The browser
    is signed out when the token is revoked. The official service has no such links.

    Args:
        client: Where to send the request.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        SignInLink,
        (
            await asyncio_detailed(
                client,
            )
        ).parsed,
    )
