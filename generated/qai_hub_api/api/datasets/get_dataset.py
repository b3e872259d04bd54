from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.dataset import Dataset
from ...types import Response


def _get_kwargs(
    dataset_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/datasets/{dataset_id}/".format(
            dataset_id=quote(str(dataset_id), safe=""),
        ),
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[Dataset]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> Dataset:
    try:
        value = reading.body(response)
        if type(value) is Dataset:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return Dataset.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    dataset_id: str,
) -> Response[Dataset]:
    """Get a dataset.

    A dataset that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        dataset_id=dataset_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    dataset_id: str,
) -> Dataset:
    """Get a dataset.

    A dataset that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        Dataset,
        sync_detailed(
            client,
            dataset_id=dataset_id,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    dataset_id: str,
) -> Response[Dataset]:
    """Get a dataset.

    A dataset that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        dataset_id=dataset_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    dataset_id: str,
) -> Dataset:
    """Get a dataset.

    A dataset that the caller owns, or that is shared with the caller.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        Dataset,
        (
            await asyncio_detailed(
                client,
                dataset_id=dataset_id,
            )
        ).parsed,
    )
