from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.shared_access import SharedAccess
from ...types import Response


def _get_kwargs(
    job_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/jobs/{job_id}/shared_access/".format(
            job_id=quote(str(job_id), safe=""),
        ),
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[SharedAccess]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> SharedAccess:
    try:
        value = reading.body(response)
        if type(value) is SharedAccess:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return SharedAccess.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    job_id: str,
) -> Response[SharedAccess]:
    """List the people that a job is shared with.

    Sharing a job opens its models, datasets and artifacts too, and for an inference job the compile
    and link jobs behind it.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        job_id=job_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    job_id: str,
) -> SharedAccess:
    """List the people that a job is shared with.

    Sharing a job opens its models, datasets and artifacts too, and for an inference job the compile
    and link jobs behind it.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        SharedAccess,
        sync_detailed(
            client,
            job_id=job_id,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    job_id: str,
) -> Response[SharedAccess]:
    """List the people that a job is shared with.

    Sharing a job opens its models, datasets and artifacts too, and for an inference job the compile
    and link jobs behind it.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        job_id=job_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    job_id: str,
) -> SharedAccess:
    """List the people that a job is shared with.

    Sharing a job opens its models, datasets and artifacts too, and for an inference job the compile
    and link jobs behind it.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        SharedAccess,
        (
            await asyncio_detailed(
                client,
                job_id=job_id,
            )
        ).parsed,
    )
