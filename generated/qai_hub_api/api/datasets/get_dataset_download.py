from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.file_download_response import FileDownloadResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dataset_id: str,
    *,
    supports_s3_credentials: bool | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["supports_s3_credentials"] = supports_s3_credentials

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/datasets/{dataset_id}/download_data/".format(
            dataset_id=quote(str(dataset_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[FileDownloadResponse]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> FileDownloadResponse:
    try:
        value = reading.body(response)
        if type(value) is FileDownloadResponse:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return FileDownloadResponse.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    supports_s3_credentials: bool | Unset = UNSET,
) -> Response[FileDownloadResponse]:
    """Get the download address of a dataset.

    A signed URL of its HDF5 file.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        supports_s3_credentials: `supports_s3_credentials` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        dataset_id=dataset_id,
        supports_s3_credentials=supports_s3_credentials,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    supports_s3_credentials: bool | Unset = UNSET,
) -> FileDownloadResponse:
    """Get the download address of a dataset.

    A signed URL of its HDF5 file.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        supports_s3_credentials: `supports_s3_credentials` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        FileDownloadResponse,
        sync_detailed(
            client,
            dataset_id=dataset_id,
            supports_s3_credentials=supports_s3_credentials,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    supports_s3_credentials: bool | Unset = UNSET,
) -> Response[FileDownloadResponse]:
    """Get the download address of a dataset.

    A signed URL of its HDF5 file.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        supports_s3_credentials: `supports_s3_credentials` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        dataset_id=dataset_id,
        supports_s3_credentials=supports_s3_credentials,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    supports_s3_credentials: bool | Unset = UNSET,
) -> FileDownloadResponse:
    """Get the download address of a dataset.

    A signed URL of its HDF5 file.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        supports_s3_credentials: `supports_s3_credentials` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        FileDownloadResponse,
        (
            await asyncio_detailed(
                client,
                dataset_id=dataset_id,
                supports_s3_credentials=supports_s3_credentials,
            )
        ).parsed,
    )
