from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.create_update_response import CreateUpdateResponse
from ...models.job_update import JobUpdate
from ...types import Response


def _get_kwargs(
    job_id: str,
    *,
    body: JobUpdate,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/api/v1/jobs/{job_id}/".format(
            job_id=quote(str(job_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

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
    job_id: str,
    *,
    body: JobUpdate,
) -> Response[CreateUpdateResponse]:
    """Rename a job.

    Only the owner may do this.

    Args:
        client: Where to send the request.
        body: What to send.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        job_id=job_id,
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    job_id: str,
    *,
    body: JobUpdate,
) -> CreateUpdateResponse:
    """Rename a job.

    Only the owner may do this.

    Args:
        client: Where to send the request.
        body: What to send.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        CreateUpdateResponse,
        sync_detailed(
            client,
            job_id=job_id,
            body=body,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    job_id: str,
    *,
    body: JobUpdate,
) -> Response[CreateUpdateResponse]:
    """Rename a job.

    Only the owner may do this.

    Args:
        client: Where to send the request.
        body: What to send.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        job_id=job_id,
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    job_id: str,
    *,
    body: JobUpdate,
) -> CreateUpdateResponse:
    """Rename a job.

    Only the owner may do this.

    Args:
        client: Where to send the request.
        body: What to send.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        CreateUpdateResponse,
        (
            await asyncio_detailed(
                client,
                job_id=job_id,
                body=body,
            )
        ).parsed,
    )
