from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.job import Job
from ...types import UNSET, Response, Unset


def _get_kwargs(
    job_id: str,
    *,
    prefer: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(prefer, Unset):
        headers["Prefer"] = prefer

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/jobs/{job_id}/".format(
            job_id=quote(str(job_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _build_response(response: httpx.Response) -> Response[Job]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> Job:
    try:
        value = reading.body(response)
        if type(value) is Job:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return Job.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    job_id: str,
    *,
    prefer: str | Unset = UNSET,
) -> Response[Job]:
    """Get a job.

    A job that the caller submitted, or that is shared with the caller. With `Prefer: wait=N` the
    response comes when the job ends, or after N seconds.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.
        prefer: Header `Prefer`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        job_id=job_id,
        prefer=prefer,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    job_id: str,
    *,
    prefer: str | Unset = UNSET,
) -> Job:
    """Get a job.

    A job that the caller submitted, or that is shared with the caller. With `Prefer: wait=N` the
    response comes when the job ends, or after N seconds.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.
        prefer: Header `Prefer`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        Job,
        sync_detailed(
            client,
            job_id=job_id,
            prefer=prefer,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    job_id: str,
    *,
    prefer: str | Unset = UNSET,
) -> Response[Job]:
    """Get a job.

    A job that the caller submitted, or that is shared with the caller. With `Prefer: wait=N` the
    response comes when the job ends, or after N seconds.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.
        prefer: Header `Prefer`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        job_id=job_id,
        prefer=prefer,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    job_id: str,
    *,
    prefer: str | Unset = UNSET,
) -> Job:
    """Get a job.

    A job that the caller submitted, or that is shared with the caller. With `Prefer: wait=N` the
    response comes when the job ends, or after N seconds.

    Args:
        client: Where to send the request.
        job_id: `job_id` of the path.
        prefer: Header `Prefer`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        Job,
        (
            await asyncio_detailed(
                client,
                job_id=job_id,
                prefer=prefer,
            )
        ).parsed,
    )
