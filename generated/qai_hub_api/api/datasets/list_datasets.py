from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.dataset_list import DatasetList
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    sha256: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["offset"] = offset

    params["limit"] = limit

    params["cursor"] = cursor

    params["sha256"] = sha256

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/datasets/",
        "params": params,
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[DatasetList]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> DatasetList:
    try:
        value = reading.body(response)
        if type(value) is DatasetList:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return DatasetList.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    sha256: str | Unset = UNSET,
) -> Response[DatasetList]:
    """List datasets.

    Datasets that the caller owns, newest first.

    Args:
        client: Where to send the request.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        sha256: `sha256` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        offset=offset,
        limit=limit,
        cursor=cursor,
        sha256=sha256,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    sha256: str | Unset = UNSET,
) -> DatasetList:
    """List datasets.

    Datasets that the caller owns, newest first.

    Args:
        client: Where to send the request.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        sha256: `sha256` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        DatasetList,
        sync_detailed(
            client,
            offset=offset,
            limit=limit,
            cursor=cursor,
            sha256=sha256,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    sha256: str | Unset = UNSET,
) -> Response[DatasetList]:
    """List datasets.

    Datasets that the caller owns, newest first.

    Args:
        client: Where to send the request.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        sha256: `sha256` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        offset=offset,
        limit=limit,
        cursor=cursor,
        sha256=sha256,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    sha256: str | Unset = UNSET,
) -> DatasetList:
    """List datasets.

    Datasets that the caller owns, newest first.

    Args:
        client: Where to send the request.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        sha256: `sha256` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        DatasetList,
        (
            await asyncio_detailed(
                client,
                offset=offset,
                limit=limit,
                cursor=cursor,
                sha256=sha256,
            )
        ).parsed,
    )
