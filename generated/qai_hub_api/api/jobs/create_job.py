from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.create_update_response import CreateUpdateResponse
from ...models.job_submit import JobSubmit
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: JobSubmit,
    seed_target_model: bool | Unset = UNSET,
    cache_control: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(cache_control, Unset):
        headers["Cache-Control"] = cache_control

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["seed_target_model"] = seed_target_model

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/jobs/",
        "params": params,
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
    *,
    body: JobSubmit,
    seed_target_model: bool | Unset = UNSET,
    cache_control: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[CreateUpdateResponse]:
    """Create a job.

    Queues a job. If another job has yet to produce its input model, the job waits for that one, and
    fails if it fails.

    Args:
        client: Where to send the request.
        body: What to send.
        seed_target_model: `seed_target_model` of the query.
        cache_control: Header `Cache-Control`.
        idempotency_key: Header `Idempotency-Key`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        body=body,
        seed_target_model=seed_target_model,
        cache_control=cache_control,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    *,
    body: JobSubmit,
    seed_target_model: bool | Unset = UNSET,
    cache_control: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> CreateUpdateResponse:
    """Create a job.

    Queues a job. If another job has yet to produce its input model, the job waits for that one, and
    fails if it fails.

    Args:
        client: Where to send the request.
        body: What to send.
        seed_target_model: `seed_target_model` of the query.
        cache_control: Header `Cache-Control`.
        idempotency_key: Header `Idempotency-Key`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        CreateUpdateResponse,
        sync_detailed(
            client,
            body=body,
            seed_target_model=seed_target_model,
            cache_control=cache_control,
            idempotency_key=idempotency_key,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    *,
    body: JobSubmit,
    seed_target_model: bool | Unset = UNSET,
    cache_control: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[CreateUpdateResponse]:
    """Create a job.

    Queues a job. If another job has yet to produce its input model, the job waits for that one, and
    fails if it fails.

    Args:
        client: Where to send the request.
        body: What to send.
        seed_target_model: `seed_target_model` of the query.
        cache_control: Header `Cache-Control`.
        idempotency_key: Header `Idempotency-Key`.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        body=body,
        seed_target_model=seed_target_model,
        cache_control=cache_control,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    *,
    body: JobSubmit,
    seed_target_model: bool | Unset = UNSET,
    cache_control: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> CreateUpdateResponse:
    """Create a job.

    Queues a job. If another job has yet to produce its input model, the job waits for that one, and
    fails if it fails.

    Args:
        client: Where to send the request.
        body: What to send.
        seed_target_model: `seed_target_model` of the query.
        cache_control: Header `Cache-Control`.
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
                body=body,
                seed_target_model=seed_target_model,
                cache_control=cache_control,
                idempotency_key=idempotency_key,
            )
        ).parsed,
    )
