from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.create_update_response import CreateUpdateResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dataset_id: str,
    *,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/datasets/{dataset_id}/upload_complete/".format(
            dataset_id=quote(str(dataset_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _build_response(response: httpx.Response) -> Response[CreateUpdateResponse]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> CreateUpdateResponse:
    try:
        value = reading.body(response)
        if type(value) is CreateUpdateResponse:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return CreateUpdateResponse.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    idempotency_key: str | Unset = UNSET,
) -> Response[CreateUpdateResponse]:
    """Report that the file of a dataset is uploaded.

    After an upload with storage credentials. Doing it twice changes nothing.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        idempotency_key: Header `Idempotency-Key`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        dataset_id=dataset_id,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    idempotency_key: str | Unset = UNSET,
) -> CreateUpdateResponse:
    """Report that the file of a dataset is uploaded.

    After an upload with storage credentials. Doing it twice changes nothing.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        idempotency_key: Header `Idempotency-Key`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        CreateUpdateResponse,
        sync_detailed(
            client,
            dataset_id=dataset_id,
            idempotency_key=idempotency_key,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    idempotency_key: str | Unset = UNSET,
) -> Response[CreateUpdateResponse]:
    """Report that the file of a dataset is uploaded.

    After an upload with storage credentials. Doing it twice changes nothing.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        idempotency_key: Header `Idempotency-Key`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        dataset_id=dataset_id,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    dataset_id: str,
    *,
    idempotency_key: str | Unset = UNSET,
) -> CreateUpdateResponse:
    """Report that the file of a dataset is uploaded.

    After an upload with storage credentials. Doing it twice changes nothing.

    Args:
        client: Where to send the request.
        dataset_id: `dataset_id` of the path.
        idempotency_key: Header `Idempotency-Key`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        CreateUpdateResponse,
        (
            await asyncio_detailed(
                client,
                dataset_id=dataset_id,
                idempotency_key=idempotency_key,
            )
        ).parsed,
    )
