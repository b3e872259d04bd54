from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.model import Model
from ...types import Response


def _get_kwargs(
    model_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/models/{model_id}/".format(
            model_id=quote(str(model_id), safe=""),
        ),
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[Model]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> Model:
    try:
        value = reading.body(response)
        if type(value) is Model:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return Model.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    model_id: str,
) -> Response[Model]:
    """Get a model.

    A model that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        model_id=model_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    model_id: str,
) -> Model:
    """Get a model.

    A model that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        Model,
        sync_detailed(
            client,
            model_id=model_id,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    model_id: str,
) -> Response[Model]:
    """Get a model.

    A model that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        model_id=model_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    model_id: str,
) -> Model:
    """Get a model.

    A model that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        Model,
        (
            await asyncio_detailed(
                client,
                model_id=model_id,
            )
        ).parsed,
    )
