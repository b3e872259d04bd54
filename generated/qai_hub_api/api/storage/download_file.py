from http import HTTPStatus
from io import BytesIO
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    file_id: str,
    *,
    signature: str,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(range_, Unset):
        headers["Range"] = range_

    if not isinstance(if_range, Unset):
        headers["If-Range"] = if_range

    params: dict[str, Any] = {}

    params["signature"] = signature

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/storage/files/{file_id}/".format(
            file_id=quote(str(file_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _build_response(response: httpx.Response) -> Response[File]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> File:
    try:
        _response_200 = response.content
        response_200 = File(payload=BytesIO(_response_200))

        return response_200

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    file_id: str,
    *,
    signature: str,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> Response[File]:
    """Download a file.

    Returns a stored file, or a range of it. The signature names the file.

    Args:
        client: Where to send the request.
        file_id: `file_id` of the path.
        signature: `signature` of the query.
        range_: Header `Range`.
        if_range: Header `If-Range`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        file_id=file_id,
        signature=signature,
        range_=range_,
        if_range=if_range,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    file_id: str,
    *,
    signature: str,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> File:
    """Download a file.

    Returns a stored file, or a range of it. The signature names the file.

    Args:
        client: Where to send the request.
        file_id: `file_id` of the path.
        signature: `signature` of the query.
        range_: Header `Range`.
        if_range: Header `If-Range`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        File,
        sync_detailed(
            client,
            file_id=file_id,
            signature=signature,
            range_=range_,
            if_range=if_range,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    file_id: str,
    *,
    signature: str,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> Response[File]:
    """Download a file.

    Returns a stored file, or a range of it. The signature names the file.

    Args:
        client: Where to send the request.
        file_id: `file_id` of the path.
        signature: `signature` of the query.
        range_: Header `Range`.
        if_range: Header `If-Range`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        file_id=file_id,
        signature=signature,
        range_=range_,
        if_range=if_range,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    file_id: str,
    *,
    signature: str,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> File:
    """Download a file.

    Returns a stored file, or a range of it. The signature names the file.

    Args:
        client: Where to send the request.
        file_id: `file_id` of the path.
        signature: `signature` of the query.
        range_: Header `Range`.
        if_range: Header `If-Range`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        File,
        (
            await asyncio_detailed(
                client,
                file_id=file_id,
                signature=signature,
                range_=range_,
                if_range=if_range,
            )
        ).parsed,
    )
