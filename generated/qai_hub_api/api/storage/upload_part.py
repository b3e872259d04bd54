from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...types import UNSET, File, Response


def _get_kwargs(
    upload_id: str,
    part_number: int,
    *,
    body: File,
    signature: str,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["signature"] = signature

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v1/storage/uploads/{upload_id}/parts/{part_number}/".format(
            upload_id=quote(str(upload_id), safe=""),
            part_number=quote(str(part_number), safe=""),
        ),
        "params": params,
    }

    _kwargs["content"] = body.payload

    headers["Content-Type"] = "application/octet-stream"

    _kwargs["headers"] = headers
    return _kwargs


def _build_response(response: httpx.Response) -> Response[None]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=None,
    )


def sync_detailed(
    client: AuthenticatedClient | Client,
    upload_id: str,
    part_number: int,
    *,
    body: File,
    signature: str,
) -> Response[None]:
    """Upload one part.

    Stores one part of an upload. The signature names the part and its size.

    Args:
        client: Where to send the request.
        body: What to send.
        upload_id: `upload_id` of the path.
        part_number: `part_number` of the path.
        signature: `signature` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        upload_id=upload_id,
        part_number=part_number,
        body=body,
        signature=signature,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    upload_id: str,
    part_number: int,
    *,
    body: File,
    signature: str,
) -> None:
    """Upload one part.

    Stores one part of an upload. The signature names the part and its size.

    Args:
        client: Where to send the request.
        body: What to send.
        upload_id: `upload_id` of the path.
        part_number: `part_number` of the path.
        signature: `signature` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    sync_detailed(
        client,
        upload_id=upload_id,
        part_number=part_number,
        body=body,
        signature=signature,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    upload_id: str,
    part_number: int,
    *,
    body: File,
    signature: str,
) -> Response[None]:
    """Upload one part.

    Stores one part of an upload. The signature names the part and its size.

    Args:
        client: Where to send the request.
        body: What to send.
        upload_id: `upload_id` of the path.
        part_number: `part_number` of the path.
        signature: `signature` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        upload_id=upload_id,
        part_number=part_number,
        body=body,
        signature=signature,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    upload_id: str,
    part_number: int,
    *,
    body: File,
    signature: str,
) -> None:
    """Upload one part.

    Stores one part of an upload. The signature names the part and its size.

    Args:
        client: Where to send the request.
        body: What to send.
        upload_id: `upload_id` of the path.
        part_number: `part_number` of the path.
        signature: `signature` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    await asyncio_detailed(
        client,
        upload_id=upload_id,
        part_number=part_number,
        body=body,
        signature=signature,
    )
